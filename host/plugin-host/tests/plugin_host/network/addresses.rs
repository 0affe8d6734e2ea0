//! Where a request may go: addresses, names that change, redirects.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bursar_kernel::audit::Outcome;
use bursar_plugin_host::{HttpsTransport, NetworkConfig, Resolver};
use serde_json::{Value, json};

use super::lab::{Lab, TOKEN, serve_plain};

const UNREACHABLE: &str = "transport: the host could not be reached";

/// Answers each lookup with the next of its answers, and the last for ever.
struct Scripted {
    answers: Vec<&'static [&'static str]>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Scripted {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(host, "private.example.com");
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers[asked.min(self.answers.len() - 1)];
        Ok(answer.iter().map(|text| text.parse().expect("an address")).collect())
    }
}

fn resolving(network: &mut NetworkConfig, answers: Vec<&'static [&'static str]>) -> Arc<Scripted> {
    let resolver = Arc::new(Scripted { answers, asked: AtomicUsize::new(0) });
    let (overrides, roots) = (network.connect_overrides.clone(), network.extra_roots.clone());
    let asked: Arc<dyn Resolver> = Arc::<Scripted>::clone(&resolver);
    network.transport = Some(Arc::new(HttpsTransport::with_resolver(overrides, roots, asked)));
    resolver
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_no_more() {
    let lab = Lab::start().await;
    let request = json!({"url": "https://api.example.com/redirect"});
    let result = lab.send(request).await;
    assert_eq!(
        (&result["status"], &result["headers"]["location"]),
        (&json!(302), &json!("http://169.254.169.254/latest?"))
    );
    assert_eq!(lab.seen().len(), 1);
    // To follow it is a decision of its own.
    let followed = lab.send(json!({"url": "http://169.254.169.254/latest"})).await;
    assert!(followed["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{followed}");
}

#[tokio::test]
async fn raw_addresses_and_plain_http_are_refused_with_the_line_that_would_allow_them() {
    let lab = Lab::start().await;
    for (url, rule, cure) in [
        (
            "https://127.0.0.1:8081/",
            "127.0.0.1:8081 is an address and not a name",
            r#"plugins.granted_addresses = { "talker" = ["127.0.0.1:8081"] }"#,
        ),
        (
            "https://0x7f000001:8081/",
            "127.0.0.1:8081 is an address and not a name",
            r#"plugins.granted_addresses = { "talker" = ["127.0.0.1:8081"] }"#,
        ),
        (
            "http://api.example.com/echo",
            "api.example.com:80 is not granted without TLS",
            r#"plugins.granted_plain_http = { "talker" = ["api.example.com:80"] }"#,
        ),
    ] {
        let result = lab.send(json!({"url": url})).await;
        assert_eq!(result["error"], format!("denied: {rule}"), "{url}");
        let recorded = lab.recorded().remove(0);
        assert_eq!(recorded.reason, Some(format!("{rule}; to allow it: {cure}")), "{url}");
    }
    for url in ["https://169.254.169.254/", "https://[::1]/", "https://user@api.example.com/", "https://8.8.8.8/"] {
        let result = lab.send(json!({"url": url})).await;
        assert!(result["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{url}: {result}");
    }
    assert!(lab.seen().is_empty());
}

#[tokio::test]
async fn a_name_of_a_private_address_is_refused() {
    for addresses in [&["127.0.0.1"][..], &["10.0.0.1", "169.254.169.254"], &["::ffff:127.0.0.1"], &["fd00:ec2::254"]] {
        let lab = Lab::with(|_, network, _| drop(resolving(network, vec![addresses]))).await;
        let result = lab.send(json!({"url": "https://private.example.com/"})).await;
        assert_eq!(result["error"], UNREACHABLE, "{addresses:?}");
        let recorded = lab.recorded().remove(0);
        assert_eq!((recorded.outcome, recorded.status), (Outcome::Denied, None));
        let reason = recorded.reason.expect("a reason");
        assert!(addresses.iter().all(|address| reason.contains(address)), "{reason}");
        let cure = r#"; to allow it: plugins.granted_addresses = { "talker" = ["private.example.com:443"] }"#;
        assert!(reason.ends_with(cure), "{reason}");
    }
}

#[tokio::test]
async fn a_name_that_answers_differently_the_next_time_gains_nothing() {
    let mut resolver = None;
    let address = |port: u16| format!("private.example.com:{port}");
    // First an address that is granted and where nobody is, beside one that is
    // not granted and where the server is; then the latter alone. A second
    // lookup between decision and connection would find the server.
    let lab = Lab::with(|manifest, network, _| {
        let port = network.connect_overrides["api.example.com:443"].port();
        manifest["hosts"].as_array_mut().unwrap().push(json!({"host": address(port), "reason": "test"}));
        manifest["placements"]
            .as_array_mut()
            .unwrap()
            .push(json!({"secret": "/token", "host": address(port), "place": "header:authorization"}));
        resolver = Some(resolving(network, vec![&["127.0.0.77", "127.0.0.1"], &["127.0.0.1"]]));
        network.granted_addresses.insert("talker".to_owned(), vec!["127.0.0.77/32".parse().unwrap()]);
    })
    .await;
    let url = format!("https://{}/echo", address(lab.address.port()));
    let request = json!({"send": {"url": url, "headers": {"authorization": [{"secret": "/token"}]}}});
    let results = lab.run(json!([request, request])).await;
    assert!(results.iter().all(|result| result["error"] == UNREACHABLE), "{results:?}");
    assert!(lab.seen().is_empty());
    let recorded = lab.recorded();
    assert_eq!([recorded[0].outcome, recorded[1].outcome], [Outcome::Failed, Outcome::Denied], "{recorded:?}");
    assert_eq!(resolver.expect("it was made").asked.load(Ordering::Relaxed), 2, "once for each connection");
}

#[tokio::test]
async fn a_private_address_is_reached_where_it_is_granted() {
    let address = |port: u16| format!("private.example.com:{port}");
    for (granted, reached) in [(true, true), (false, false)] {
        let lab = Lab::with(|manifest, network, _| {
            resolving(network, vec![&["127.0.0.1"]]);
            let port = network.connect_overrides["api.example.com:443"].port();
            manifest["hosts"].as_array_mut().unwrap().push(json!({"host": address(port), "reason": "test"}));
            manifest["placements"]
                .as_array_mut()
                .unwrap()
                .push(json!({"secret": "/token", "host": address(port), "place": "header:authorization"}));
            let rule = if granted { address(port) } else { address(1) };
            network.granted_addresses.insert("talker".to_owned(), vec![rule.parse().unwrap()]);
        })
        .await;
        let url = format!("https://{}/echo", address(lab.address.port()));
        let result = lab.send(json!({"url": url, "headers": {"authorization": [{"secret": "/token"}]}})).await;
        assert_eq!(result["status"] == 200, reached, "{result}");
        let arrived: Vec<_> =
            lab.seen().iter().filter_map(|seen| seen.header("authorization").map(str::to_owned)).collect();
        assert_eq!(arrived, if reached { vec![TOKEN.to_owned()] } else { Vec::new() });
    }
}

#[tokio::test]
async fn plain_http_is_spoken_where_it_is_granted() {
    let (address, seen) = serve_plain();
    let grant = |network: &mut NetworkConfig, plain: &str| {
        network.granted_plain_http.insert("talker".to_owned(), vec![plain.to_owned()]);
        network.granted_addresses.insert("talker".to_owned(), vec![address.to_string().parse().expect("a rule")]);
    };
    // The address comes from a field of the data, as with a server of one's own.
    let request = json!({"url": format!("http://{address}/zones"), "headers": {"x-token": [{"secret": "/token"}]}});
    let asking = json!({"script": [{"send": request}], "url": format!("http://{address}/api")});
    let granted = Lab::with(|_, network, _| grant(network, &address.to_string())).await;
    let report = granted.probe(asking.clone()).await.expect("a report");
    assert_eq!(report.details["results"][0]["status"], 200, "{}", report.details);
    assert_eq!(seen.lock().unwrap().remove(0).header("x-token"), Some(TOKEN));
    let other = Lab::with(|_, network, _| grant(network, "127.0.0.1:1")).await;
    let report = other.probe(asking).await.expect("a report");
    let error = report.details["results"][0]["error"].as_str().expect("an error").to_owned();
    assert_eq!(error, format!("denied: {address} is not granted without TLS"));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_serves_one_call_and_no_other() {
    let lab = Lab::start().await;
    let send = json!({"send": {"url": "https://api.example.com/echo"}});
    for _ in 0..2 {
        lab.run(json!([send, send])).await;
    }
    let peers: Vec<_> = lab.seen().iter().map(|seen| seen.peer).collect();
    assert_eq!((peers[0], peers[2]), (peers[1], peers[3]));
    assert_ne!(peers[1], peers[2]);
}

#[tokio::test]
async fn a_server_without_the_right_certificate_is_not_spoken_to() {
    let lab = Lab::with(|manifest, network, _| {
        let address = network.connect_overrides["api.example.com:443"];
        network.connect_overrides.insert("other.example.org:443".to_owned(), address);
        manifest["hosts"].as_array_mut().unwrap().push(json!({"host": "other.example.org", "reason": "test"}));
    })
    .await;
    assert_eq!(lab.send(json!({"url": "https://other.example.org/echo"})).await["error"], UNREACHABLE);
    let reason = lab.recorded().remove(0).reason.expect("a reason");
    assert!(reason.contains("certificate"), "{reason}");

    let strangers = Lab::with(|_, network, _| network.extra_roots.clear()).await;
    assert_eq!(strangers.send(json!({"url": "https://api.example.com/echo"})).await["error"], UNREACHABLE);
    assert!(strangers.seen().is_empty());
}

#[tokio::test]
async fn whatever_fails_the_plugin_hears_one_sentence() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lab = Lab::with(|_, network, _| {
        network.connect_overrides.insert("dns.example.com:8443".to_owned(), closed);
        resolving(network, vec![&[]]);
    })
    .await;
    let mut told: Vec<Value> = Vec::new();
    for url in ["https://private.example.com/", "https://dns.example.com:8443/"] {
        told.push(lab.send(json!({"url": url})).await["error"].clone());
    }
    assert_eq!(told, [UNREACHABLE, UNREACHABLE]);
    assert!(lab.recorded().iter().all(|exchange| exchange.outcome == Outcome::Failed && exchange.reason.is_some()));
}
