//! What the sandbox costs: one pure call into a shipped component, fresh
//! instance and all, against the same Rust function called natively.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::hint::black_box;
use std::path::Path;

use bursar_domain::plugin::{Context, Plugins as _};
use bursar_plugin_host::{PluginHost, PluginHostConfig};
use bursar_plugin_sdk::native;
use container_registry::ContainerRegistry;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

const TYPE: &str = "container-registry";
/// As JSON text.
const DATA_BYTES: usize = 500;

fn plugin_call(c: &mut Criterion) {
    let data = data();
    let text = data.to_string();
    assert_eq!(text.len(), DATA_BYTES);
    let mut group = c.benchmark_group("plugin_call");

    let context =
        bursar_plugin_sdk::Context { name: "ghcr".to_owned(), version: 1, seed: vec![0; 32], options: "{}".to_owned() };
    group.bench_function("native", |b| {
        b.iter(|| native::inspect::<ContainerRegistry>(black_box(&text), &context).expect("good data"));
    });

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let host = runtime.block_on(host());
    let context = Context { name: "ghcr".to_owned(), version: 1, seed: [0; 32], options: json!({}) };
    group.bench_function("sandbox", |b| {
        b.to_async(&runtime).iter(async || host.inspect(TYPE, black_box(&data), &context).await.expect("good data"));
    });
    group.finish();
}

/// The public half of a registry login, of [`DATA_BYTES`]: a deep path and the
/// user name of a robot.
fn data() -> serde_json::Value {
    let data = |username: &str| {
        let server = format!("registry.example.com/{}", "group/".repeat(40));
        json!({ "server": server, "email": "robots@example.com", "username": username })
    };
    let rest = data("").to_string().len();
    data(&"u".repeat(DATA_BYTES - rest))
}

async fn host() -> PluginHost {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let file = root.join("target/plugins").join(TYPE).with_extension("wasm");
    let component = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let config = PluginHostConfig { built_ins: vec![(TYPE, Cow::Owned(component))], ..PluginHostConfig::ephemeral() };
    let (host, events) = PluginHost::load(config).await.expect("a plugin host");
    assert!(host.find(TYPE).is_some(), "{events:?}");
    host
}

criterion_group!(benches, plugin_call);
criterion_main!(benches);
