//! Every failure is a problem, tells what is wrong, and nothing else.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{TestApp, login, request};

const CREDENTIALS: &str = "/v1/accounts/default/credentials";

#[tokio::test]
async fn unknown_addresses_and_methods() {
    let test = TestApp::new().await;
    test.call("GET", "/v1/nothing", Value::Null).await.problem(404, "not-found");
    test.call("GET", "/v1/accounts/other", Value::Null).await.problem(404, "not-found");
    test.call("GET", "/v1/tokens/not-an-id", Value::Null).await.problem(405, "method-not-allowed");
    test.call("DELETE", "/v1/tokens/not-an-id", Value::Null).await.problem(404, "not-found");
    let answer = test.call("DELETE", "/v1/me", Value::Null).await;
    answer.problem(405, "method-not-allowed");
    assert!(answer.header("allow").contains("GET"), "{answer:?}");
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let test = TestApp::new().await;
    let send = async |content_type: &str, body: &str| {
        let mut request = request(&test.operator, "POST", CREDENTIALS, &Value::Null);
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        *request.body_mut() = Body::from(body.to_owned());
        test.send(request).await
    };
    let answer = send("application/json", r#"{"data": {"password": hunter2"#).await;
    answer.problem(400, "malformed-request");
    assert!(!answer.text.contains("hunter2"));
    send("text/plain", "{}").await.problem(415, "unsupported-media-type");
    send("application/merge-patch+json", "{}").await.problem(415, "unsupported-media-type");
    let violations = send("application/json; charset=utf-8", "[]").await.problem(422, "invalid-input");
    assert_eq!(violations["errors"][0]["code"], "type");

    let mut compressed = request(&test.operator, "POST", CREDENTIALS, &login("a"));
    compressed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    test.send(compressed).await.problem(415, "unsupported-media-type");
    let mut untyped = request(&test.operator, "POST", &format!("{CREDENTIALS}/a/reveal"), &json!({}));
    untyped.headers_mut().remove("content-type");
    test.send(untyped).await.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let test = TestApp::new().await;
    let body = json!({"type": "test-login", "name": "no good", "data": {}});
    let problem = test.call("POST", CREDENTIALS, body).await.problem(422, "invalid-input");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/name", "/data/username", "/data/password"]);

    let problem =
        test.call("GET", &format!("{CREDENTIALS}?limit=0&colour=red"), Value::Null).await.problem(422, "invalid-input");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["?limit", "?colour"]);
    test.call("GET", "/v1/me?x=1", Value::Null).await.problem(422, "invalid-input");

    test.credential("taken").await;
    let problem = test.call("POST", CREDENTIALS, login("taken")).await.problem(409, "conflict");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
}

/// A request without a valid bearer token is 401, one beyond its rights 403 (S3-03).
#[tokio::test]
async fn who_may_not_is_told_so() {
    let test = TestApp::new().await;
    let anonymous = Request::builder().uri("/v1/me").body(Body::empty()).unwrap();
    let answer = test.send(anonymous).await;
    answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    test.call_as("brs_user_nonsense", "GET", "/v1/me", Value::Null).await.problem(401, "unauthenticated");

    let member = test.token("member").await;
    test.call_as(&member, "POST", CREDENTIALS, login("a")).await.problem(403, "denied");
    test.call_as(&member, "POST", "/v1/backup", Value::Null).await.problem(403, "denied");
    test.call_as(&member, "GET", "/v1/accounts/other", Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn plugins_that_fail_and_panics_harm_only_their_request() {
    let test = TestApp::new().await;
    test.credential("a").await;
    let path = format!("{CREDENTIALS}/a/materialize");
    test.call("POST", &path, json!({"format": "failing"})).await.problem(502, "plugin-failed");
    let answer = test.call("POST", &path, json!({"format": "panicking"})).await;
    answer.problem(500, "internal");
    assert!(!answer.text.contains("s3cret"));
    let problem = test.call("POST", &format!("{CREDENTIALS}/a/probe"), Value::Null).await.problem(422, "unsupported");
    assert_eq!(problem["errors"][0]["code"], "unsupported");
}

#[tokio::test]
async fn request_ids_go_everywhere() {
    let test = TestApp::new().await;
    let member = test.token("member").await;
    let send = async |id: &str| {
        let mut request = request(&member, "POST", CREDENTIALS, &login("a"));
        request.headers_mut().insert("x-request-id", id.parse().unwrap());
        test.send(request).await
    };
    let answer = send("mine-1").await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    answer.problem(403, "denied");
    assert_eq!(test.store.events().last().unwrap().request_id.as_deref(), Some("mine-1"));
    let minted = send("not mine").await;
    assert_eq!(minted.header("x-request-id").len(), 36, "{minted:?}");
    minted.problem(403, "denied");
}
