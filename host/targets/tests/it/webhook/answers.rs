//! What answers mean, and what of them is told.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bursar_regions::{Removal, TargetError};
use serde_json::{Value, json};

use super::{KEY, put, target};
use crate::support::region::owner;
use crate::support::scripted::Scripted;

#[tokio::test]
async fn each_status_has_its_meaning() {
    // For a put, a removal and a check.
    for (status, body, words) in [
        (200, "", ["", "", ""]),
        (204, "", ["", "", ""]),
        (302, "", ["invalid"; 3]),
        (400, "", ["invalid"; 3]),
        (401, "", ["refused"; 3]),
        (403, "", ["refused"; 3]),
        (404, "", ["failed", "", "failed"]),
        (405, "", ["invalid", "invalid", ""]),
        (408, "", ["unreachable"; 3]),
        (409, "", ["conflict"; 3]),
        (409, r#"{"foreign": true}"#, ["foreign", "", "foreign"]),
        (410, "", ["failed", "", "failed"]),
        (413, "", ["invalid"; 3]),
        (418, "", ["failed"; 3]),
        (422, "", ["invalid"; 3]),
        (429, "", ["throttled"; 3]),
        (500, "", ["unreachable"; 3]),
        (501, "", ["unreachable", "unreachable", ""]),
        (503, "", ["throttled"; 3]),
    ] {
        let server = Scripted::start(status, body).await;
        let target = target(&server.url()).await;
        let word = |outcome: Result<(), TargetError>| match outcome {
            Ok(()) => "",
            Err(error) => {
                let waits = matches!(error, TargetError::Throttled { seconds: Some(7), .. });
                assert!(waits || error.code() != "throttled", "{error:?}");
                error.code()
            }
        };
        let removal = Removal { owner: owner("acme", "db"), idempotency_key: "removal".to_owned() };
        let got = [
            word(put(&target, "push", b"one").await.map(drop)),
            word(target.remove("acme/db", &removal, None).await),
            word(target.check().await),
        ];
        assert_eq!(got, words, "{status} {body}");
        assert_eq!(server.came().len(), 3, "{status}: no redirect is followed and nothing tried twice");
    }
    let server = Scripted::with(503, &[], "").await;
    let put = put(&target(&server.url()).await, "push", b"one").await;
    assert!(matches!(put, Err(TargetError::Unreachable(_))), "{put:?}");
}

#[tokio::test]
async fn a_message_is_told_without_what_was_sent() {
    let content = "first secret line\nsecond \"secret\" line";
    let encoded = BASE64_STANDARD.encode(content);
    let message = format!("no\x1b[2J\r\nroom for {content} or {encoded} or {}: by {KEY} today", &content[..12]);
    for (kind, body) in [("application/json", json!({ "message": message }).to_string()), ("text/plain", message)] {
        let server = Scripted::with(422, &[("content-type", kind)], &body).await;
        let put = put(&target(&server.url()).await, "push", content.as_bytes()).await;
        let Err(TargetError::Invalid(told)) = put else { panic!("{put:?}") };
        assert!(told.ends_with("it says: no [2J room for [...] or [...] or [...]: by [...] today"), "{told}");
    }
}

#[tokio::test]
async fn a_page_and_an_answer_to_a_removal_are_not_told() {
    let server = Scripted::with(500, &[("content-type", "text/html")], "<p>hush</p>").await;
    let put = put(&target(&server.url()).await, "push", b"one").await;
    assert!(!format!("{put:?}").contains("hush"), "{put:?}");

    let server = Scripted::with(500, &[], r#"{"message": "hush"}"#).await;
    let removal = Removal { owner: owner("acme", "db"), idempotency_key: "removal".to_owned() };
    let removed = target(&server.url()).await.remove("acme/db", &removal, None).await;
    assert!(removed.is_err() && !format!("{removed:?}").contains("hush"), "{removed:?}");
}

#[tokio::test]
async fn a_receipt_is_short_and_no_secret() {
    let long = "x".repeat(1023);
    for (receipt, kept) in [
        (json!("id-7"), true),
        (json!({ "a": [1, null] }), true),
        (json!(long), false),
        (json!({ "is": "the secret itself" }), false),
        (json!(BASE64_STANDARD.encode("the secret itself")), false),
        (json!({ "is": KEY }), false),
    ] {
        let server = Scripted::with(200, &[], &json!({ "receipt": receipt }).to_string()).await;
        let got = put(&target(&server.url()).await, "push", b"the secret itself").await.expect("it is put");
        assert_eq!(got, if kept { receipt } else { Value::Null });
    }
    // Longer than what is read at all: it is done all the same.
    let server = Scripted::with(200, &[], &"x".repeat(1 << 20)).await;
    assert_eq!(put(&target(&server.url()).await, "push", b"one").await, Ok(Value::Null));
}
