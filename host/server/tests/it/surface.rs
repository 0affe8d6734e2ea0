//! What is served beside the API, and that the description and the routes are
//! the same.

use std::sync::atomic::Ordering;

use axum::body::Body;
use bursar_server::{ServerConfig, document};
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

async fn get(test: &TestApp, path: &str) -> Answer {
    test.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_documented_route_exists_and_guards_itself() {
    let test = TestApp::new().await;
    let document = document();
    let mut guarded = 0;
    for (template, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = operation["parameters"].as_array().into_iter().flatten().filter(|of| of["in"] == "path").fold(
                template.clone(),
                |path, of| {
                    let example = of["example"].as_str().map_or_else(|| of["example"].to_string(), ToOwned::to_owned);
                    path.replace(&format!("{{{}}}", of["name"].as_str().unwrap()), &example)
                },
            );
            assert!(!path.contains('{'), "{path}");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&path);
            let answer = test.send(request.body(Body::empty()).unwrap()).await;
            if operation.get("security").is_some() {
                assert_eq!(answer.status, 200, "{method} {path} is public");
            } else {
                answer.problem(401, "unauthenticated");
                guarded += 1;
            }
        }
    }
    assert!(guarded >= 40, "only {guarded} operations were tried");
}

/// Routes are only ever added with their description.
#[test]
fn every_route_is_documented() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for undocumented in [".route(", ".route_service(", ".nest_service("] {
                    assert!(!text.contains(undocumented), "{}: {undocumented}", path.display());
                }
                files += 1;
            }
        }
    }
    assert!(files > 50, "only {files} files were read");
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let test = TestApp::new().await;
    let health = get(&test, "/healthz").await.json();
    assert_eq!((&health["status"], &health["engine"]["allocator"]), (&json!("ok"), &json!("on-demand")));
    assert_eq!(get(&test, "/readyz").await.json(), json!({"status": "ready"}));
    test.operations.is_down.store(true, Ordering::SeqCst);
    let down = get(&test, "/readyz").await;
    assert!(down.problem(503, "unavailable")["detail"].as_str().unwrap().contains("disk is full"));

    get(&test, "/metrics").await.problem(401, "unauthenticated");
    test.call("GET", "/v1/accounts/default", Value::Null).await;
    test.call("GET", "/v1/nothing/s3cret", Value::Null).await;
    let metrics = test.call("GET", "/metrics", Value::Null).await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        r#"bursar_http_requests_total{method="GET",route="/v1/accounts/{account}",status="200"} 1"#,
        r#"bursar_http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        "bursar_store_commits_total 7",
        r#"bursar_plugin_calls_total{plugin="test-login",call="check",outcome="ok"} 3"#,
        r#"bursar_plugins{state="active"} 1"#,
        "bursar_auth_refused_total 1",
    ] {
        assert!(metrics.text.contains(line), "{line} is not in {}", metrics.text);
    }
    assert!(metrics.text.contains("bursar_http_request_seconds_bucket"));
    assert!(!metrics.text.contains("s3cret"));

    let public = TestApp::with(ServerConfig { metrics_public: true, ..ServerConfig::default() }).await;
    assert_eq!(get(&public, "/metrics").await.status, 200);
}

#[tokio::test]
async fn headers_are_strict() {
    let test = TestApp::new().await;
    let api = test.call("GET", "/v1/me", Value::Null).await;
    assert_eq!(api.header("cache-control"), "no-store");
    assert!(api.header("content-security-policy").starts_with("default-src 'none'"));
    for answer in [api, get(&test, "/docs").await, get(&test, "/nothing").await] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn pages_are_served() {
    let test = TestApp::new().await;
    let docs = get(&test, "/docs").await;
    assert!(docs.header("content-type").starts_with("text/html"));
    assert!(docs.header("content-security-policy").contains("style-src 'self'"));
    assert!(docs.text.contains("create_credential"));
    assert!(get(&test, "/docs/style.css").await.header("content-type").starts_with("text/css"));
    assert_eq!(get(&test, "/openapi.json").await.json(), document());
    assert!(get(&test, "/problems").await.text.contains("/problems/stale"));
    assert!(get(&test, "/problems/stale").await.text.contains("If-Match"));
    get(&test, "/problems/unheard-of").await.problem(404, "not-found");
}
