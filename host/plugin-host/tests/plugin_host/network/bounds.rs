//! A call can ask only so often, so much and so long, and nothing of it is lost
//! from the record.

use std::sync::Arc;
use std::time::Duration;

use bursar_kernel::audit::Outcome;
use bursar_kernel::plugin::{PluginError, Plugins as _};
use serde_json::json;

use super::lab::{Lab, Ledger, data};
use crate::support::context;

const ECHO: &str = "https://api.example.com/echo";

#[tokio::test]
async fn a_flood_is_cut_off_and_does_not_fill_the_record() {
    let lab = Lab::start().await;
    let results =
        lab.run(json!([{"repeat": [20, {"send": {"url": ECHO}}]}, {"repeat": [500, {"send": {"url": ECHO}}]}])).await;
    assert_eq!(results[0]["status"], 200);
    assert_eq!(results[1]["error"], "denied: a call may send 20 requests");
    assert_eq!(lab.seen().len(), 20);
    let recorded = lab.recorded();
    assert_eq!(recorded.len(), 22);
    assert!(recorded[..20].iter().all(|exchange| exchange.outcome == Outcome::Ok));
    assert_eq!(recorded[20].reason.as_deref(), Some("a call may send 20 requests"));
    assert_eq!(recorded[21].reason.as_deref(), Some("499 more requests beyond the 20 of a call"));
    assert!(recorded[20..].iter().all(|exchange| exchange.outcome == Outcome::Denied));
    // Refused requests count as well.
    let evil = json!({"send": {"url": "https://evil.example.com/"}});
    let results = lab.run(json!([{"repeat": [20, evil]}, {"send": {"url": ECHO}}])).await;
    assert_eq!(results[1]["error"], "denied: a call may send 20 requests");
}

