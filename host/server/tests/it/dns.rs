//! A stored credential of a DNS provider put to use.

use bursar_api as api;
use std::time::Duration;

use bursar_kernel::audit::Action;
use bursar_kernel::plugin::PluginError;
use serde_json::{Value, json};

use crate::support::{Answer, PROVIDER, TestApp, read, request};

const CREDENTIALS: &str = "/v1/accounts/default/credentials";
const ZONE: &str = "/v1/accounts/default/credentials/zone";
const NAME: &str = "_acme-challenge.example.com";

fn zone(name: &str) -> Value {
    json!({"type": PROVIDER, "name": name, "data": {"username": "octo", "password": "s3cret-value"}})
}

fn record(value: &str) -> Value {
    json!({"fqdn": NAME, "value": value})
}

async fn with_zone() -> TestApp {
    let test = TestApp::new().await;
    assert_eq!(test.call("POST", CREDENTIALS, zone("zone")).await.status, 201);
    test
}

impl TestApp {
    async fn dns(&self, what: &str, body: Value) -> Answer {
        self.call("POST", &format!("{ZONE}/dns/{what}"), body).await
    }

    async fn refused(&self, error: PluginError) -> Answer {
        self.plugins.refusals.lock().unwrap().push_back(error);
        self.dns("present", record("v")).await
    }

    fn done(&self) -> Vec<String> {
        self.plugins.done.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_record_lives() {
    let test = with_zone().await;
    let body = json!({"fqdn": "_ACME-Challenge.example.com.", "value": "v", "ttlSeconds": 300});
    let shown: api::DnsRecord = read(&test.dns("present", body).await);
    assert_eq!((shown.fqdn.as_str(), shown.ttl_seconds, shown.by.as_str()), (NAME, 300, "operator:initial"));
    assert!(matches!(shown.state, api::DnsRecordState::Present));
    let pending = test.dns("present", record("never")).await;
    assert_eq!((pending.status.as_u16(), &pending.json()["state"]), (200, &json!("pending")));

    let list = test.call("GET", &format!("{ZONE}/dns"), Value::Null).await;
    assert_eq!(read::<api::Page<api::DnsRecord>>(&list).items.len(), 2);
    let page = test.call("GET", &format!("{ZONE}/dns?limit=1"), Value::Null).await.json();
    let next = format!("{ZONE}/dns?limit=1&cursor={}", page["nextCursor"].as_str().unwrap());
    assert_eq!(test.call("GET", &next, Value::Null).await.json()["items"][0]["value"], "never");

    let answer = test.dns("cleanup", record("v")).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(test.dns("cleanup", record("v")).await.status, 204);
    let expected = [
        format!("present {NAME} v 300"),
        format!("present {NAME} never 60"),
        format!("cleanup {NAME} v"),
        format!("cleanup {NAME} v"),
    ];
    assert_eq!(test.done(), expected);
    let events = test.store.events().into_iter().filter(|event| event.action == Action::DnsPresent);
    let ids: Vec<_> = events.map(|event| event.request_id.unwrap()).collect();
    assert_eq!(ids.len(), 4, "an intent and an outcome each");
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]));
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let test = with_zone().await;
    let body = json!({"fqdn": "a..b", "value": "\"", "ttlSeconds": 0, "colour": 1});
    let problem = test.dns("present", body).await.problem(422, "invalid-input");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    // What the schema says, then what the command says.
    assert_eq!(pointers, ["/colour", "/ttlSeconds", "/fqdn", "/value"]);
    let elsewhere = json!({"fqdn": "www.example.com", "value": "v"});
    for what in ["present", "cleanup"] {
        let problem = test.dns(what, elsewhere.clone()).await.problem(422, "invalid-input");
        assert_eq!(problem["errors"][0]["code"], "not-granted");
    }
    test.credential("login").await;
    for (path, body) in [("dns/present", record("v")), ("dns/cleanup", record("v")), ("probe", json!({}))] {
        test.call("POST", &format!("{CREDENTIALS}/login/{path}"), body).await.problem(422, "unsupported");
    }
    assert_eq!(test.call("GET", &format!("{CREDENTIALS}/login/dns"), Value::Null).await.json()["items"], json!([]));
    assert_eq!(test.done(), Vec::<String>::new());
}

#[tokio::test]
async fn a_services_error_never_looks_like_the_callers_own() {
    let test = with_zone().await;
    let answer = test.refused(PluginError::Denied("the token lacks a right".to_owned())).await;
    let error = answer.problem(422, "invalid-input")["errors"][0].clone();
    assert_eq!((&error["pointer"], &error["code"]), (&json!(""), &json!("refused")));
    let answer = test.refused(PluginError::NotFound("no such zone".to_owned())).await;
    let error = answer.problem(422, "invalid-input")["errors"][0].clone();
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/fqdn"), &json!("not-found")));
    let answer = test.refused(PluginError::Throttled(Some(77))).await;
    answer.problem(429, "too-many-requests");
    assert_eq!(answer.header("retry-after"), "77");
    let answer = test.refused(PluginError::Unavailable("no connection".to_owned())).await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "10");
    test.refused(PluginError::Failed("a trap".to_owned())).await.problem(502, "plugin-failed");
}

