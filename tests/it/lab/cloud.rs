use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::lab::{Cloud, PowerDns};

const PROVIDERS: [&str; 4] = ["cloudflare", "route53", "azure", "google"];

/// certbot's plugins, azure-mgmt-dns and the other SDKs present and clean up, are refused where they must be, and each
/// fault has its effect.
#[tokio::test]
async fn independent_clients_prove_the_cloud() {
    let powerdns = PowerDns::start().await;
    let cloud = Cloud::start(&powerdns).await;
    cloud.prove(&powerdns).output();
}

/// Two at once, each with a name server, ports, credentials and records of its own.
#[tokio::test]
async fn labs_side_by_side_do_not_meet() {
    let start = async || {
        let powerdns = PowerDns::start().await;
        let cloud = Cloud::start(&powerdns).await;
        (powerdns, cloud)
    };
    let ((left_dns, left), (right_dns, right)) = tokio::join!(start(), start());
    assert_ne!(left.port(), right.port());
    let name = "_acme-challenge.example.test";
    for provider in PROVIDERS {
        assert_ne!(left.credentials(provider), right.credentials(provider));
        left.vendor(provider, "present", "example.test", name, provider);
    }
    assert_eq!(left_dns.txt(name), ["azure", "cloudflare", "google", "route53"]);
    assert_eq!(right_dns.txt(name), Vec::<String>::new());
    assert_eq!(left.violations().await, Vec::<Value>::new());
    assert_eq!(right.log().await, Vec::<Value>::new());
}

/// The log tells a test what was asked, and nothing of a credential.
#[tokio::test]
async fn the_log_holds_requests_and_no_credential() {
    let powerdns = PowerDns::start().await;
    let cloud = Cloud::start(&powerdns).await;
    let name = "_acme-challenge.log.sub.example.test";
    for provider in PROVIDERS {
        cloud.clear_log().await;
        cloud.vendor(provider, "present", "sub.example.test", name, "ours");
        let log = cloud.log().await;
        let write = log.iter().find(|entry| entry["body"].as_str().is_some_and(|body| body.contains("ours")));
        assert_eq!(write.expect("a write")["fault"], Value::Null, "{provider}");
        let text = Value::Array(log).to_string();
        for secret in secrets(cloud.credentials(provider)) {
            assert!(!text.contains(&secret), "{provider}: the log holds {secret}");
        }
        cloud.vendor(provider, "cleanup", "sub.example.test", name, "ours");
        assert_eq!(powerdns.txt(name), Vec::<String>::new(), "{provider}");
    }
}

/// The control API as the fixture offers it: zones, pages, faults, other writers.
#[tokio::test]
async fn a_test_steers_the_cloud() {
    let powerdns = PowerDns::start().await;
    let cloud = Cloud::start(&powerdns).await;
    let made = cloud.add_zone(json!({ "service": "google", "name": "late.example.test" })).await;
    assert!(cloud.zones().await.iter().any(|zone| zone["id"] == made["id"] && zone["name"] == "late.example.test"));

    let name = "_acme-challenge.late.example.test";
    cloud.add_record("google", name, "foreign").await;
    cloud.set_page_size("google", 1).await;
    cloud.fault(json!({ "kind": "pending", "host": "dns.googleapis.com", "times": 2 })).await;
    cloud.vendor("google", "present", "late.example.test", name, "ours");
    assert_eq!(cloud.faults_left().await, Vec::<Value>::new());
    assert_eq!(powerdns.txt(name), ["foreign", "ours"]);
    let records = cloud.records().await;
    let found = records.iter().find(|set| set["zone_id"] == made["id"]).expect("the record set");
    assert_eq!(found["contents"], json!(["\"foreign\"", "\"ours\""]));

    cloud.clear_violations().await;
    let hosts: BTreeSet<String> = cloud.connect_overrides().into_iter().map(|(host, _)| host).collect();
    for host in ["api.cloudflare.com:443", "sts.amazonaws.com:443", "login.microsoftonline.com:443"] {
        assert!(hosts.contains(host), "{hosts:?}");
    }
    assert!(std::fs::read_to_string(cloud.root_pem_path()).expect("the root").contains("BEGIN CERTIFICATE"));
}

/// The values that must stay secret among credentials: those of members that are named as such.
fn secrets(credentials: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in credentials.as_object().into_iter().flatten() {
        match value {
            Value::String(text)
                if ["token", "secret", "private_key", "api_key"].iter().any(|word| name.contains(word)) =>
            {
                found.push(text.clone());
            }
            Value::Object(_) => found.extend(secrets(value)),
            _ => {}
        }
    }
    // Ids and addresses are no secrets.
    found.retain(|text| !text.starts_with("https://") && text.len() > 20);
    found
}
