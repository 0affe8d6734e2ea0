//! See or speak, never both: the same component, asked in both planes.

use bursar_kernel::plugin::Plugins as _;
use serde_json::{Value, json};

use super::lab::{CLIENT_SECRET, Lab, PASSWORD, TOKEN, data};
use crate::support::context;

#[tokio::test]
async fn a_call_that_sees_secrets_cannot_speak() {
    let lab = Lab::start().await;
    let script = json!([
        {"send": {"url": "https://api.example.com/echo"}}, {"load": {"secret": ["", "/key"]}}, {"hmac": [0, "x"]},
        {"digest": ["sha256", "x"]}, {"digestText": ["sha256", "x"]}, {"clock": true},
    ]);
    let data = data(json!({"script": script}));
    let artifacts = lab.host.materialize("talker", &data, "results", &context()).await.expect("artifacts");
    let seen: Value = serde_json::from_slice(&artifacts[0].content).unwrap();
    let found = lab.host.inspect("talker", &json!({"script": script}), &context()).await.expect("an inspection");
    lab.host.check("talker", &data, &["/key".to_owned()], &context()).await.expect("no violation");
    for results in [&seen, &found.attributes["results"]] {
        let results = results.as_array().unwrap();
        assert_eq!(results.len(), 6);
        assert!(results.iter().all(|result| result["error"] == "unsupported"), "{results:?}");
    }
    assert!(lab.seen().is_empty() && lab.recorded().is_empty());
}

#[tokio::test]
async fn a_call_that_speaks_sees_no_secret() {
    let lab = Lab::start().await;
    // What the caller calls secret is kept back as well, whatever the form says.
    let data = data(
        json!({"script": [{"config": true}, {"clock": true}], "extra": "by the caller's word", "document": {"inner": "inner secret"}}),
    );
    let (context, pointers) = (context(), ["/extra".to_owned()]);
    let call = bursar_kernel::plugin::NetworkCall { secret_pointers: &pointers, ..lab.call(&data, &context) };
    let report = lab.host.dns_check("talker", &call, Some("example.com")).await.expect("a report");
    assert_eq!(report.summary, "example.com");
    let config: Value = serde_json::from_str(report.details["results"][0].as_str().unwrap()).unwrap();
    let mut names: Vec<_> = config.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["script", "tenant", "url"]);
    let text = report.details.to_string();
    for secret in [TOKEN, PASSWORD, CLIENT_SECRET, "inner secret", "caller's word"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(report.details["results"][1].as_i64().is_some_and(|now| now > 1_700_000_000), "{text}");
}
