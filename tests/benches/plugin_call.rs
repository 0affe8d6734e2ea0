//! What the sandbox costs: one pure call into a shipped component, fresh
//! instance and all, against the same Rust function called natively; and one
//! call of the network plane over a wire that answers at once.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bursar_kernel::plugin::{Context, Exchange, ExchangeRecorder, NetworkCall, Plugins as _, Taints, TxtRecord};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_host::{
    NetworkConfig, PluginHost, PluginHostConfig, Reach, Transport, TransportError, WireAnswer, WireRequest,
};
use bursar_plugin_sdk::native;
use container_registry::ContainerRegistry;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

const TYPE: &str = "container-registry";
/// Sends one request for one record.
const PROVIDER: &str = "dns-webhook";
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
    let host = runtime.block_on(host(TYPE, NetworkConfig::default()));
    let context = Context { account: None, name: "ghcr".to_owned(), version: 1, seed: [0; 32], options: json!({}) };
    group.bench_function("sandbox", |b| {
        b.to_async(&runtime).iter(async || host.inspect(TYPE, black_box(&data), &context).await.expect("good data"));
    });

    let network = NetworkConfig { transport: Some(Arc::new(AtOnce)), ..NetworkConfig::default() };
    let host = runtime.block_on(self::host(PROVIDER, network));
    let data = SecretJson::new(json!({
        "endpoint": "https://hooks.example.com", "username": "octo", "password": "correct horse battery",
    }));
    let secret_pointers = ["/password".to_owned()];
    let taints = Taints::default();
    let call = NetworkCall {
        data: &data,
        secret_pointers: &secret_pointers,
        taints: &taints,
        context: &context,
        recorder: Arc::new(Deaf),
    };
    let record = TxtRecord {
        fqdn: "_acme-challenge.example.com".to_owned(),
        zone_hint: None,
        value: "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM".to_owned(),
        ttl_seconds: 60,
    };
    group.bench_function("network", |b| {
        b.to_async(&runtime).iter(async || host.dns_present(PROVIDER, &call, &record).await.expect("an answer"));
    });
    group.finish();
}

/// A wire without a network.
struct AtOnce;

#[async_trait]
impl Transport for AtOnce {
    async fn exchange(&self, _: WireRequest, _: &Reach) -> Result<WireAnswer, TransportError> {
        Ok(WireAnswer { status: 200, headers: Vec::new(), body: b"{}".to_vec().into() })
    }
}

/// Records nothing, so that no disk is measured.
struct Deaf;

#[async_trait]
impl ExchangeRecorder for Deaf {
    async fn record(&self, _: Exchange) -> Result<(), bursar_kernel::Error> {
        Ok(())
    }
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

async fn host(id: &'static str, network: NetworkConfig) -> PluginHost {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let file = root.join("target/plugins").join(id).with_extension("wasm");
    let component = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let built_ins = vec![(id, Cow::Owned(component))];
    let config = PluginHostConfig { built_ins, network, ..PluginHostConfig::ephemeral() };
    let (host, events) = PluginHost::load(config).await.expect("a plugin host");
    assert!(host.find(id).is_some(), "{events:?}");
    host
}

criterion_group!(benches, plugin_call);
criterion_main!(benches);
