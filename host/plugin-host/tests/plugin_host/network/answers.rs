//! What a call of the network plane answers and logs is bounded and clean.

use bursar_kernel::plugin::{PluginError, Plugins as _, Progress, TxtRecord};
use serde_json::json;

use super::lab::{Lab, PASSWORD, data};
use crate::logs::capturing;
use crate::support::{Guest, context, load};

fn txt() -> TxtRecord {
    TxtRecord {
        fqdn: "_acme-challenge.example.com".to_owned(),
        zone_hint: Some("example.com".to_owned()),
        value: "value".to_owned(),
        ttl_seconds: 60,
    }
}

#[tokio::test]
async fn records_and_handles_pass_through() {
    let lab = Lab::start().await;
    let (plain, context) = (data(json!({})), context());
    let call = lab.call(&plain, &context);
    let handle = lab.host.dns_present("talker", &call, &txt()).await;
    assert_eq!(handle.as_deref(), Ok("_acme-challenge.example.com=value in Some(\"example.com\") for 60"));
    assert_eq!(lab.host.dns_poll("talker", &call, "done").await, Ok(Progress::Done));
    assert_eq!(lab.host.dns_poll("talker", &call, "later").await, Ok(Progress::Pending(3600)));
    assert_eq!(lab.host.dns_cleanup("talker", &call, &txt(), "handle").await, Ok(()));
    let lost = lab.host.dns_cleanup("talker", &call, &txt(), "").await;
    assert_eq!(lost, Err(PluginError::NotFound("no handle".to_owned())));
}

#[tokio::test]
async fn answers_are_held_to_the_contract() {
    let lab = Lab::start().await;
    let context = context();
    let said = json!([{"send": {"url": "https://api.example.com/echo", "method": "POST", "body": PASSWORD}}]);
    for (more, reason) in [
        (json!({"handle": "control"}), "present answered a handle of more than 4 KiB or with control characters"),
        (json!({"handle": "long"}), "present answered a handle of more than 4 KiB or with control characters"),
    ] {
        let data = data(more);
        let outcome = lab.host.dns_present("talker", &lab.call(&data, &context), &txt()).await;
        assert_eq!(outcome, Err(PluginError::Failed(reason.to_owned())));
    }
    let echoed = data(json!({"handle": "body", "script": said}));
    let handle = lab.host.dns_present("talker", &lab.call(&echoed, &context), &txt()).await.expect("a handle");
    assert!(handle.contains("[secret]") && !handle.contains(PASSWORD), "{handle}");
    let large = lab.probe(json!({"script": vec![json!({"config": true}); 40], "padding": "x".repeat(1000)})).await;
    assert_eq!(large, Err(PluginError::Failed("a JSON document is too large".to_owned())));
    assert_eq!(lab.probe(json!({"answer": "throttled"})).await, Err(PluginError::Throttled(Some(3600))));
    let down = lab.probe(json!({"answer": "unavailable"})).await;
    assert_eq!(down, Err(PluginError::Unavailable("down for now".to_owned())));
}

#[tokio::test]
async fn a_plugin_without_the_interface_says_so() {
    let (host, _) = load(vec![Guest::new().bytes()]).await;
    let lab = Lab::start().await;
    let (data, context) = (data(json!({})), context());
    let outcome = host.probe("hostile", &lab.call(&data, &context)).await;
    assert_eq!(outcome, Err(PluginError::Unsupported("the plugin does not do that".to_owned())));
    let outcome = host.dns_present("hostile", &lab.call(&data, &context), &txt()).await;
    assert_eq!(outcome, Err(PluginError::Unsupported("the plugin does not do that".to_owned())));
}

#[tokio::test]
async fn log_lines_reach_the_operator_clean_and_counted() {
    let lab = Lab::start().await;
    let (log, guard) = capturing();
    let line = format!("guessed {PASSWORD}\nforged\u{1b}[31m line");
    lab.run(json!([{"log": line}, {"repeat": [100, {"log": "again"}]}])).await;
    drop(guard);
    let log = log.text();
    assert!(log.contains(r"bursar::plugin: guessed [secret]\nforged\u{1b}[31m line"), "{log}");
    assert!(log.contains("plugin=\"talker\"") && !log.contains(PASSWORD), "{log}");
    assert_eq!(log.matches("bursar::plugin: again").count(), 63, "{log}");
    assert!(log.contains("lines=37"), "{log}");
}
