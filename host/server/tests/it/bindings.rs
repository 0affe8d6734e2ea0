//! Bindings and resolution through the API: addresses, headers, and that the
//! JSON is what its description says.

use bursar_api as api;
use serde_json::{Value, json};

use crate::support::{TestApp, read, request};

const ACCOUNT: &str = "/v1/accounts/default";

#[tokio::test]
async fn a_binding_lives() {
    let test = TestApp::new().await;
    let id = test.credential("web").await["id"].clone();
    let path = format!("{ACCOUNT}/bindings/registry:ghcr.io%2Fteam%20a/image-pull");
    let body = json!({"credential": "web"});
    let put = test.call("PUT", &path, body.clone()).await;
    let bound: api::Binding = read(&put);
    assert_eq!((bound.consumer.as_str(), bound.slot.as_str()), ("registry:ghcr.io/team a", "image-pull"));
    assert_eq!((bound.credential.name.as_str(), json!(bound.credential.id)), ("web", id));
    let shown = test.call("GET", &path, Value::Null).await;
    read::<api::Binding>(&shown);
    assert_eq!(shown.header("etag"), put.header("etag"));
    let stale = async |method: &str, body: &Value| {
        let mut request = request(&test.operator, method, &path, body);
        request.headers_mut().insert("if-match", "\"1\"".parse().unwrap());
        test.send(request).await
    };
    stale("PUT", &body).await.problem(412, "stale");
    stale("DELETE", &Value::Null).await.problem(412, "stale");

    let listed = test.call("GET", &format!("{ACCOUNT}/bindings?slot=image-pull&credential=web"), Value::Null).await;
    assert_eq!(read::<api::Page<api::Binding>>(&listed).items.len(), 1);
    let other = test.call("GET", &format!("{ACCOUNT}/bindings?consumer=app:other"), Value::Null).await;
    assert_eq!(read::<api::Page<api::Binding>>(&other).items.len(), 0);
    test.call("GET", &format!("{ACCOUNT}/bindings?credential=no"), Value::Null).await.problem(404, "not-found");
    test.call("GET", &format!("{ACCOUNT}/bindings?consumer=x"), Value::Null).await.problem(422, "invalid-input");
    let usage: api::CredentialUsage =
        read(&test.call("GET", &format!("{ACCOUNT}/credentials/web/usage"), Value::Null).await);
    assert!(usage.default);
    let back = test.call("GET", &usage.bindings[0].url, Value::Null).await;
    assert_eq!(read::<api::Binding>(&back).consumer, bound.consumer, "the address leads there");

    let in_the_way = test.call("DELETE", &format!("{ACCOUNT}/credentials/web"), Value::Null).await;
    let problem = in_the_way.problem(409, "conflict");
    let conflict = &problem["conflicts"][0];
    assert_eq!(conflict["kind"], "binding");
    assert_eq!(conflict["name"], "registry:ghcr.io/team a (image-pull)");
    assert_eq!(test.call("DELETE", conflict["url"].as_str().unwrap(), Value::Null).await.status, 204);
    test.call("GET", &path, Value::Null).await.problem(404, "not-found");
    assert_eq!(test.call("DELETE", &format!("{ACCOUNT}/credentials/web"), Value::Null).await.status, 204);
}

#[tokio::test]
async fn what_is_wrong_with_a_binding_is_told_at_once() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let told = async |path: &str, body: Value| {
        let problem = test.call("PUT", &format!("{ACCOUNT}/bindings/{path}"), body).await.problem(422, "invalid-input");
        let errors = problem["errors"].as_array().unwrap().clone();
        let told =
            |error: &Value| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap());
        errors.iter().map(told).collect::<Vec<_>>()
    };
    let web = || json!({"credential": "web"});
    assert_eq!(told("web/Image", web()).await, ["/consumer format", "/slot format"]);
    assert_eq!(told("app:web%0A/image-pull", web()).await, ["/consumer format"]);
    assert_eq!(told("app:web/image-pul", web()).await, ["/slot unknown"]);
    assert_eq!(told("app:web/image-pull", json!({})).await, ["/credential required"]);
    assert_eq!(told("app:web/image-pull", json!({"credential": 1, "x": 2})).await, ["/credential type", "/x unknown"]);
    assert_eq!(told("app:web/image-pull", json!({"credential": "no"})).await, ["/credential unknown"]);
}

