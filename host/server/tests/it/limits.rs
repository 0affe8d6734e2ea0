//! What is too much, too large or too slow.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use bursar_server::{RateLimit, ServerConfig};
use futures::stream;
use http::Request;
use serde_json::{Value, json};

use crate::support::{TestApp, login, request};

const CREDENTIALS: &str = "/v1/accounts/default/credentials";

#[tokio::test]
async fn bodies_are_limited_announced_or_not() {
    let test = TestApp::with(ServerConfig { max_body_bytes: 1_000, ..ServerConfig::default() }).await;
    let mut large = login("a");
    large["description"] = json!("x".repeat(2_000));
    let mut announced = request(&test.operator, "POST", CREDENTIALS, &large);
    announced.headers_mut().insert("content-length", "2100".parse().unwrap());
    test.send(announced).await.problem(413, "too-large");

    let mut streamed = request(&test.operator, "POST", CREDENTIALS, &large);
    let chunks = large.to_string().into_bytes().chunks(100).map(|chunk| Ok(chunk.to_vec())).collect::<Vec<_>>();
    *streamed.body_mut() = Body::from_stream(stream::iter::<Vec<Result<_, std::io::Error>>>(chunks));
    test.send(streamed).await.problem(413, "too-large");

    let mut broken = request(&test.operator, "POST", CREDENTIALS, &large);
    let pieces = [Ok(b"{".to_vec()), Err(std::io::Error::other("gone"))];
    *broken.body_mut() = Body::from_stream(stream::iter(pieces));
    test.send(broken).await.problem(400, "malformed-request");
}

#[tokio::test]
async fn slow_bodies_and_slow_answers_end() {
    let short = Duration::from_millis(20);
    let test = TestApp::with(ServerConfig { body_timeout: short, ..ServerConfig::default() }).await;
    let mut stuck = request(&test.operator, "POST", CREDENTIALS, &json!({}));
    *stuck.body_mut() = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    test.send(stuck).await.problem(408, "body-timeout");

    let test =
        TestApp::with(ServerConfig { request_timeout: Duration::from_millis(500), ..ServerConfig::default() }).await;
    test.credential("a").await;
    let answer = test.call("POST", &format!("{CREDENTIALS}/a/materialize"), json!({"format": "slow"})).await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn each_token_has_its_own_rate() {
    let one = NonZeroU32::MIN;
    let rate_limit = RateLimit { requests_per_second: one, burst: one, operator_unlimited: true };
    let test = TestApp::with(ServerConfig { rate_limit, ..ServerConfig::default() }).await;
    let (first, second) = (test.token("admin").await, test.token("member").await);
    assert_eq!(test.call_as(&first, "GET", "/v1/me", Value::Null).await.status, 200);
    assert_eq!(test.call_as(&second, "GET", "/v1/me", Value::Null).await.status, 200);
    let mut refused = None;
    for _ in 0..50 {
        // The body is not even looked at.
        let mut request = request(&first, "POST", CREDENTIALS, &json!({}));
        *request.body_mut() = untouchable();
        let answer = test.send(request).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("fifty requests are more than one per second");
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "1");
    for _ in 0..20 {
        assert_eq!(test.call("GET", "/v1/me", Value::Null).await.status, 200, "operators are not limited");
    }
    let metrics = test.call("GET", "/metrics", Value::Null).await.text;
    assert!(metrics.contains("bursar_rate_limited_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn operators_are_limited_where_told() {
    let one = NonZeroU32::MIN;
    let rate_limit = RateLimit { requests_per_second: one, burst: one, operator_unlimited: false };
    let test = TestApp::with(ServerConfig { rate_limit, ..ServerConfig::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(test.call("GET", "/v1/me", Value::Null).await.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn too_many_refusals_are_throttled_but_good_tokens_work() {
    let test = TestApp::with(ServerConfig { max_refusals_per_minute: 3, ..ServerConfig::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let request = Request::builder().uri("/v1/me").body(Body::empty()).unwrap();
        statuses.push(test.send(request).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(test.call("GET", "/v1/me", Value::Null).await.status, 200);
}

/// A body that must not be asked for.
fn untouchable() -> Body {
    Body::from_stream(stream::poll_fn::<Result<Vec<u8>, std::io::Error>, _>(|_| panic!("the body was read")))
}
