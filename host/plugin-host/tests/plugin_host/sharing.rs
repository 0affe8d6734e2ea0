//! Many calls at once.

use std::borrow::Cow;
use std::sync::Arc;

use bursar_kernel::plugin::{PluginError, Plugins as _};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_host::{Limits, PluginHost, PluginHostConfig};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Guest, config, context, data, host};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_calls_keep_apart() {
    let mut calls = JoinSet::new();
    for n in 0..400 {
        calls.spawn(async move {
            let secret = format!("secret-{n}");
            let data = SecretJson::new(json!({"password": secret}));
            let artifacts = host().await.materialize("hostile", &data, "login", &context()).await.expect("artifacts");
            assert_eq!(artifacts[0].content.as_slice(), secret.as_bytes());
        });
    }
    assert_eq!(calls.join_all().await.len(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_beyond_the_limit_wait_their_turn() {
    let limits = Limits { concurrent_calls: 2, concurrent_calls_per_plugin: 1, ..Limits::default() };
    let built_ins = vec![("hostile", Cow::Owned(Guest::new().bytes()))];
    let (host, _) = PluginHost::load(PluginHostConfig { built_ins, limits, ..config() }).await.unwrap();
    let host = Arc::new(host);
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let host = Arc::clone(&host);
        calls.spawn(async move { host.materialize("hostile", &data(""), "login", &context()).await.is_ok() });
    }
    assert!(calls.join_all().await.into_iter().all(|ok| ok));
}

#[tokio::test]
async fn a_loop_lets_others_through_on_one_thread() {
    let host = host().await;
    let (looping, others) = tokio::join!(
        async { host.materialize("hostile", &data("loop"), "login", &context()).await.map(|_| "looped") },
        async {
            for _ in 0..20 {
                host.materialize("hostile", &data(""), "login", &context()).await.expect("served meanwhile");
            }
            "served"
        },
    );
    assert_eq!(looping.err(), Some(PluginError::Failed("ran out of its time budget".to_owned())));
    assert_eq!(others, "served");
}

#[tokio::test]
async fn a_call_given_up_frees_its_place() {
    let limits = Limits { concurrent_calls: 1, ..Limits::default() };
    let built_ins = vec![("hostile", Cow::Owned(Guest::new().bytes()))];
    let (host, _) = PluginHost::load(PluginHostConfig { built_ins, limits, ..config() }).await.unwrap();
    for _ in 0..3 {
        let (looping, context) = (data("loop"), context());
        let call = host.materialize("hostile", &looping, "login", &context);
        tokio::select! {
            biased;
            outcome = call => panic!("given up before it ends, not {:?}", outcome.err()),
            () = tokio::task::yield_now() => {}
        }
    }
    host.materialize("hostile", &data(""), "login", &context()).await.expect("a place is free");
}