#[tokio::test]
async fn a_resolution_names_the_credential_and_hands_it_out_on_demand() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let workload = test.token("workload").await;
    let path = format!("{ACCOUNT}/resolve");
    let body = json!({"consumer": "app:shop", "slot": "image-pull"});
    let named = test.call_as(&workload, "POST", &path, body.clone()).await;
    assert_eq!(named.json()["source"], "default");
    assert_eq!(named.header("cache-control"), "no-store");
    assert!(read::<api::Resolved>(&named).artifacts.is_none());
    let mut with_format = body.clone();
    with_format["format"] = json!("text");
    let out = test.call_as(&workload, "POST", &path, with_format).await;
    assert_eq!(out.header("cache-control"), "no-store");
    let out: api::Resolved = read(&out);
    assert_eq!((out.format.as_deref(), out.artifacts.unwrap()[0].content.as_str()), (Some("text"), "s3cret-value"));
    let failing = json!({"consumer": "app:shop", "slot": "image-pull", "format": "failing"});
    test.call_as(&workload, "POST", &path, failing).await.problem(502, "plugin-failed");
    let nothing = json!({"consumer": "app:shop", "slot": "certificate"});
    let problem = test.call("POST", &path, nothing).await.problem(404, "not-found");
    assert!(problem["detail"].as_str().unwrap().contains("PUT /v1/accounts/default/bindings/app:shop/certificate"));
    let problem = test.call("POST", &path, json!({})).await.problem(422, "invalid-input");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    let view = test.call("GET", &format!("{ACCOUNT}/credentials/web"), Value::Null).await.json();
    assert!(view["lastUsedAt"].is_string());

    let path = format!("{ACCOUNT}/resolve-image");
    let found = test.call_as(&workload, "POST", &path, json!({"image": "registry.example.com/a/b:1"})).await;
    assert_eq!(found.json()["selector"], json!({"kind": "image-prefix", "value": "registry.example.com"}));
    assert_eq!(read::<api::Resolved>(&found).credential.name, "web");
    test.call("POST", &path, json!({"image": "ghcr.io/a/b"})).await.problem(404, "not-found");
    test.call("POST", &path, json!({"image": "A b"})).await.problem(422, "invalid-input");
}

#[tokio::test]
async fn certificates_are_asked_for_by_host() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let path = |query: &str| format!("{ACCOUNT}/certificates{query}");
    let found = test.call("GET", &path("?host=EXAMPLE.com."), Value::Null).await;
    assert_eq!(read::<api::Page<api::Credential>>(&found).items[0].name, "web");
    let member = test.token("member").await;
    let rows = test.call_as(&member, "GET", &path("?host=example.com"), Value::Null).await;
    assert_eq!(read::<api::Page<api::CredentialRow>>(&rows).items[0].names, ["example.com"]);
    assert_eq!(test.call("GET", &path("?host=example.org"), Value::Null).await.json()["items"], json!([]));
    for (query, code) in [("", "required"), ("?host=a..b", "format")] {
        let problem = test.call("GET", &path(query), Value::Null).await.problem(422, "invalid-input");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!("?host"), &json!(code)));
    }
}

#[tokio::test]
async fn a_token_may_be_narrowed_to_consumers() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let body = json!({"name": "shop", "role": "workload", "scope": {"consumers": ["app:shop"]}});
    let made = test.call("POST", &format!("{ACCOUNT}/tokens"), body).await;
    let made: api::NewToken = read(&made);
    assert_eq!(made.kept.scope.consumers, ["app:shop"]);
    let token = made.token.unwrap();
    let resolve = async |consumer: &str| {
        let body = json!({"consumer": consumer, "slot": "image-pull"});
        test.call_as(&token, "POST", &format!("{ACCOUNT}/resolve"), body).await
    };
    assert_eq!(resolve("app:shop").await.status, 200);
    resolve("app:other").await.problem(403, "denied");
    let materialize = format!("{ACCOUNT}/credentials/web/materialize");
    test.call_as(&token, "POST", &materialize, json!({})).await.problem(404, "not-found");
    let bind = format!("{ACCOUNT}/bindings/app:shop/image-pull");
    assert_eq!(test.call("PUT", &bind, json!({"credential": "web"})).await.status, 200);
    assert_eq!(test.call_as(&token, "POST", &materialize, json!({})).await.status, 200);
    let wrong = json!({"name": "x", "role": "workload", "scope": {"consumers": ["shop"]}});
    let problem = test.call("POST", &format!("{ACCOUNT}/tokens"), wrong).await.problem(422, "invalid-input");
    assert_eq!(problem["errors"][0]["pointer"], "/scope/consumers/0");
}
