//! The fakes under `tests/lab`, each a Python process with a TLS port and a control port.

use std::ops::Deref;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::PowerDns;
use super::script::{Script, list, python};
use crate::support::guarded::arguments;
use crate::support::tools::{Ran, run};

/// What the fakes have in common. `tests/lab/fake/control.py` and `faults.py` describe the JSON.
pub(crate) struct Fake(Script);

/// Cloudflare, Route 53 with STS, Azure DNS with Entra ID, Google Cloud DNS.
pub(crate) struct Cloud(Fake);

/// acme-dns, at `https://auth.example.test`.
pub(crate) struct AcmeDns(Fake);

/// A receiver of lego's httpreq, at `https://hooks.example.test`.
pub(crate) struct HttpReq(Fake);

impl Cloud {
    /// With the zones that `tests/lab/cloud.py` has by itself: `example.test`, `sub.example.test`, private ones and
    /// many others. Credentials: `cloudflare`, `route53`, `azure`, `google`.
    pub(crate) async fn start(powerdns: &PowerDns) -> Self {
        Self(Fake::start("cloud.py", powerdns).await)
    }

    /// Does `present` or `cleanup` by the vendor's own SDK, to hold its requests against a plugin's.
    #[track_caller]
    pub(crate) fn vendor(&self, provider: &str, operation: &str, zone: &str, name: &str, value: &str) {
        let mut line = python("vendor.py");
        line.args([provider, operation, "--zone", zone, "--name", name, "--value", value]);
        run(line.arg("--ready").arg(&self.0.0.ready_file)).output();
    }

    /// How many items a service puts on a page at most, whatever is asked for; 0 for its own limit.
    pub(crate) async fn set_page_size(&self, service: &str, size: u32) {
        self.control(Method::POST, "page-size", Some(&json!({ "service": service, "size": size }))).await;
    }

    /// Adds `{service, name, private, live, status}`; answers its `id`, and its `number` for Google.
    pub(crate) async fn add_zone(&self, zone: Value) -> Value {
        self.control(Method::POST, "zones", Some(&zone)).await
    }

    /// `[{service, name, private, id, number}]`.
    pub(crate) async fn zones(&self) -> Vec<Value> {
        list(self.control(Method::GET, "zones", None).await)
    }
}

impl AcmeDns {
    /// Credentials: `acme-dns`, an account that is registered already.
    pub(crate) async fn start(powerdns: &PowerDns) -> Self {
        Self(Fake::start("acme_dns.py", powerdns).await)
    }
}

impl HttpReq {
    /// Credentials: `httpreq`; what an endpoint asks for is in its path, as `tests/lab/httpreq.py` says.
    pub(crate) async fn start(powerdns: &PowerDns) -> Self {
        Self(Fake::start("httpreq.py", powerdns).await)
    }
}

impl Fake {
    async fn start(script: &str, powerdns: &PowerDns) -> Self {
        let given = arguments(&["--powerdns", &powerdns.api_url()]);
        let environment = vec![("POWERDNS_API_KEY".into(), powerdns.api_key().into())];
        Self(Script::start(script, given, environment).await)
    }

    /// The TLS port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        u16::try_from(self.0.ready["port"].as_u64().expect("a port")).expect("a port")
    }

    /// The root that vouches for the TLS port's certificate, for `plugins.extra_roots`.
    pub(crate) fn root_pem_path(&self) -> &Path {
        Path::new(self.0.ready["root"].as_str().expect("a path"))
    }

    /// Each host it answers for and where it is, for `plugins.connect_overrides`: `("api.cloudflare.com:443",
    /// "127.0.0.1:PORT")`.
    pub(crate) fn connect_overrides(&self) -> Vec<(String, String)> {
        let hosts = self.0.ready["hosts"].as_array().expect("a list of hosts").iter();
        let named = hosts.map(|host| host.as_str().expect("a host")).filter(|host| *host != "localhost");
        named.map(|host| (format!("{host}:443"), format!("127.0.0.1:{}", self.port()))).collect()
    }

    /// What a client of a service needs, new with each start.
    #[track_caller]
    pub(crate) fn credentials(&self, service: &str) -> &Value {
        self.0.ready["credentials"].get(service).unwrap_or_else(|| panic!("{service} has no credentials here"))
    }

    /// Every request since the start or the last `clear_log`: `{service, method, host, path, query, headers, body,
    /// status, fault}`.
    pub(crate) async fn log(&self) -> Vec<Value> {
        list(self.control(Method::GET, "log", None).await)
    }

    pub(crate) async fn clear_log(&self) {
        self.control(Method::DELETE, "log", None).await;
    }

    /// In what ways requests were not as the vendor's SDK makes them; a provider's test wants none.
    pub(crate) async fn violations(&self) -> Vec<Value> {
        list(self.control(Method::GET, "violations", None).await)
    }

    pub(crate) async fn clear_violations(&self) {
        self.control(Method::DELETE, "violations", None).await;
    }

    /// Orders a fault, such as `{"kind": "rate-limited", "host": "api.cloudflare.com", "times": 2, "retry_after": 1}`.
    pub(crate) async fn fault(&self, rule: Value) {
        self.control(Method::POST, "faults", Some(&rule)).await;
    }

    /// The faults that were ordered and have not happened yet.
    pub(crate) async fn faults_left(&self) -> Vec<Value> {
        list(self.control(Method::GET, "faults", None).await)
    }

    /// The TXT record sets in all zones, private ones too: `[{service, zone, zone_id, private, name, ttl, contents}]`.
    pub(crate) async fn records(&self) -> Vec<Value> {
        list(self.control(Method::GET, "records", None).await)
    }

    /// Another writer adds a TXT value.
    pub(crate) async fn add_record(&self, service: &str, name: &str, value: &str) {
        let body = json!({ "service": service, "name": name, "value": value });
        self.control(Method::POST, "records", Some(&body)).await;
    }

    /// Runs `prove.py`: independent clients against this very process. It fails if one proof does, or none runs.
    pub(crate) fn prove(&self, powerdns: &PowerDns) -> Ran {
        let mut line = python("prove.py");
        line.arg("--ready").arg(&self.0.ready_file).args(["--dns", &powerdns.dns_port().to_string()]);
        run(&mut line)
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.0.control(method, path, body).await
    }
}

impl Deref for Cloud {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.0
    }
}

impl Deref for AcmeDns {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.0
    }
}

impl Deref for HttpReq {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.0
    }
}
