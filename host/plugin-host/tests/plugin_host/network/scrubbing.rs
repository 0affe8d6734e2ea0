//! What comes back holds no secret, however a service repeats it.

use serde_json::json;

use super::lab::{CLIENT_SECRET, Lab, PASSWORD, TOKEN};

#[tokio::test]
async fn an_echo_is_blotted_out() {
    let lab = Lab::start().await;
    let url = "https://api.example.com/echo/field";
    let results = lab
        .run(json!([
            {"send": {"url": url, "headers": {"authorization": ["Bearer ", {"secret": "/token"}]}, "query": {"key": [{"secret": "/token"}]}}},
            {"send": {"url": url, "headers": {"authorization": [{"basic": ["octo", "/password"]}]}}},
            {"send": {"url": url, "method": "POST", "headers": {"content-type": "application/json"},
                "body": ["{\"token\": \"", {"json": "/token"}, "\"}"]}},
            {"send": {"url": "https://api.example.com/echo/any", "method": "POST", "body": [{"secret": "/password"}]}},
        ]))
        .await;
    for result in &results {
        let text = result.to_string();
        assert_eq!(result["status"], 200, "{text}");
        assert!(text.contains("[secret]"), "{text}");
        for part in ["t0ken", "with+signs", "with%2Bsigns", "hunter2", "b2N0bzpodW50ZXIyc2Vj"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
    assert_eq!(results[0]["headers"]["x-echo"], "Bearer [secret]");
    assert!(lab.seen()[0].header("authorization").is_some_and(|value| value.contains(TOKEN)));
}

#[tokio::test]
async fn what_is_inside_a_document_is_secret_too() {
    let lab = Lab::start().await;
    let account = json!({"private_key": "-----BEGIN X-----\nAAAABBBBCCCCDDDD1111\nEEEEFFFF\n-----END X-----\n", "id": "acme inc"});
    // The server is told by the plugin, which could have them from elsewhere.
    let said = "key AAAABBBBCCCCDDDD1111 of acme inc";
    let request = json!({"url": "https://api.example.com/echo", "method": "POST", "body": said});
    let report = lab.probe(json!({"script": [{"send": request}], "account": account.to_string()})).await.unwrap();
    let body = report.details["results"][0]["body"].as_str().unwrap();
    assert!(body.contains("key [secret] of acme inc"), "{body}");
}

#[tokio::test]
async fn a_report_an_error_and_a_handle_are_clean_too() {
    let lab = Lab::start().await;
    // A plugin that guesses a secret, or was told it, cannot pass it on.
    let said =
        json!({"url": "https://api.example.com/echo", "method": "POST", "body": format!("{CLIENT_SECRET} {PASSWORD}")});
    let report = lab.probe(json!({"script": [{"send": said}], "summary": "body"})).await.unwrap();
    assert!(report.summary.contains("[secret] [secret]") && !report.summary.contains(PASSWORD), "{}", report.summary);
    let denied = lab.probe(json!({"script": [{"send": said}], "answer": "denied"})).await.unwrap_err().to_string();
    assert!(denied.contains("[secret]") && !denied.contains(PASSWORD) && !denied.contains(CLIENT_SECRET), "{denied}");
}

#[tokio::test]
async fn sessions_and_hidden_answers_are_kept_back() {
    let lab = Lab::start().await;
    let cookie = lab.send(json!({"url": "https://api.example.com/cookie"})).await;
    assert_eq!((&cookie["status"], &cookie["body"]), (&json!(200), &json!("cookie")));
    assert!(cookie["headers"].get("set-cookie").is_none(), "{cookie}");
    lab.recorded();

    let gzip = lab.send(json!({"url": "https://api.example.com/gzip"})).await;
    assert!(gzip["error"].as_str().is_some_and(|error| error.starts_with("denied: the answer is encoded")), "{gzip}");
    let recorded = lab.recorded().remove(0);
    assert_eq!(recorded.outcome, bursar_kernel::audit::Outcome::Denied);
    assert_eq!(recorded.status, Some(200));
}