#[tokio::test]
async fn requests_and_answers_have_their_sizes() {
    let lab = Lab::start().await;
    let send = async |request| lab.send(request).await;
    let echo = |more: serde_json::Value| {
        let mut request = json!({"url": ECHO, "method": "POST"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let fields = |count| (0..count).map(|n| (format!("f{n}"), json!("x"))).collect::<serde_json::Map<_, _>>();
    for (what, request, refused) in [
        ("body", echo(json!({"url": "https://api.example.com/cookie", "filler": 1 << 20})), false),
        ("larger body", echo(json!({"filler": (1 << 20) + 1})), true),
        ("headers", echo(json!({"headers": fields(64)})), false),
        ("more headers", echo(json!({"headers": fields(65)})), true),
        ("large headers", echo(json!({"headers": {"a": "x".repeat(17 << 10)}})), true),
        ("query", echo(json!({"query": fields(64)})), false),
        ("larger query", echo(json!({"query": {"a": "x".repeat(8 << 10)}})), true),
        ("parts", echo(json!({"body": vec!["x"; 32]})), false),
        ("more parts", echo(json!({"body": vec!["x"; 33]})), true),
        ("url", json!({"url": format!("https://api.example.com/{}", "x".repeat(8 << 10))}), true),
    ] {
        let result = send(request).await;
        let denied = result["error"].as_str().is_some_and(|error| error.starts_with("denied: "));
        assert_eq!(denied, refused, "{what}: {result}");
        assert!(denied || result["status"] == 200, "{what}: {result}");
    }
    assert_eq!(send(json!({"url": "https://api.example.com/full"})).await["size"], 1 << 20);
    assert_eq!(send(json!({"url": "https://api.example.com/large"})).await["error"], "too-large");
    let headers = send(json!({"url": "https://api.example.com/headers"})).await;
    assert!(headers["error"].is_string(), "{headers}");
    let recorded = lab.recorded();
    let large = &recorded[recorded.len() - 2];
    assert_eq!((large.outcome, large.status), (Outcome::Failed, Some(200)));
    let reason = "the answer has more than 100 headers, 16 KiB of headers or 1 MiB of body";
    assert_eq!(large.reason.as_deref(), Some(reason));
}

#[tokio::test]
async fn a_slow_server_costs_its_own_request() {
    let lab = Lab::with(|_, _, limits| limits.exchange_wall = Duration::from_millis(300)).await;
    let slow = json!({"send": {"url": "https://api.example.com/slow"}});
    let results = lab.run(json!([slow, {"send": {"url": ECHO}}])).await;
    assert_eq!((&results[0]["error"], &results[1]["status"]), (&json!("timeout"), &json!(200)));
    let recorded = lab.recorded();
    assert_eq!((recorded[0].outcome, recorded[0].path.as_str()), (Outcome::Failed, "/slow"));
    assert_eq!(recorded[0].reason.as_deref(), Some("no whole answer within 300ms"));
}

#[tokio::test]
async fn a_call_given_up_is_recorded_all_the_same() {
    let lab = Lab::with(|_, _, limits| limits.exchange_wall = Duration::from_secs(1)).await;
    let (data, context) = (data(json!({"script": [{"send": {"url": "https://api.example.com/slow"}}]})), context());
    let call = lab.call(&data, &context);
    let mut probe = lab.host.probe("talker", &call);
    loop {
        tokio::select! {
            outcome = &mut probe => panic!("given up before it ends, not {outcome:?}"),
            () = tokio::time::sleep(Duration::from_millis(5)) => if !lab.seen().is_empty() { break },
        }
    }
    assert!(lab.recorded().is_empty(), "it is on its way");
    // Dropped by its caller: the request has left and must be accounted for.
    drop(probe);
    let recorded = loop {
        match lab.recorded().pop() {
            Some(recorded) => break recorded,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!((recorded.path.as_str(), recorded.outcome), ("/slow", Outcome::Failed));
}

#[tokio::test]
async fn a_call_ends_with_its_time_whatever_it_waits_for() {
    let lab = Lab::with(|_, _, limits| {
        limits.network_wall = Duration::from_millis(1500);
        limits.network_budget = Duration::from_millis(100);
    })
    .await;
    let slow = json!({"send": {"url": "https://api.example.com/slow"}});
    // The exchange ends before the call, so that it is recorded.
    assert_eq!(lab.run(json!([slow, slow])).await[1]["error"], "timeout");
    assert_eq!(lab.recorded().len(), 2);
    let looping = lab.probe(json!({"script": [{"send": {"url": ECHO}}, {"loop": 1}]})).await;
    assert_eq!(looping.err(), Some(PluginError::Failed("ran out of its time budget".to_owned())));
    assert_eq!(lab.recorded().len(), 1);
}

#[tokio::test]
async fn without_a_record_there_is_no_answer() {
    let mut lab = Lab::start().await;
    lab.ledger = Arc::new(Ledger { full: true, ..Ledger::default() });
    for url in [ECHO, "https://evil.example.com/"] {
        let outcome = lab.probe(json!({"script": [{"send": {"url": url}}]})).await;
        let reason = "could not go on, since its requests could not be recorded";
        assert_eq!(outcome.err(), Some(PluginError::Failed(reason.to_owned())), "{url}");
    }
}

#[tokio::test]
async fn calls_that_wait_for_others_hold_up_no_call_that_does_not() {
    let lab = Lab::with(|_, _, limits| {
        limits.concurrent_calls = 1;
        limits.concurrent_network_calls = 1;
        limits.concurrent_network_calls_per_plugin = 1;
        limits.exchange_wall = Duration::from_secs(1);
    })
    .await;
    let (data, context) = (data(json!({"script": [{"send": {"url": "https://api.example.com/slow"}}]})), context());
    let call = lab.call(&data, &context);
    let (public, mut pure) = (json!({}), 0);
    let mut slow = lab.host.probe("talker", &call);
    let report = loop {
        tokio::select! {
            report = &mut slow => break report.expect("a report"),
            found = lab.host.inspect("talker", &public, &context) => {
                found.expect("served meanwhile");
                pure += 1;
            }
        }
    };
    assert_eq!(report.details["results"][0]["error"], "timeout");
    assert!(pure > 0);
}
