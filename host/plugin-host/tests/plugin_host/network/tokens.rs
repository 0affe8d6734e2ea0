//! A token endpoint's answer is captured, used by name, and not seen.

use bursar_kernel::audit::Outcome;
use serde_json::{Value, json};

use super::lab::{ACCESS_TOKEN, CLIENT_SECRET, Lab};

fn exchange(body: &Value) -> Value {
    json!({"url": "https://login.example.com/acme%20inc/token", "method": "POST", "endpoint": "token",
        "headers": {"content-type": "application/x-www-form-urlencoded"}, "body": body})
}

fn asking() -> Value {
    exchange(&json!(["grant_type=client_credentials&client_secret=", {"secret": "/clientSecret"}]))
}

#[tokio::test]
async fn a_token_is_captured_and_used_unseen() {
    let lab = Lab::start().await;
    let with_token = |url: &str, name: &str| json!({"send": {"url": url, "headers": {name: ["Bearer ", {"captured": "access-token"}]}}});
    let results = lab
        .run(json!([
            {"send": asking()},
            with_token("https://api.example.com/echo", "authorization"),
            with_token("https://api.example.com/echo", "x-other"),
            with_token("https://login.example.com/echo", "authorization"),
        ]))
        .await;
    assert_eq!(results[0]["status"], 200, "{results:?}");
    assert_eq!(results[0]["captured"], json!(["access-token"]));
    assert_eq!(
        results[0]["body"].as_str().map(|body| serde_json::from_str::<Value>(body).unwrap()),
        Some(json!({"expires-in": 3600}))
    );
    assert_eq!(results[0]["headers"], json!({"content-type": "application/json"}));
    assert_eq!(results[1]["status"], 200, "{results:?}");
    assert_eq!(results[1]["headers"]["x-echo"], "Bearer [secret]");
    for refused in &results[2..] {
        assert!(
            refused["error"].as_str().is_some_and(|error| error.contains("the captured access-token")),
            "{refused}"
        );
    }
    assert!(!json!(results).to_string().contains("ya29"), "{results:?}");

    let seen = lab.seen();
    assert_eq!(
        seen[0].body,
        format!("grant_type=client_credentials&client_secret={}", CLIENT_SECRET.replace(' ', "+").replace('&', "%26"))
    );
    assert_eq!(seen[1].header("authorization"), Some(format!("Bearer {ACCESS_TOKEN}").as_str()));
    let recorded = lab.recorded();
    assert_eq!(recorded[0].endpoint.as_deref(), Some("token"));
    assert_eq!(
        recorded.iter().map(|exchange| exchange.outcome).collect::<Vec<_>>(),
        [Outcome::Ok, Outcome::Ok, Outcome::Denied, Outcome::Denied]
    );
}

#[tokio::test]
async fn a_refusal_shows_what_is_declared_and_captures_nothing() {
    let lab = Lab::start().await;
    let wrong = exchange(&json!(["grant_type=wrong&client_secret=", {"secret": "/clientSecret"}]));
    let results = lab
        .run(json!([{"send": wrong}, {"send": {"url": "https://api.example.com/echo", "headers": {"authorization": [{"captured": "access-token"}]}}}]))
        .await;
    let body: Value = serde_json::from_str(results[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&results[0]["status"], &results[0]["captured"]), (&json!(400), &json!([])));
    assert_eq!(body, json!({"error": "invalid_client", "description": "[secret] is wrong"}));
    assert_eq!(results[0]["headers"], json!({"content-type": "application/json", "retry-after": "7"}));
    assert!(results[1]["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{results:?}");
}

#[tokio::test]
async fn a_token_endpoint_without_its_name_gets_no_exchange() {
    let lab = Lab::start().await;
    for change in [
        json!({"endpoint": null}),
        json!({"endpoint": null, "url": "https://login.example.com/acme%20inc/TOKEN"}),
        json!({"endpoint": null, "url": "https://login.example.com/acme%20inc//token/"}),
        json!({"endpoint": null, "url": "https://login.example.com/other/token"}),
        json!({"endpoint": null, "method": "GET"}),
        json!({"endpoint": "none"}),
        json!({"endpoint": "sts"}),
        json!({"method": "GET"}),
        json!({"url": "https://login.example.com/other/token"}),
        json!({"url": "https://api.example.com/acme%20inc/token"}),
    ] {
        let mut request = asking();
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let result = lab.send(request).await;
        assert!(result["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{change}: {result}");
    }
    assert!(lab.seen().is_empty());
}

#[tokio::test]
async fn a_token_of_an_undeclared_endpoint_is_kept_back() {
    let lab = Lab::start().await;
    let echoed = json!({"url": "https://api.example.com/undeclared", "method": "POST", "body": ""});
    let result = lab.send(echoed).await;
    assert_eq!(
        result["error"],
        "denied: the answer holds a token: declare the token endpoint and name it, so that it is captured"
    );
    assert_eq!((lab.recorded()[0].outcome, lab.seen().len()), (Outcome::Denied, 1));
}

#[tokio::test]
async fn a_captured_key_signs_unseen() {
    let lab = Lab::start().await;
    let results = lab
        .run(json!([
            {"send": {"url": "https://login.example.com/sts", "method": "POST", "endpoint": "sts"}},
            {"load": {"captured": ["AWS4", "secret-access-key"]}},
            {"hmac": [0, "message"]},
            {"send": {"url": "https://api.example.com/echo", "headers": {"x-signature": [{"hex": 0}]}}},
            {"send": {"url": "https://login.example.com/echo", "headers": {"x-signature": [{"hex": 0}]}}},
        ]))
        .await;
    assert_eq!(results[0]["body"], r#"{"access-key-id":"ASIA"}"#);
    assert_eq!(results[0]["captured"], json!(["secret-access-key"]));
    assert_eq!(results[3]["status"], 200, "{results:?}");
    assert!(results[4]["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{results:?}");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"AWS4captured&secret");
    let expected = hex::encode(aws_lc_rs::hmac::sign(&key, b"message"));
    assert_eq!(lab.seen()[1].header("x-signature"), Some(expected.as_str()));
}
