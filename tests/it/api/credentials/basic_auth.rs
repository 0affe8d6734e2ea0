use serde_json::json;

use crate::support::Account;
use crate::support::samples::credential;

/// A basic-auth credential is one user's name and password (S0-27).
#[tokio::test]
async fn a_user_has_one_name_and_one_password() {
    let account = Account::new().await;
    for (username, password) in
        [("a", "b"), ("ünïcode", "pässword"), ("with space", "#$%'\" \\"), ("u", &"x".repeat(72))]
    {
        let body = credential("basic-auth", "x", json!({ "username": username, "password": password }));
        account.manager.post("credentials/validate", body).await.expect(204);
    }
    for (data, expected) in [
        (json!({}), vec!["/data/password", "/data/username"]),
        (json!({ "username": "", "password": "" }), vec!["/data/password", "/data/username"]),
        (json!({ "username": "a:b", "password": "x" }), vec!["/data/username"]),
        (json!({ "username": "a\nb", "password": "x" }), vec!["/data/username"]),
        (json!({ "username": "a", "password": "x".repeat(73) }), vec!["/data/password"]),
        // bcrypt counts bytes: 37 two-byte characters are too many.
        (json!({ "username": "a", "password": "ü".repeat(37) }), vec!["/data/password"]),
        (json!({ "username": 1, "password": true }), vec!["/data/password", "/data/username"]),
    ] {
        let reply = account.manager.post("credentials/validate", credential("basic-auth", "x", data.clone())).await;
        assert_eq!(reply.pointers(), expected, "{data}: {}", reply.body);
    }
}

#[tokio::test]
async fn both_wrong_fields_are_told_at_once() {
    let account = Account::new().await;
    let data = json!({ "username": "a:b", "password": "x".repeat(73) });
    let reply = account.manager.post("credentials/validate", credential("basic-auth", "x", data)).await;
    assert_eq!(reply.pointers(), ["/data/password", "/data/username"], "{}", reply.body);
}
