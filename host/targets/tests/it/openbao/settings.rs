//! What is wrong with settings.

use serde_json::{Value, json};

use crate::support::region::judge;

#[test]
fn every_complaint_names_its_setting_at_once() {
    let complaints = judge(
        "openbao",
        json!({ "address": "http://vault.example.com", "mount": "/secret", "prefix": "a/../b", "namespace": "", "caFile": "ca.pem",
                "token": "with space", "roleId": "role", "timeoutSeconds": 0, "adress": "x" }),
    );
    let mut pointers: Vec<&str> = complaints.iter().map(|(pointer, _, _)| pointer.as_str()).collect();
    pointers.sort_unstable();
    let expected =
        ["/address", "/adress", "/caFile", "/mount", "/namespace", "/prefix", "/timeoutSeconds", "/token", "/token"];
    assert_eq!(pointers, expected);
    assert!(complaints.iter().all(|(_, _, message)| !message.contains("with space")));
}

#[test]
fn a_sign_in_is_whole_and_one() {
    let with = |settings: Value| {
        let mut all = json!({ "address": "https://vault.example.com" });
        all.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
        let complaints = judge("openbao", all);
        complaints.into_iter().map(|(pointer, code, _)| format!("{pointer} {code}")).collect::<Vec<_>>()
    };
    let none = Vec::<String>::new();
    assert_eq!(with(json!({})), none, "a login credential may sign in");
    assert_eq!(with(json!({ "token": "t" })), none);
    assert_eq!(with(json!({ "roleId": "r", "secretId": "s", "authMount": "auth2" })), none);
    assert_eq!(with(json!({ "roleId": "r" })), ["/secretId required"]);
    assert_eq!(with(json!({ "secretId": "s" })), ["/roleId required"]);
    assert_eq!(with(json!({ "token": "t", "secretId": "s" })), ["/token conflict"]);
    assert_eq!(with(json!({ "token": "t", "roleId": "r", "secretId": "s" })), ["/token conflict"]);
}

#[test]
fn an_address_is_https_or_loopback_and_holds_no_secret() {
    let complaints = |address: &str| judge("openbao", json!({ "address": address })).len();
    for good in [
        "https://vault.example.com:8200",
        "https://example.com/vault/",
        "http://127.0.0.1:8200",
        "http://[::1]:1",
        "http://localhost",
    ] {
        assert_eq!(complaints(good), 0, "{good}");
    }
    for bad in [
        "vault.example.com",
        "ftp://x",
        "http://10.0.0.1",
        "https://u:p@x",
        "https://x/#f",
        "https://x/?a=b",
        "unix:/x",
    ] {
        assert_eq!(complaints(bad), 1, "{bad}");
    }
    assert_eq!(judge("openbao", json!({}))[0].1, "required");
}
