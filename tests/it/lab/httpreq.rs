use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Guarded;
use crate::support::guarded::arguments;
use crate::support::lab::{HttpReq, PowerDns};
use crate::support::pki::Workshop;
use crate::support::server::{eventually, free_port};
use crate::support::tools::{Ran, locate, run, tool};

/// What each kind of endpoint takes and refuses.
#[tokio::test]
async fn the_receiver_is_proved() {
    let powerdns = PowerDns::start().await;
    let receiver = HttpReq::start(&powerdns).await;
    receiver.prove(&powerdns).output();
}

/// lego is the reference sender: it gets certificates from Pebble by the receiver's hand, in both modes.
#[tokio::test]
async fn lego_gets_a_certificate_through_the_receiver() {
    let powerdns = PowerDns::start().await;
    let receiver = HttpReq::start(&powerdns).await;
    let pebble = Pebble::start(powerdns.dns_port()).await;
    for (endpoint, mode, fields) in
        [("basic", "", &["fqdn", "value"][..]), ("basic+raw", "RAW", &["domain", "keyAuth", "token"])]
    {
        receiver.clear_log().await;
        let ran = pebble.lego(&receiver, endpoint, mode, powerdns.dns_port());
        assert!(ran.ok, "{}{}", ran.stdout, ran.stderr);
        let log = receiver.log().await;
        let paths: Vec<_> = log.iter().map(|entry| entry["path"].as_str().expect("a path")).collect();
        let (present, cleanup) = (format!("/{endpoint}/present"), format!("/{endpoint}/cleanup"));
        assert_eq!(paths, [&present, &present, &cleanup, &cleanup]);
        for entry in &log {
            assert_eq!(entry["status"], 200);
            let body: Value = serde_json::from_str(entry["body"].as_str().expect("a body")).expect("JSON");
            let members: Vec<_> = body.as_object().expect("an object").keys().collect();
            assert_eq!(members, fields);
        }
    }
    assert_eq!(receiver.violations().await, Vec::<Value>::new());
    assert_eq!(powerdns.txt("_acme-challenge.example.test"), Vec::<String>::new());
}

/// The test CA, from the Debian package `pebble`.
struct Pebble {
    process: Guarded,
    workshop: Workshop,
    port: u16,
}

impl Pebble {
    async fn start(dns_port: u16) -> Self {
        let (workshop, port) = (Workshop::new(), free_port());
        let server = workshop.leaf("localhost");
        let (certificate, key) = (workshop.write("ca.pem", &server.certificate), workshop.write("ca.key", &server.key));
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{}", free_port()),
            "certificate": certificate,
            "privateKey": key,
            "httpPort": 5002,
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        let config = workshop.write("pebble.json", config.to_string());
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let line = arguments(&["-config", &config.to_string_lossy(), "-dnsserver", &format!("127.0.0.1:{dns_port}")]);
        let no_sleep = [("PEBBLE_VA_NOSLEEP".into(), "1".into())];
        let process = Guarded::spawn(&locate("pebble", "pebble"), &line, &no_sleep, &folder, "KILL");
        let listening = async || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() || !process.is_running();
        assert!(eventually(Duration::from_mins(1), listening).await && process.is_running(), "{}", process.output());
        Self { process, workshop, port }
    }

    /// Asks for an apex and its wildcard, which have one challenge name.
    fn lego(&self, receiver: &HttpReq, endpoint: &str, mode: &str, dns_port: u16) -> Ran {
        assert!(self.process.is_running(), "{}", self.process.output());
        let known = receiver.credentials("httpreq");
        let text = |name: &str| known[name].as_str().expect("a text").to_owned();
        let path: &Path = self.workshop.path();
        let mut lego: Command = tool("lego", "lego");
        lego.env("LEGO_CA_CERTIFICATES", path.join("ca.pem"))
            .env("SSL_CERT_FILE", receiver.root_pem_path())
            .env("HTTPREQ_ENDPOINT", format!("https://localhost:{}/{endpoint}", receiver.port()))
            .env("HTTPREQ_MODE", mode)
            .env("HTTPREQ_USERNAME", text("username"))
            .env("HTTPREQ_PASSWORD", text("password"))
            .env("HTTPREQ_POLLING_INTERVAL", "1")
            .args(["--accept-tos", "--email=dns@example.test", "--dns=httpreq", "--dns.disable-cp"])
            .arg(format!("--server=https://localhost:{}/dir", self.port))
            .arg(format!("--dns.resolvers=127.0.0.1:{dns_port}"))
            .arg("--path")
            .arg(path.join(format!("lego-{mode}")))
            .args(["--domains=example.test", "--domains=*.example.test", "run"]);
        run(&mut lego)
    }
}
