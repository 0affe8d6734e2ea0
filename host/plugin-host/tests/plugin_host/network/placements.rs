//! A secret goes where a placement lets it, and nowhere else.

use bursar_kernel::audit::Outcome;
use serde_json::{Value, json};

use super::lab::{Lab, PASSWORD, TOKEN};

#[tokio::test]
async fn secrets_arrive_at_their_places() {
    let lab = Lab::start().await;
    let api = "https://api.example.com";
    for (request, arrived) in [
        (
            json!({"url": format!("{api}/echo"), "headers": {"Authorization": ["Bearer ", {"secret": "/token"}]}}),
            format!("authorization: Bearer {TOKEN}"),
        ),
        (
            json!({"url": format!("{api}/echo"), "headers": {"authorization": [{"basic": ["octo", "/password"]}]}}),
            "authorization: Basic b2N0bzpodW50ZXIyc2VjcmV0".to_owned(),
        ),
        (
            json!({"url": format!("{api}/echo"), "query": {"a b": "c/d", "key": [{"secret": "/token"}]}}),
            "target: /echo?a%20b=c%2Fd&key=t0ken%2Fwith%2Bsigns%3D%22%26".to_owned(),
        ),
        (
            json!({"url": format!("{api}/echo/field"), "method": "POST", "headers": {"content-type": "application/json"},
                "body": ["{\"auth\": {\"token\": \"", {"secret": "/token"}, "\"}}"]}),
            r#"body: {"auth": {"token": "t0ken/with+signs=\"&"}}"#.to_owned(),
        ),
        (
            json!({"url": format!("{api}/echo/field"), "method": "POST",
                "headers": {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
                "body": ["a=b&token=", {"form": "/token"}]}),
            "body: a=b&token=t0ken%2Fwith%2Bsigns%3D%22%26".to_owned(),
        ),
        (
            json!({"url": format!("{api}/echo/any"), "method": "PUT", "body": ["<p>", {"secret": "/password"}, "</p>"]}),
            format!("body: <p>{PASSWORD}</p>"),
        ),
        (
            json!({"url": format!("{api}/echo"), "headers": {"x-inner": [{"secret": "/document/inner"}]}}),
            "x-inner: inner secret".to_owned(),
        ),
    ] {
        let script = json!({"script": [{"send": request}], "document": {"inner": "inner secret"}});
        let report = lab.probe(script).await.expect("a report");
        assert_eq!(report.details["results"][0]["status"], 200, "{arrived}: {}", report.details);
        let seen = lab.seen().remove(0);
        let mut lines: Vec<_> = seen.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        lines.extend([format!("target: {}", seen.target), format!("body: {}", seen.body)]);
        assert!(lines.contains(&arrived), "{arrived}: {lines:#?}");
        assert!(
            lines.contains(&"accept-encoding: identity".to_owned())
                && lines.contains(&"host: api.example.com".to_owned())
        );

        let recorded = lab.recorded().remove(0);
        assert_eq!((recorded.outcome, recorded.status), (Outcome::Ok, Some(200)));
        assert_eq!((recorded.method.as_str(), recorded.host.as_str()), (seen.method.as_str(), "api.example.com:443"));
        assert_eq!(recorded.path, seen.target.split('?').next().unwrap());
        assert_eq!(recorded.sent_bytes, seen.body.len() as u64);
        assert!(recorded.received_bytes > 0 && recorded.reason.is_none());
    }
}

#[tokio::test]
async fn a_secret_anywhere_else_is_refused_and_never_leaves() {
    let token = || json!([{"secret": "/token"}]);
    refused(vec![
        ("another header", json!({"url": "https://api.example.com/echo", "headers": {"x-other": token()}})),
        ("another query field", json!({"url": "https://api.example.com/echo", "query": {"other": token()}})),
        ("a field's place in a header", json!({"url": "https://api.example.com/echo/field", "headers": {"token": token()}})),
        ("a body", json!({"url": "https://api.example.com/echo", "method": "POST", "body": token()})),
        ("another path", json!({"url": "https://api.example.com/other", "headers": {"authorization": token()}})),
        (
            "another case of the path",
            json!({"url": "https://api.example.com/ECHO", "headers": {"authorization": token()}}),
        ),
        (
            "another method",
            json!({"url": "https://api.example.com/echo", "method": "DELETE", "headers": {"authorization": token()}}),
        ),
        ("another host", json!({"url": "https://login.example.com/echo", "headers": {"authorization": token()}})),
        ("another port", json!({"url": "https://api.example.com:8443/echo", "headers": {"authorization": token()}})),
        ("an undeclared host", json!({"url": "https://evil.example.com/echo", "headers": {"authorization": token()}})),
        (
            "a secret without placement",
            json!({"url": "https://api.example.com/echo", "headers": {"authorization": [{"secret": "/clientSecret"}]}}),
        ),
        (
            "a field that is public",
            json!({"url": "https://api.example.com/echo", "headers": {"authorization": [{"secret": "/tenant"}]}}),
        ),
        (
            "a field that is not there",
            json!({"url": "https://api.example.com/echo", "headers": {"authorization": [{"secret": "/none"}]}}),
        ),
        (
            "a secret that is not set",
            json!({"url": "https://api.example.com/echo", "headers": {"x": [{"secret": "/pem"}]}}),
        ),
        (
            "basic elsewhere",
            json!({"url": "https://api.example.com/echo", "headers": {"x-short": [{"basic": ["u", "/short"]}]}}),
        ),
        (
            "basic in a body",
            json!({"url": "https://api.example.com/echo/any", "method": "POST", "body": [{"basic": ["u", "/password"]}]}),
        ),
        (
            "basic with a colon",
            json!({"url": "https://api.example.com/echo", "headers": {"authorization": [{"basic": ["u:x", "/password"]}]}}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_secret_at_another_field_of_a_body_is_refused_too() {
    let token = || json!([{"secret": "/token"}]);
    let json_type = || json!({"content-type": "application/json"});
    let form_type = || json!({"content-type": "application/x-www-form-urlencoded"});
    let field = "https://api.example.com/echo/field";
    refused(vec![
        (
            "another field",
            json!({"url": field, "method": "POST", "headers": json_type(), "body": ["{\"other\": \"", {"json": "/token"}, "\"}"]}),
        ),
        (
            "part of a field",
            json!({"url": field, "method": "POST", "headers": json_type(), "body": ["{\"token\": \"x", {"json": "/token"}, "\"}"]}),
        ),
        (
            "a key",
            json!({"url": field, "method": "POST", "headers": json_type(), "body": ["{\"", {"json": "/token"}, "\": 1}"]}),
        ),
        (
            "a field twice",
            json!({"url": field, "method": "POST", "headers": json_type(), "body": ["{\"token\": \"", {"json": "/token"}, "\", \"token\": \"x\"}"]}),
        ),
        (
            "both fields and another",
            json!({"url": field, "method": "POST", "headers": json_type(), "body": ["{\"token\": \"", {"json": "/token"}, "\", \"x\": \"", {"json": "/token"}, "\"}"]}),
        ),
        ("no JSON", json!({"url": field, "method": "POST", "headers": json_type(), "body": token()})),
        (
            "no content type",
            json!({"url": field, "method": "POST", "body": ["{\"token\": \"", {"json": "/token"}, "\"}"]}),
        ),
        (
            "another charset",
            json!({"url": field, "method": "POST", "headers": {"content-type": "application/json; charset=utf-16"}, "body": ["{\"token\": \"", {"json": "/token"}, "\"}"]}),
        ),
        (
            "another form field",
            json!({"url": field, "method": "POST", "headers": form_type(), "body": ["a=", {"form": "/token"}]}),
        ),
        (
            "part of a form field",
            json!({"url": field, "method": "POST", "headers": form_type(), "body": ["token=x", {"form": "/token"}]}),
        ),
        (
            "the name of a form field",
            json!({"url": field, "method": "POST", "headers": form_type(), "body": [{"form": "/token"}, "=x"]}),
        ),
    ])
    .await;
}

/// Sees to it that each of the requests is refused, recorded, and never sent.
async fn refused(requests: Vec<(&str, Value)>) {
    let lab = Lab::start().await;
    for (what, request) in requests {
        let result = lab.send(request).await;
        let error = result["error"].as_str().unwrap_or_default();
        assert!(error.starts_with("denied: "), "{what}: {result}");
        assert!(!error.contains("t0ken") && !error.contains("hunter2"), "{what}: {error}");
        assert!(lab.seen().is_empty(), "{what}: nothing left");
        let recorded = lab.recorded();
        assert_eq!(recorded.len(), 1, "{what}");
        assert_eq!((recorded[0].outcome, recorded[0].status), (Outcome::Denied, None), "{what}");
        let reason = recorded[0].reason.clone().unwrap_or_default();
        assert!(error.ends_with(&reason) && !reason.is_empty(), "{what}: {reason}");
    }
}

#[tokio::test]
async fn a_field_holds_a_secret_whatever_is_in_it() {
    let lab = Lab::start().await;
    let evil = r#"x","admin":true,"y":"\"#;
    let body = json!(["{\"token\": \"", {"secret": "/token"}, "\"}"]);
    let request = json!({"url": "https://api.example.com/echo/field", "method": "POST",
        "headers": {"content-type": "application/json"}, "body": body});
    lab.probe(json!({"script": [{"send": request}], "token": evil})).await.expect("a report");
    let body: Value = serde_json::from_str(&lab.seen().remove(0).body).expect("still JSON");
    assert_eq!(body, json!({"token": evil}));

    let request = json!({"url": "https://api.example.com/echo/field", "method": "POST",
        "headers": {"content-type": "application/x-www-form-urlencoded"}, "body": ["token=", {"secret": "/token"}]});
    lab.probe(json!({"script": [{"send": request}], "token": "a&admin=true"})).await.expect("a report");
    assert_eq!(lab.seen().remove(0).body, "token=a%26admin%3Dtrue");
}

#[tokio::test]
async fn a_header_cannot_be_broken_open() {
    let lab = Lab::start().await;
    let url = "https://api.example.com/echo";
    for (what, headers) in [
        ("from a secret", json!({"x-broken": [{"secret": "/broken"}]})),
        ("from a text", json!({"x-a": "a\r\nx-evil: b"})),
        ("by NUL", json!({"x-a": "a\u{0}"})),
        ("by a tab", json!({"x-a": "a\tb"})),
        ("in a name", json!({"x-a\r\nx-evil": "b"})),
        ("by a space in a name", json!({"x a": "b"})),
        ("by an empty name", json!({"": "b"})),
        ("host", json!({"Host": "evil.example.com"})),
        ("content-length", json!({"content-length": "0"})),
        ("transfer-encoding", json!({"Transfer-Encoding": "chunked"})),
        ("connection", json!({"connection": "authorization"})),
        ("upgrade", json!({"upgrade": "websocket"})),
        ("expect", json!({"expect": "100-continue"})),
        ("te", json!({"te": "trailers"})),
        ("accept-encoding", json!({"accept-encoding": "gzip"})),
        ("proxy-authorization", json!({"proxy-authorization": "x"})),
    ] {
        let result = lab.send(json!({"url": url, "headers": headers})).await;
        assert!(result["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{what}: {result}");
    }
    for method in ["CONNECT", "TRACE", "get", "GET ", "G\r\nT", "", "ABCDEFGHIJKLMNOPQ"] {
        let result = lab.send(json!({"url": url, "method": method})).await;
        assert!(result["error"].as_str().is_some_and(|error| error.starts_with("denied: ")), "{method:?}: {result}");
    }
    assert!(lab.seen().is_empty());
    // In a query the same secret is harmless.
    assert_eq!(lab.send(json!({"url": url, "query": {"broken": [{"secret": "/broken"}]}})).await["status"], 200);
    assert_eq!(lab.seen().remove(0).target, "/echo?broken=a%0D%0Ax-evil%3A%20b");
}

#[tokio::test]
async fn a_host_from_a_field_is_that_host() {
    let lab = Lab::with(|_, network, _| {
        let address = network.connect_overrides["api.example.com:443"];
        network.connect_overrides.insert("dns.example.com:8443".to_owned(), address);
    })
    .await;
    let headers = json!({"x-token": [{"secret": "/token"}]});
    let sent = lab.send(json!({"url": "https://dns.example.com:8443/echo", "headers": headers})).await;
    assert_eq!(sent["status"], 200, "{sent}");
    assert_eq!(lab.seen().remove(0).header("x-token"), Some(TOKEN));
    for url in ["https://dns.example.com/echo", "https://evil.example.com:8443/echo"] {
        let sent = lab.send(json!({"url": url, "headers": headers})).await;
        assert!(sent["error"].as_str().is_some_and(|error| error.contains("hosts of the plugin's manifest")), "{sent}");
    }
}
