//! Files that are no plugins, or lie about what they are: cut off, altered,
//! made up by wasm-smith, too large. Each is refused with a reason and a record,
//! and the broker goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use serde_json::Value;
use wasm_smith::{Component, Config, Module};

use super::guest::{Guest, component};
use crate::support::Server;
use crate::support::server::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_files_are_refused_one_by_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::builder().plugins(folder.path()).start().await;
    let operator = server.operator();
    let files = corpus();
    for (name, bytes) in &files {
        let partial = folder.path().join(format!(".{name}.partial"));
        std::fs::write(&partial, bytes).expect("a file");
        std::fs::rename(&partial, folder.path().join(format!("{name}.wasm"))).expect("a file in its place");
    }
    let all_told = eventually(Duration::from_mins(3), async || {
        let told = operator.all("/v1/plugins?limit=500").await;
        files
            .keys()
            .all(|name| told.iter().any(|plugin| plugin["id"] == name.as_str() && plugin["state"] == "rejected"))
    });
    let all_told = all_told.await;
    let told = operator.all("/v1/plugins?limit=500").await;
    let untold: Vec<_> = files.keys().filter(|name| !told.iter().any(|of| of["id"] == name.as_str())).collect();
    assert!(all_told, "not refused: {untold:?}");
    for plugin in told.iter().filter(|of| files.contains_key(of["id"].as_str().unwrap_or_default())) {
        assert!(plugin["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{plugin}");
    }
    // Everything that was there before still is.
    let kinds = operator.all("/v1/credential-types?limit=500").await;
    assert!(kinds.iter().any(|kind| kind["id"] == "basic-auth"));
    assert!(server.is_running());
    let mut audit = Vec::new();
    let all_recorded = eventually(Duration::from_mins(1), async || {
        audit = operator.all("/v1/audit?action=plugin.reject&limit=500").await;
        files.keys().all(|name| audit.iter().any(|entry| entry["detail"]["id"] == name.as_str()))
    });
    assert!(all_recorded.await, "only these refusals are on the record: {audit:?}");
    assert!(audit.iter().all(|entry: &Value| entry["outcome"] != "ok"));
}

/// What to drop, by file stem. The seed is fixed, so that a failure comes back.
fn corpus() -> BTreeMap<String, Vec<u8>> {
    let mut chance = StdRng::seed_from_u64(20_261_125);
    let good = component(Guest::Marked);
    let mut files = BTreeMap::new();
    files.insert("empty".to_owned(), Vec::new());
    files.insert("text".to_owned(), b"not a component".to_vec());
    files.insert("header-alone".to_owned(), good[..8].to_vec());
    for n in 0..12 {
        files.insert(format!("truncated-{n:02}"), good[..chance.random_range(9..good.len())].to_vec());
    }
    for n in 0..12 {
        // A flipped bit in a name or a constant leaves a valid component.
        let mut altered = good.clone();
        while wasmparser::validate(&altered).is_ok() {
            let place = chance.random_range(8..altered.len());
            altered[place] ^= 1 << chance.random_range(0..8);
        }
        files.insert(format!("altered-{n:02}"), altered);
    }
    for n in 0..12 {
        let module = Module::new(Config::default(), &mut seed(&mut chance)).expect("a module");
        files.insert(format!("smith-module-{n:02}"), module.to_bytes());
        let component = Component::new(Config::default(), &mut seed(&mut chance)).expect("a component");
        files.insert(format!("smith-component-{n:02}"), component.to_bytes());
    }
    let mut padded = good;
    padded.resize(33 << 20, 0);
    files.insert("too-large".to_owned(), padded);
    files
}

fn seed(chance: &mut StdRng) -> arbitrary::Unstructured<'static> {
    let mut bytes = vec![0; 4096];
    chance.fill_bytes(&mut bytes);
    arbitrary::Unstructured::new(bytes.leak())
}