#[tokio::test]
async fn a_credential_is_probed_stored_or_not() {
    let test = with_zone().await;
    let probe = format!("{ZONE}/probe");
    let probed: api::Probed = read(&test.call("POST", &probe, Value::Null).await);
    assert_eq!((probed.summary.as_str(), probed.details), ("May write.", json!({"zone": "example.com"})));
    read::<api::Probed>(&test.call("POST", &probe, json!({"fqdn": NAME})).await);
    let problem = test.call("POST", &probe, json!({"fqdn": 7, "x": 1})).await.problem(422, "invalid-input");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    assert_eq!(test.done(), ["check ".to_owned(), format!("check {NAME}")]);

    let refuse = || test.plugins.refusals.lock().unwrap().push_back(PluginError::Denied("no".to_owned()));
    for (method, path, body) in [
        ("POST", format!("{CREDENTIALS}?probe=true"), zone("other")),
        ("POST", format!("{CREDENTIALS}/validate?probe=true"), zone("other")),
        ("PATCH", format!("{ZONE}?probe=true"), json!({"title": "T"})),
    ] {
        refuse();
        let error = test.call(method, &path, body).await.problem(422, "invalid-input")["errors"][0].clone();
        assert_eq!((&error["pointer"], &error["code"]), (&json!("/data"), &json!("refused")), "{method} {path}");
    }
    test.call("GET", &format!("{CREDENTIALS}/other"), Value::Null).await.problem(404, "not-found");
    assert_eq!(test.call("POST", &format!("{CREDENTIALS}?probe=true"), zone("other")).await.status, 201);
    assert_eq!(test.call("PATCH", &format!("{ZONE}?probe=true"), json!({"title": "T"})).await.status, 200);
    let path = format!("{CREDENTIALS}/validate?probe=true");
    assert_eq!(test.call("POST", &path, zone("third")).await.status, 204);
    test.call("POST", &format!("{CREDENTIALS}?probe=perhaps"), zone("third")).await.problem(422, "invalid-input");
}

/// A workload reaches the credential it is narrowed to and no other (S1-18).
#[tokio::test]
async fn a_workload_uses_what_it_is_narrowed_to() {
    let test = with_zone().await;
    test.call("POST", CREDENTIALS, zone("other")).await;
    let body = json!({"name": "issuer", "role": "workload", "scope": {"credentials": ["zone"]}});
    let made = test.call("POST", "/v1/accounts/default/tokens", body).await.json();
    let issuer = made["token"].as_str().unwrap().to_owned();
    let member = test.token("member").await;
    for what in ["dns/present", "dns/cleanup"] {
        let answer = test.call_as(&issuer, "POST", &format!("{ZONE}/{what}"), record("v")).await;
        assert!(answer.status.is_success(), "{answer:?}");
        test.call_as(&issuer, "POST", &format!("{CREDENTIALS}/other/{what}"), record("v"))
            .await
            .problem(404, "not-found");
        test.call_as(&member, "POST", &format!("{ZONE}/{what}"), record("v")).await.problem(403, "denied");
    }
    assert_eq!(test.call_as(&issuer, "POST", &format!("{ZONE}/probe"), Value::Null).await.status, 200);
    test.call_as(&issuer, "GET", &format!("{ZONE}/dns"), Value::Null).await.problem(403, "denied");
}

#[tokio::test]
async fn records_are_in_the_way_of_a_purge() {
    let test = with_zone().await;
    test.dns("present", record("v")).await;
    let problem = test.call("DELETE", &format!("{ZONE}?purge=true"), Value::Null).await.problem(409, "conflict");
    let conflict: api::Conflict = serde_json::from_value(problem["conflicts"][0].clone()).unwrap();
    assert_eq!((conflict.kind.as_str(), conflict.name.as_str()), ("dns-record", NAME));
    assert!(conflict.url.ends_with("/dns"), "{}", conflict.url);
    assert_eq!(test.call("GET", &conflict.url, Value::Null).await.status, 200);
    assert_eq!(test.call("DELETE", &format!("{ZONE}?purge=true&force=true"), Value::Null).await.status, 204);
}

#[tokio::test]
async fn what_began_ends_though_the_client_hangs_up() {
    let test = with_zone().await;
    let request = request(&test.operator, "POST", &format!("{ZONE}/dns/present"), &record("slow"));
    tokio::select! {
        _ = test.send(request) => panic!("it is held"),
        () = test.plugins.entered.notified() => {}
    }
    test.plugins.release.notify_one();
    let is_present = async || {
        let list = test.call("GET", &format!("{ZONE}/dns"), Value::Null).await.json();
        list["items"][0]["state"] == "present"
    };
    while !is_present().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn providers_go_by_their_short_id() {
    let test = TestApp::new().await;
    let get = async |path: &str| test.call("GET", path, Value::Null).await;
    let list: api::Page<api::DnsProvider> = read(&get("/v1/dns-providers").await);
    assert_eq!(list.items.len(), 1);
    let one: api::DnsProvider = read(&get("/v1/dns-providers/test").await);
    assert_eq!((one.id.as_str(), one.r#type.as_str()), ("test", PROVIDER));
    read::<api::Template>(&get("/v1/dns-providers/test/template?variant=plain").await);
    get("/v1/dns-providers/test/template?variant=x").await.problem(422, "invalid-input");
    for nothing in ["/v1/dns-providers/dns-test", "/v1/dns-providers/test-login", "/v1/dns-providers/x/template"] {
        get(nothing).await.problem(404, "not-found");
    }
}
