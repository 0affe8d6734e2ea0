//! Regions through the API: addresses, headers, streams, and that the JSON is
//! what its description says.

use bursar_api as api;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Events, FALLING, FOREIGN, HELD, TestApp, read, request};

const ACCOUNT: &str = "/v1/accounts/default";

async fn made(test: &TestApp) {
    let body = json!({"name": "eu", "target": "shelf", "settings": {"room": "7", "key": "s3cret"}});
    let made = test.call("POST", "/v1/regions", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let region: api::RegionItem = read(&made);
    let api::RegionItem::Whole(region) = region else { panic!("an operator sees all of it") };
    assert_eq!(made.header("location"), format!("/v1/regions/{}", region.id));
    assert_eq!((region.settings, region.secret_settings), (json!({"room": "7"}), vec!["/key".to_owned()]));
    assert!(!made.text.contains("s3cret"));
}

async fn attached(test: &TestApp) {
    made(test).await;
    let put = test.call("PUT", &format!("{ACCOUNT}/regions/eu"), json!({})).await;
    let used: api::AccountRegion = read(&put);
    assert_eq!((used.region.as_str(), used.detaching), ("eu", None));
    assert!(put.header("etag").starts_with('"'));
}

fn streaming(test: &TestApp, path: &str) -> Request<Body> {
    let mut request = request(&test.operator, "POST", &format!("{ACCOUNT}/{path}"), &Value::Null);
    request.headers_mut().insert("accept", "text/event-stream, application/json".parse().unwrap());
    request
}

#[tokio::test]
async fn a_regions_life() {
    let test = TestApp::new().await;
    made(&test).await;
    let targets: api::Page<api::RegionTarget> = read(&test.call("GET", "/v1/region-targets", Value::Null).await);
    assert_eq!((targets.items[0].id.as_str(), targets.items[0].settings[1].secret), ("shelf", true));
    let shown = test.call("GET", "/v1/regions/eu", Value::Null).await;
    read::<api::RegionItem>(&shown);
    let mut patch = request(&test.operator, "PATCH", "/v1/regions/eu", &json!({"title": "Europe"}));
    patch.headers_mut().insert("if-match", shown.header("etag").parse().unwrap());
    read::<api::RegionItem>(&test.send(patch).await);
    let mut stale = request(&test.operator, "DELETE", "/v1/regions/eu", &Value::Null);
    stale.headers_mut().insert("if-match", shown.header("etag").parse().unwrap());
    test.send(stale).await.problem(412, "stale");
    for (act, mode) in [("pause", "paused"), ("drain", "draining"), ("resume", "active")] {
        let answer = test.call("POST", &format!("/v1/regions/eu/{act}"), Value::Null).await;
        read::<api::RegionItem>(&answer);
        assert_eq!(answer.json()["mode"], mode);
    }
    let check: api::RegionCheck = read(&test.call("POST", "/v1/regions/eu/check", Value::Null).await);
    assert_eq!((check.reachable, check.error.as_deref()), (false, Some("not reachable: nobody is in the room")));
    let member = test.token("member").await;
    let listed = test.call_as(&member, "GET", "/v1/regions", Value::Null).await;
    let page: api::Page<api::RegionItem> = read(&listed);
    assert!(matches!(page.items[0], api::RegionItem::Row(_)), "{page:?}");
    assert!(!listed.text.contains("room"), "{listed:?}");
    let refused = test.call("PATCH", "/v1/regions/eu", json!({"target": "x", "login": 1, "colour": 1})).await;
    let problem = refused.problem(422, "invalid-input");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{problem}");
    assert_eq!(test.call("DELETE", "/v1/regions/eu?force=true", Value::Null).await.status, 204);
    test.call("GET", "/v1/regions/eu", Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn ensure_answers_what_came_of_it() {
    let test = TestApp::new().await;
    attached(&test).await;
    test.credential("web").await;
    let path = format!("{ACCOUNT}/regions/eu/ensure");
    let ensured: api::EnsuredRegion = read(&test.call("POST", &path, Value::Null).await);
    assert_eq!((ensured.ready, ensured.synced, ensured.failed.len()), (true, 1, 0));
    test.credential(FOREIGN).await;
    for path in [path, format!("{ACCOUNT}/regions/eu/sync"), format!("{ACCOUNT}/sync")] {
        let short = test.call("POST", &path, Value::Null).await;
        assert_eq!((short.status.as_u16(), short.header("content-type")), (409, "application/json"));
        assert_eq!(short.json()["ready"], false);
        let region = short.json().pointer("/regions/0").cloned().unwrap_or_else(|| short.json());
        let read: api::EnsuredRegion = serde_json::from_value(region).unwrap();
        assert_eq!((read.synced, read.failed[0].credential.as_str()), (1, FOREIGN));
    }
    let plan: api::RegionPlan = read(&test.call("GET", &format!("{ACCOUNT}/regions/eu/plan"), Value::Null).await);
    assert_eq!((plan.items.len(), plan.summary.unchanged, plan.summary.create), (2, 1, 1));
    let synced = test.call("POST", &format!("{ACCOUNT}/credentials/web/sync"), Value::Null).await;
    read::<api::CredentialItem>(&synced);
    assert_eq!(synced.json()["sync"][0]["state"], "synced");
    test.call("POST", "/v1/regions/eu/pause", Value::Null).await;
    test.call("POST", &format!("{ACCOUNT}/regions/eu/ensure"), Value::Null).await.problem(409, "conflict");
    let detach = format!("{ACCOUNT}/regions/eu?onDetach=perhaps");
    test.call("DELETE", &detach, Value::Null).await.problem(422, "invalid-input");
}

#[tokio::test]
async fn a_stream_tells_every_step_and_ends_with_the_result() {
    let test = TestApp::new().await;
    attached(&test).await;
    for name in ["a", "b", FOREIGN] {
        test.credential(name).await;
    }
    let events = test.stream(streaming(&test, "regions/eu/ensure")).await;
    assert_eq!((events.status.as_u16(), &events.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    assert_eq!(
        (&events.headers["x-accel-buffering"], &events.headers["cache-control"]),
        (&"no".parse().unwrap(), &"no-store".parse().unwrap())
    );
    let mut told = events.rest().await;
    let last = told.pop().unwrap();
    assert_eq!((last.name.as_str(), &last.data["ready"], &last.data["synced"]), ("result", &json!(false), &json!(2)));
    assert_eq!(told.len(), 3, "{told:?}");
    for (done, step) in (1..).zip(told) {
        assert_eq!(step.name, "progress");
        let step: api::SyncProgress = serde_json::from_value(step.data).unwrap();
        assert_eq!((step.done, step.total, step.region.as_str()), (done, 3, "eu"));
    }
}

#[tokio::test]
async fn a_refusal_has_its_status_also_where_a_stream_was_asked_for() {
    let test = TestApp::new().await;
    for path in ["regions/none/ensure", "regions/none/sync"] {
        test.send(streaming(&test, path)).await.problem(404, "not-found");
    }
    let mut nobody = streaming(&test, "sync");
    nobody.headers_mut().remove("authorization");
    test.send(nobody).await.problem(401, "unauthenticated");
    made(&test).await;
    test.call("POST", "/v1/regions/eu/drain", Value::Null).await;
    test.send(streaming(&test, "regions/eu/ensure")).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_half_done() {
    let test = TestApp::new().await;
    attached(&test).await;
    test.credential("a").await;
    test.credential(HELD).await;
    let mut events: Events = test.stream(streaming(&test, "regions/eu/ensure")).await;
    assert_eq!(events.named().await.unwrap().name, "progress");
    test.shelf.waiting.notified().await;
    drop(events);
    test.shelf.held.notify_one();
    let both = tokio::time::timeout(Duration::from_secs(5), async {
        while test.shelf.places().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(both.await.is_ok(), "{:?}", test.shelf.places());
}

#[tokio::test]
async fn what_panics_in_a_target_fails_its_credential_and_no_other() {
    let test = TestApp::new().await;
    attached(&test).await;
    test.credential("a").await;
    test.credential(FALLING).await;
    let mut told = test.stream(streaming(&test, "regions/eu/ensure")).await.rest().await;
    let last = told.pop().unwrap();
    assert_eq!((last.name.as_str(), &last.data["ready"], &last.data["synced"]), ("result", &json!(false), &json!(1)));
    let failed = last.data["failed"].as_array().unwrap();
    assert!(failed.len() == 1 && !last.data.to_string().contains("shelf"), "{last:?}");
}
