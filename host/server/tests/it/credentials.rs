//! The walk of a credential through the API: headers, replays, and that the
//! JSON is what its description says.

use bursar_api as api;
use serde_json::{Value, json};

use crate::support::{TestApp, login, read, request};

const CREDENTIALS: &str = "/v1/accounts/default/credentials";

#[tokio::test]
async fn a_credential_lives() {
    let test = TestApp::new().await;
    let created = test.call("POST", CREDENTIALS, login("web")).await;
    assert_eq!(created.status, 201);
    assert!(!created.text.contains("s3cret"));
    let credential: api::Credential = read(&created);
    assert_eq!(created.header("location"), format!("{CREDENTIALS}/{}", credential.id));
    let path = format!("{CREDENTIALS}/web");

    let shown = test.call("GET", &path, Value::Null).await;
    read::<api::Credential>(&shown);
    assert_eq!(shown.header("etag"), created.header("etag"));
    assert!(created.header("etag").starts_with('"'));
    read::<api::Page<api::Credential>>(&test.call("GET", CREDENTIALS, Value::Null).await);

    let revealed = test.call("POST", &format!("{path}/reveal"), Value::Null).await;
    assert_eq!(read::<api::Revealed>(&revealed).data, json!({"password": "s3cret-value"}));
    assert_eq!(revealed.header("cache-control"), "no-store");
    let fields = json!({"fields": ["/username", 7], "more": 1});
    let problem = test.call("POST", &format!("{path}/reveal"), fields).await.problem(422, "invalid-input");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);

    let plain = test.call("POST", &format!("{path}/materialize"), json!({})).await;
    assert_eq!(read::<api::Materialized>(&plain).artifacts[0].content, "s3cret-value");
    let binary = test.call("POST", &format!("{path}/materialize"), json!({"format": "binary"})).await;
    assert_eq!(binary.json()["artifacts"][0]["content"], "/wA=");
    assert_eq!(binary.json()["artifacts"][0]["encoding"], "base64");

    let versions = test.call("GET", &format!("{path}/versions"), Value::Null).await;
    read::<api::Page<api::CredentialVersion>>(&versions);
    read::<api::Credential>(&test.call("POST", &format!("{path}/versions/1/restore"), Value::Null).await);
    test.call("POST", &format!("{path}/versions/x/restore"), Value::Null).await.problem(404, "not-found");
    read::<api::Credential>(&test.call("POST", &format!("{path}/set-default"), Value::Null).await);

    assert_eq!(test.call("DELETE", &path, Value::Null).await.status, 204);
    let id = format!("{CREDENTIALS}/{}", credential.id);
    read::<api::Credential>(&test.call("POST", &format!("{id}/restore"), Value::Null).await);
    assert_eq!(test.call("DELETE", &format!("{id}?purge=true"), Value::Null).await.status, 204);
    test.call("GET", &id, Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_update_decided_on_an_old_revision_is_refused() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let path = format!("{CREDENTIALS}/web");
    let etag = test.call("GET", &path, Value::Null).await.header("etag").to_owned();
    let change = async |if_match: &str, media_type: &str, title: &str| {
        let mut request = request(&test.operator, "PATCH", &path, &json!({"title": title}));
        request.headers_mut().insert("if-match", if_match.parse().unwrap());
        request.headers_mut().insert("content-type", media_type.parse().unwrap());
        test.send(request).await
    };
    let changed = change(&etag, "application/merge-patch+json", "one").await;
    assert_eq!(read::<api::Credential>(&changed).title, "one");
    assert_ne!(changed.header("etag"), etag);
    change(&etag, "application/json", "two").await.problem(412, "stale");
    change("W/\"1\"", "application/json", "two").await.problem(412, "stale");
    assert_eq!(change("*", "application/json", "three").await.status, 200);
    change("*", "text/plain", "four").await.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn a_repeated_request_creates_once_and_tells_no_secret_again() {
    let test = TestApp::new().await;
    let send = async |path: &str, key: &str, body: &Value| {
        let mut request = request(&test.operator, "POST", path, body);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        test.send(request).await
    };
    let first = send(CREDENTIALS, "key-1", &login("web")).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, ""));
    let again = send(CREDENTIALS, "key-1", &login("web")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(
        (again.json()["id"].clone(), again.header("location")),
        (first.json()["id"].clone(), first.header("location"))
    );
    let problem = send(CREDENTIALS, "key-1", &login("other")).await.problem(422, "invalid-input");
    assert_eq!(problem["errors"][0]["code"], "idempotency-key-reused");

    let tokens = "/v1/accounts/default/tokens";
    let body = json!({"name": "ci", "role": "workload"});
    let first = send(tokens, "key-2", &body).await;
    assert!(read::<api::NewToken>(&first).token.is_some());
    let again = send(tokens, "key-2", &body).await;
    assert!(read::<api::NewToken>(&again).token.is_none());
    assert_eq!(again.header("idempotency-replayed"), "true");

    let account = json!({"name": "shop"});
    assert_eq!(send("/v1/accounts", "key-3", &account).await.status, 201);
    assert_eq!(send("/v1/accounts", "key-3", &account).await.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn everything_else_is_what_its_description_says() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let get = async |path: &str| test.call("GET", path, Value::Null).await;
    read::<api::Me>(&get("/v1/me").await);
    read::<api::Page<api::Account>>(&get("/v1/accounts").await);
    read::<api::Account>(&get("/v1/accounts/default").await);
    read::<api::Account>(&test.call("PATCH", "/v1/accounts/default", json!({"title": "The one"})).await);
    let put = test.call("PUT", "/v1/accounts/default/members/alice%40example.com", json!({"role": "member"})).await;
    assert_eq!(read::<api::Member>(&put).principal, "alice@example.com");
    assert!(put.header("etag").starts_with('"'));
    test.call("PUT", "/v1/accounts/default/members/bob", json!({"role": "king"})).await.problem(422, "invalid-input");
    read::<api::Page<api::Member>>(&get("/v1/accounts/default/members").await);
    read::<api::Page<api::Token>>(&get("/v1/accounts/default/tokens").await);
    read::<api::NewToken>(&test.call("POST", "/v1/tokens", json!({"name": "second"})).await);
    read::<api::Page<api::Token>>(&get("/v1/tokens").await);
    read::<api::Page<api::CredentialType>>(&get("/v1/credential-types").await);
    read::<api::CredentialType>(&get("/v1/credential-types/test-login").await);
    let template: api::Template = read(&get("/v1/credential-types/test-login/template").await);
    assert_eq!(template.variant.as_deref(), Some("plain"));
    get("/v1/credential-types/test-login/template?variant=x").await.problem(422, "invalid-input");
    read::<api::Page<api::Plugin>>(&get("/v1/plugins").await);
    read::<api::Plugin>(&get("/v1/plugins/test-login").await);
    read::<api::Page<api::AuditEntry>>(&get("/v1/audit?action=credential.*").await);
    read::<api::Page<api::AuditEntry>>(&get("/v1/accounts/default/audit").await);
    get("/v1/audit?since=yesterday&credential=web").await.problem(422, "invalid-input");
    let checkpoint = get("/v1/audit/checkpoint").await;
    read::<api::Checkpoint>(&checkpoint);
    read::<api::AuditReport>(&test.call("POST", "/v1/audit/verify", Value::Null).await);
    let report: api::AuditReport = read(&test.call("POST", "/v1/audit/verify", checkpoint.json()).await);
    assert_eq!(report.checkpoints, 1);
    test.call("POST", "/v1/audit/verify", json!({"node": 1})).await.problem(422, "invalid-input");
    assert_eq!(test.call("POST", "/v1/backup", Value::Null).await.text, "sealed rows");
    assert_eq!(read::<api::Rekeyed>(&test.call("POST", "/v1/rekey", Value::Null).await).rewrapped, 5);

    let member = test.token("member").await;
    let row = test.call_as(&member, "GET", &format!("{CREDENTIALS}/web"), Value::Null).await;
    read::<api::CredentialRow>(&row);
    assert_eq!(row.json()["names"], json!(["example.com"]));
    let name = |name: &str| format!("{CREDENTIALS}/validate-name?name={name}");
    assert_eq!(get(&name("free")).await.status, 204);
    get(&name("web")).await.problem(409, "conflict");
    get(&name("")).await.problem(422, "invalid-input");
    assert_eq!(test.call("POST", &format!("{CREDENTIALS}/validate"), login("free")).await.status, 204);
    let filtered = get(&format!("{CREDENTIALS}?type=test-login&q=WEB&deleted=false&label=none")).await;
    assert_eq!(filtered.json()["items"], json!([]));
}
