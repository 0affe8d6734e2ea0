//! Events of an account: who is told what, resuming, and when a stream ends.

use bursar_api as api;
use std::net::TcpListener;
use std::time::Duration;

use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::{Done, Notice, Notices as _, PlacementNotice, SyncState};
use bursar_server::serve;
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Events, TestApp, request};

const EVENTS: &str = "/v1/accounts/default/events";

async fn watch(test: &TestApp, token: &str, last: Option<&str>) -> Events {
    let mut request = request(token, "GET", EVENTS, &Value::Null);
    if let Some(last) = last {
        request.headers_mut().insert("last-event-id", last.parse().unwrap());
    }
    let events = test.stream(request).await;
    assert_eq!(events.status, 200);
    events
}

async fn account(test: &TestApp) -> AccountId {
    test.call("GET", "/v1/accounts/default", Value::Null).await.json()["id"].as_str().unwrap().parse().unwrap()
}

fn placed(account: AccountId) -> Notice {
    Notice::Placement(PlacementNotice {
        account,
        credential: CredentialId(uuid::Uuid::nil()),
        credential_name: "web".to_owned(),
        region: "eu".to_owned(),
        state: Some(SyncState::Error),
        version: None,
        synced_at: None,
        error: Some("in the way: theirs".to_owned()),
        done: Done::Failed("foreign".to_owned()),
    })
}

#[tokio::test]
async fn what_changes_is_told() {
    let test = TestApp::new().await;
    let account = account(&test).await;
    let member = test.token("member").await;
    let (mut operators, mut members) = (watch(&test, &test.operator, None).await, watch(&test, &member, None).await);
    let began = operators.next().await.unwrap();
    assert!(began.name.is_empty() && began.id.ends_with("-0"), "{began:?}");
    let id = test.credential("web").await["id"].clone();
    let told = operators.named().await.unwrap();
    assert_eq!(
        (told.name.as_str(), &told.data),
        ("credential", &json!({"id": id, "name": "web", "change": "created"}))
    );
    test.watchers.tell(&placed(account));
    test.watchers.tell(&Notice::Plugins);
    let told = operators.named().await.unwrap();
    let sync: api::SyncEvent = serde_json::from_value(told.data.clone()).unwrap();
    assert_eq!((told.name.as_str(), sync.state), ("sync", Some(api::SyncState::Error)));
    assert_eq!(serde_json::to_value(&sync).unwrap(), told.data);
    assert_eq!(sync.error.as_deref(), Some("in the way: theirs"));
    assert_eq!(operators.named().await.unwrap().name, "plugins");
    members.named().await.unwrap();
    assert_eq!(members.named().await.unwrap().data["error"], Value::Null, "details are for those who may read");

    let mut resumed = watch(&test, &test.operator, Some(&began.id)).await;
    assert_eq!(resumed.named().await.unwrap().name, "credential");
    let mut reset = watch(&test, &test.operator, Some("of-another-process-7")).await;
    assert_eq!(reset.named().await.unwrap().name, "reset");
    assert!(reset.named().now_or_never().is_none());
    let metrics = test.call("GET", "/metrics", Value::Null).await.text;
    assert!(metrics.contains(r#"bursar_sync_failures_total{region="eu",reason="foreign"} 1"#), "{metrics}");
}

#[tokio::test]
async fn who_may_not_list_or_is_narrowed_may_not_watch() {
    let test = TestApp::new().await;
    let workload = test.token("workload").await;
    test.call_as(&workload, "GET", EVENTS, Value::Null).await.problem(403, "denied");
    let narrowed = json!({"name": "narrowed", "role": "admin", "scope": {"regions": ["eu"]}});
    let narrowed = test.call("POST", "/v1/accounts/default/tokens", narrowed).await.json();
    test.call_as(narrowed["token"].as_str().unwrap(), "GET", EVENTS, Value::Null).await.problem(403, "denied");
    test.call("GET", "/v1/accounts/none/events", Value::Null).await.problem(404, "not-found");
}

/// Time is the test's: it moves on when nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn a_stream_is_kept_alive_and_ends_with_its_token() {
    let test = TestApp::new().await;
    let made = test.call("POST", "/v1/accounts/default/tokens", json!({"name": "x", "role": "member"})).await.json();
    let mut events = watch(&test, made["token"].as_str().unwrap(), None).await;
    events.next().await.unwrap();
    let began = tokio::time::Instant::now();
    let comment = events.next().await.unwrap();
    assert!(comment.id.is_empty() && comment.name.is_empty());
    assert_eq!(began.elapsed().as_secs(), 10);
    // Another account's: nothing to tell, but the place moves on.
    test.watchers.tell(&placed(AccountId(uuid::Uuid::nil())));
    assert!(events.next().await.unwrap().id.ends_with("-1"));
    let path = format!("/v1/accounts/default/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(test.call("DELETE", &path, Value::Null).await.status, 204);
    while events.next().await.is_some() {}
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[tokio::test]
async fn streams_end_at_once_when_the_server_stops() {
    let test = TestApp::new().await;
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve(test.app.clone(), socket, None, shutdown.clone()));
    let client = reqwest::Client::new();
    let events = client.get(format!("{url}{EVENTS}")).bearer_auth(&test.operator).send().await.unwrap();
    let region = json!({"name": "eu", "target": "shelf", "settings": {"room": "7"}});
    assert_eq!(test.call("POST", "/v1/regions", region).await.status, 201);
    test.credential(crate::support::HELD).await;
    let ensure = client.post(format!("{url}/v1/accounts/default/regions/eu/ensure")).bearer_auth(&test.operator);
    let ensuring = ensure.header("accept", "text/event-stream").send().await.unwrap();
    test.shelf.waiting.notified().await;
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        server.await.unwrap().unwrap();
        (events.text().await.unwrap(), ensuring.text().await.unwrap())
    });
    let (events, ensuring) = ended.await.expect("nobody has to wait for the grace");
    assert!(events.starts_with("id:"), "{events}");
    assert!(ensuring.contains("event: problem") && ensuring.contains("\"status\":503"), "{ensuring}");
}
