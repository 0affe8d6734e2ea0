//! The fakes under `tests/lab`, each a Python process with a TLS port and a control port.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::PowerDns;
use crate::support::Guarded;
use crate::support::guarded::arguments;
use crate::support::server::{eventually, workspace};
use crate::support::tools::{Ran, run};

/// What the fakes have in common. `tests/lab/fake/control.py` and `faults.py` describe the JSON.
pub(crate) struct Fake {
    // It ends with this.
    _process: Guarded,
    ready_file: PathBuf,
    ready: Value,
}

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
        run(line.arg("--ready").arg(&self.ready_file)).output();
    }

    /// How many items a service puts on a page at most, whatever is asked for; 0 for its own limit.
    pub(crate) async fn set_page_size(&self, service: &str, size: u32) {
        self.control(Method::POST, "page-size", Some(&json!({ "service": service, "size": size }))).await;
    }

    /// Adds `{service, name, private, live}`; answers its `id`, and its `number` for Google.
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
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let line = python(script);
        let mut words = arguments(&line.get_args().collect::<Vec<_>>());
        words.extend(arguments(&["--powerdns", &powerdns.api_url()]));
        words.extend(arguments(&["--folder".as_ref(), folder.as_os_str()]));
        let mut environment = vec![("POWERDNS_API_KEY".into(), powerdns.api_key().into())];
        environment.extend(line.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
        let process = Guarded::spawn(Path::new(line.get_program()), &words, &environment, &folder, "KILL");
        let ready_file = folder.join("ready.json");
        let answers = async || ready_file.exists() || !process.is_running();
        assert!(
            eventually(START_DEADLINE, answers).await && ready_file.exists(),
            "{script} does not start:\n{}",
            process.output()
        );
        let text = std::fs::read_to_string(&ready_file).expect("ready.json is whole when it is there");
        let ready = serde_json::from_str(&text).expect("ready.json is JSON");
        Self { _process: process, ready_file, ready }
    }

    /// The TLS port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        u16::try_from(self.ready["port"].as_u64().expect("a port")).expect("a port")
    }

    /// The root that vouches for the TLS port's certificate, for `plugins.extra_roots`.
    pub(crate) fn root_pem_path(&self) -> &Path {
        Path::new(self.ready["root"].as_str().expect("a path"))
    }

    /// Each host it answers for and where it is, for `plugins.connect_overrides`: `("api.cloudflare.com:443",
    /// "127.0.0.1:PORT")`.
    pub(crate) fn connect_overrides(&self) -> Vec<(String, String)> {
        let hosts = self.ready["hosts"].as_array().expect("a list of hosts").iter();
        let named = hosts.map(|host| host.as_str().expect("a host")).filter(|host| *host != "localhost");
        named.map(|host| (format!("{host}:443"), format!("127.0.0.1:{}", self.port()))).collect()
    }

    /// What a client of a service needs, new with each start.
    #[track_caller]
    pub(crate) fn credentials(&self, service: &str) -> &Value {
        self.ready["credentials"].get(service).unwrap_or_else(|| panic!("{service} has no credentials here"))
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
        line.arg("--ready").arg(&self.ready_file).args(["--dns", &powerdns.dns_port().to_string()]);
        run(&mut line)
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("http://127.0.0.1:{}/{path}", self.ready["control"]);
        let mut request = plain_http().request(method.clone(), url);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = response.status();
        let text = response.text().await.expect("a whole answer");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("an answer in JSON") }
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

/// A script of `tests/lab`, in the Python that `cargo xtask lab` makes.
pub(super) fn python(script: &str) -> Command {
    let interpreter = workspace().join("target/lab/bin/python");
    assert!(interpreter.exists(), "{} is not there: make it with `cargo xtask lab`", interpreter.display());
    let mut command = Command::new(interpreter);
    command.arg(workspace().join("tests/lab").join(script));
    // What Python compiles is not left among the sources.
    command.env("PYTHONPYCACHEPREFIX", workspace().join("target/lab/pycache"));
    command
}

/// A client for loopback HTTP. One for each call: connections belong to the runtime that opened them, and a fake may be
/// shared by tests.
pub(super) fn plain_http() -> reqwest::Client {
    let no_roots = None::<reqwest::Certificate>;
    reqwest::Client::builder().no_proxy().tls_certs_only(no_roots).build().expect("an HTTP client")
}

pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("not a list: {other}"),
    }
}

/// Generous: several may start at once on a small machine, and the SDKs are large.
pub(super) const START_DEADLINE: Duration = Duration::from_mins(2);
