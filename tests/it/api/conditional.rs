//! `ETag` and `If-Match` (RFC 9110, section 13.1.1).

use reqwest::Method;
use serde_json::json;

use crate::support::samples::basic;
use crate::support::{Account, Reply};

#[tokio::test]
async fn if_match_is_honoured_by_every_write() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let stale = account.manager.get("credentials/staging").await.etag();
    account.manager.patch("credentials/staging", json!({ "title": "newer" })).await.expect(200);
    let fresh = account.manager.get("credentials/staging").await.etag();
    let send = async |method: Method, etag: &str| -> Reply {
        let call = account.manager.call(method.clone(), "credentials/staging").header("if-match", etag);
        if method == Method::PATCH { call.json(&json!({ "title": "mine" })).send().await } else { call.send().await }
    };
    for method in [Method::PATCH, Method::DELETE] {
        send(method.clone(), &stale).await.expect(412);
        assert_eq!(send(method, "not an etag").await.status / 100, 4, "what is no entity tag matches nothing");
    }
    assert_eq!(account.manager.get("credentials/staging").await.etag(), fresh, "nothing was written");
    let after = send(Method::PATCH, &fresh).await;
    after.assert_status(200);
    send(Method::PATCH, "*").await.assert_status(200);
    send(Method::DELETE, &account.manager.get("credentials/staging").await.etag()).await.expect(204);
}

/// Several tags, in one line or in several, of which one is the present one.
#[tokio::test]
async fn a_list_of_tags_holds_where_one_of_them_does() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let patch = async |lines: &[&str]| {
        let mut call = account.manager.call(Method::PATCH, "credentials/staging").json(&json!({ "title": "mine" }));
        for line in lines {
            call = call.header("if-match", line);
        }
        call.send().await
    };
    let tag = async || account.manager.get("credentials/staging").await.etag();
    patch(&[&format!("\"1\", {}", tag().await)]).await.expect(200);
    patch(&[&format!("{},\"1\"", tag().await)]).await.expect(200);
    patch(&["\"1\"", &tag().await]).await.expect(200);
    let weak = format!("W/{}", tag().await);
    for list in [&["\"1\", \"2\""][..], &["\"1\"", "\"x,y\""], &[&weak], &["*, \"1\""], &[""]] {
        patch(list).await.expect(412);
    }
    // Nothing is there to be matched: a PUT that makes something is refused.
    let put = async |tag: &str| {
        let binding = "bindings/app:web/basic-auth";
        let call = account.manager.call(Method::PUT, binding).json(&json!({ "credential": "staging" }));
        call.header("if-match", tag).send().await
    };
    put("*").await.expect(412);
    account.manager.put("bindings/app:web/basic-auth", json!({ "credential": "staging" })).await.expect(200);
    put("*").await.expect(200);
}

#[tokio::test]
async fn a_stale_rollback_is_refused() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let stale = account.manager.get("credentials/staging").await.etag();
    account.manager.patch("credentials/staging", json!({ "data": { "password": "two" } })).await.expect(200);
    let call = account.manager.call(Method::POST, "credentials/staging/versions/1/restore").header("if-match", &stale);
    call.send().await.expect(412);
}
