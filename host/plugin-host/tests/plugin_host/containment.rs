//! Whatever a plugin does inside its sandbox ends with its own call.

use bursar_kernel::plugin::{PluginError, Plugins as _};
use serde_json::json;

use crate::support::{SECRET, context, data, host};

#[tokio::test]
async fn every_way_to_misbehave_costs_its_own_call_alone() {
    let host = host().await;
    for (behaviour, reasons) in [
        ("loop", &["ran out of its time budget"][..]),
        ("alloc", &["ran out of memory"]),
        ("recurse", &["trapped", "ran out of stack"]),
        ("panic", &["trapped"]),
        ("unreachable", &["trapped"]),
        ("out-of-bounds", &["trapped"]),
        // Whichever of the two it uses up first.
        ("log-flood", &["ran out of its time budget", "answered more than the host takes"]),
    ] {
        let checked = host.check("hostile", &data(behaviour), &["/password".to_owned()], &context()).await;
        let materialized = host.materialize("hostile", &data(behaviour), "login", &context()).await;
        for outcome in [checked.map(|_| ()), materialized.map(|_| ())] {
            let Err(PluginError::Failed(reason)) = outcome else { panic!("{behaviour} fails, not {outcome:?}") };
            assert!(reasons.contains(&reason.as_str()), "{behaviour}: {reason}");
        }
    }
    let artifacts = host.materialize("hostile", &data(""), "login", &context()).await.expect("the host is well");
    assert_eq!(artifacts[0].content.as_slice(), SECRET.as_bytes());
}

#[tokio::test]
async fn an_answer_too_large_to_copy_fails() {
    let outcome = host().await.materialize("hostile", &data("huge"), "login", &context()).await;
    assert_eq!(outcome.err(), Some(PluginError::Failed("answered more than the host takes".to_owned())));
}

#[tokio::test]
async fn a_guest_that_waits_in_the_host_is_stopped_by_the_clock() {
    let outcome = host().await.inspect("hostile", &json!({"behaviour": "sleep"}), &context()).await;
    assert_eq!(outcome.err(), Some(PluginError::Failed("ran out of time".to_owned())));
}

#[tokio::test]
async fn nothing_is_within_reach_in_the_pure_plane() {
    for (behaviour, answer) in [
        ("http", "Err(Error::Unsupported)"),
        ("clock", "Unsupported"),
        ("signing", "there is neither clock nor keys in the pure plane"),
    ] {
        let public = json!({"behaviour": behaviour});
        let found = host().await.inspect("hostile", &public, &context()).await.expect("an answer");
        let told = found.attributes["answer"].as_str().expect("a text");
        assert!(told.contains(answer), "{behaviour}: {told}");
        assert!(!told.contains("Ok("), "{behaviour}: {told}");
    }
}

#[tokio::test]
async fn wasi_is_empty_its_clock_stands_still_and_its_randomness_repeats() {
    let public = json!({"behaviour": "wasi"});
    let ask = async |seed| {
        let found =
            host().await.inspect("hostile", &public, &bursar_kernel::plugin::Context { seed, ..context() }).await;
        found.expect("an answer").attributes["answer"].as_str().expect("a text").to_owned()
    };
    let first = ask([1; 32]).await;
    assert!(first.starts_with("0 0 [") && first.ends_with("] []"), "{first}");
    assert_eq!(ask([1; 32]).await, first);
    assert_ne!(ask([2; 32]).await, first);
}

#[tokio::test]
async fn nothing_survives_into_the_next_call() {
    let public = json!({"behaviour": "count-calls"});
    for _ in 0..3 {
        let found = host().await.inspect("hostile", &public, &context()).await.expect("an answer");
        assert_eq!(found.attributes["calls"], 1);
    }
}
