//! What is wrong with settings.

use serde_json::json;

use crate::support::region::judge;

#[test]
fn every_complaint_names_its_setting_at_once() {
    let complaints = judge(
        "webhook",
        json!({ "url": "http://hooks.example.com", "secret": "short-secret", "timeoutSeconds": 301, "caFile": 1,
                "headers": { "Authorization": "Bearer hush", "X-Api-Key": "hush", "Host": "a", "X/Y": "a", "X-Line": "a\nb",
                             "X-Tenant": "web" } }),
    );
    let mut codes: Vec<String> = complaints.iter().map(|(pointer, code, _)| format!("{pointer} {code}")).collect();
    codes.sort_unstable();
    let expected = [
        "/caFile type",
        "/headers/Authorization secret",
        "/headers/Host reserved",
        "/headers/X-Api-Key secret",
        "/headers/X-Line format",
        "/headers/X~1Y format",
        "/secret length",
        "/timeoutSeconds range",
        "/url format",
    ];
    assert_eq!(codes, expected);
    assert!(complaints.iter().all(|(_, _, message)| !message.contains("hush") && !message.contains("short-secret")));
    let texts =
        judge("webhook", json!({ "url": "https://hooks.example.com/?tenant=web", "headers": { "X-Tenant": 1 } }));
    assert_eq!(texts[0].0, "/headers");
    assert_eq!(
        judge("webhook", json!({ "url": "https://hooks.example.com/" })),
        [],
        "a login credential may be the key"
    );
}
