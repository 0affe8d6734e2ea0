//! What every request goes through, whatever it asks for.

use reqwest::Method;
use serde_json::json;

use crate::support::samples::basic;
use crate::support::{Account, Server};

#[tokio::test]
async fn a_request_id_is_taken_or_made() {
    let client = Server::shared().await.operator();
    let with = async |id: &str| client.call(Method::GET, "/v1/me").header("x-request-id", id).send().await;
    assert_eq!(with("from-the-caller_1").await.header("x-request-id"), Some("from-the-caller_1"));
    let long = "x".repeat(129);
    for bad in ["", "two words", &long] {
        let made = with(bad).await.header("x-request-id").expect("one is made").to_owned();
        assert!(made != bad && !made.is_empty(), "{made}");
    }
    let (one, two) = (client.get("/v1/me").await, client.get("/v1/me").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}

#[tokio::test]
async fn a_trace_parent_is_accepted() {
    let client = Server::shared().await.operator();
    for parent in ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "nonsense"] {
        client.call(Method::GET, "/v1/me").header("traceparent", parent).send().await.expect(200);
    }
}

#[tokio::test]
async fn what_is_nowhere_is_a_problem_too() {
    let client = Server::shared().await.operator();
    for path in [
        "/nowhere",
        "/v1/nowhere",
        "/v1/accounts/default/nowhere",
        "/v1/accounts/default/credentials/x/nowhere",
        "/v1/regions/none/nowhere",
    ] {
        client.get(path).await.expect(404);
    }
    for (method, path) in
        [(Method::PUT, "/v1/accounts"), (Method::DELETE, "/v1/me"), (Method::PATCH, "/v1/accounts/default/credentials")]
    {
        let reply = client.call(method, path).send().await;
        reply.assert_status(405);
        assert!(reply.header("allow").is_some(), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_and_not_repeated() {
    let account = Account::new().await;
    let send = async |content_type: &str, body: &[u8]| {
        account.manager.call(Method::POST, "credentials").bytes(content_type, body.to_owned()).send().await
    };
    let secret = "canary-8a1c";
    for body in [
        format!("{{\"password\": \"{secret}\""),
        secret.to_owned(),
        String::new(),
        format!("[1, {secret}]"),
        "\u{0}".to_owned(),
    ] {
        let reply = send("application/json", body.as_bytes()).await;
        reply.assert_status(400);
        assert!(!String::from_utf8_lossy(&reply.bytes).contains(secret), "{}", reply.body);
    }
    send("application/json", b"\xff\xfe").await.expect(400);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(send("application/json", deep.as_bytes()).await.status / 100, 4);

    let body = basic("staging").to_string();
    for content_type in ["text/plain", "application/xml", "multipart/form-data", "application/jsonp"] {
        send(content_type, body.as_bytes()).await.expect(415);
    }
    send("application/json; charset=utf-8", body.as_bytes()).await.expect(201);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let account = Account::new().await;
    let over = json!({ "type": "basic-auth", "name": "x", "description": "x".repeat(256 << 10), "data": {} });
    account.manager.post("credentials", over).await.expect(413);
    // Just below it is read, and judged.
    let below = json!({ "type": "basic-auth", "name": "x", "description": "x".repeat((256 << 10) - 1000), "data": {} });
    assert!(account.manager.post("credentials", below).await.pointers().contains(&"/description"));
}

#[tokio::test]
async fn every_kind_of_problem_is_explained() {
    let server = Server::shared().await;
    let client = server.anonymous();
    let reply = client.get("/v1/me").await;
    let kind = reply.body["type"].as_str().expect("a type").to_owned();
    let page = client.get(&kind).await;
    page.assert_status(200);
    assert!(page.header("content-type").is_some_and(|value| value.starts_with("text/html")));
    client.get("/problems").await.assert_status(200);
    client.get("/problems/no-such").await.assert_status(404);
}

#[tokio::test]
async fn answers_tell_browsers_to_be_careful() {
    let client = Server::shared().await.operator();
    for path in ["/v1/me", "/docs", "/healthz"] {
        let reply = client.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(
            reply.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")),
            "{path}"
        );
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}
