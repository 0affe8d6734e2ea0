use serde_json::json;

use crate::support::{Account, Server};

#[tokio::test]
async fn health_and_readiness_are_public() {
    let client = Server::shared().await.anonymous();
    let health = client.get("/healthz").await.expect(200);
    assert_eq!(health["status"], "ok");
    assert!(["pooling", "on-demand"].contains(&health["engine"]["allocator"].as_str().expect("an allocator")));
    assert!(health["version"].is_string());
    assert_eq!(client.get("/readyz").await.expect(200)["status"], "ready");
}

/// Anybody may look, as often as they like: it fills no trail.
#[tokio::test]
async fn a_look_at_readiness_is_not_on_record() {
    let server = Server::builder().start().await;
    let operator = server.operator();
    let before = operator.all("/v1/audit").await.len();
    for _ in 0..5 {
        server.anonymous().get("/readyz").await.expect(200);
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    }
    assert_eq!(operator.all("/v1/audit").await.len(), before);
    assert_eq!(operator.act("/v1/audit/verify").await.expect(200)["problems"], json!([]));
}

#[tokio::test]
async fn metrics_need_a_token() {
    let account = Account::new().await;
    account.server.anonymous().get("/metrics").await.expect(401);
    account.admin.get("credentials").await.expect(200);
    let reply = account.operator.get("/metrics").await;
    reply.assert_status(200);
    let text = String::from_utf8_lossy(&reply.bytes).into_owned();
    for name in [
        "bursar_http_requests_total",
        "bursar_http_request_seconds",
        "bursar_store_commits_total",
        "bursar_store_batches_total",
        "bursar_store_conflicts_total",
        "bursar_audit_events_total",
        "bursar_plugin_calls_total",
        "bursar_plugins",
        "bursar_rate_limited_total",
        "bursar_auth_refused_total",
    ] {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
    // Routes are labels, what is in them is not.
    assert!(text.contains("/v1/accounts/{account}/credentials"), "{text}");
    assert!(!text.contains(&account.name), "{text}");
}

#[tokio::test]
async fn metrics_can_be_made_public() {
    let server = Server::builder().env("BURSAR_SERVER__METRICS_PUBLIC", "true").start().await;
    server.anonymous().get("/metrics").await.assert_status(200);
}
