//! Building the hostile guest, dressing it up, and hosting it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bursar_kernel::plugin::{Context, PluginStatus, Plugins as _, State};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_host::{PluginEvent, PluginHost, PluginHostConfig};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// What the tests look for wherever a secret must not be.
pub(crate) const SECRET: &str = "hunter2secret";

/// The hostile component as built.
pub(crate) fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| pack(core_module()))
}

/// The hostile guest before it is packed.
pub(crate) fn core_module() -> &'static Path {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| build("hostile"))
}

/// Builds a guest of `tests/guests`.
pub(crate) fn build(name: &str) -> PathBuf {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(name);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-guests");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .current_dir(guest)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the guest {name} builds");
    target.join("wasm32-unknown-unknown/release").join(name).with_extension("wasm")
}

/// Makes a component of a built guest.
pub(crate) fn pack(module: &Path) -> Vec<u8> {
    let module = std::fs::read(module).expect("the built guest");
    let encoder = wit_component::ComponentEncoder::default();
    encoder.validate(true).module(&module).expect("a module with its WIT").encode().expect("a component")
}

/// Overwrites the blob behind `marker`, which has room for `size` bytes.
pub(crate) fn overwrite(component: &mut [u8], marker: &str, size: usize, text: &str) {
    assert!(text.len() <= size - marker.len(), "{marker} has room");
    let at = find(component, marker.as_bytes()).expect("the blob is in the component") + marker.len();
    component[at..at + text.len()].copy_from_slice(text.as_bytes());
}

/// A hostile plugin that describes itself as told.
pub(crate) struct Guest {
    pub(crate) manifest: Value,
    pub(crate) schema: Value,
    pub(crate) template: Value,
    orders: Vec<(&'static str, &'static str)>,
    renames: Vec<(&'static str, &'static str)>,
}

impl Guest {
    pub(crate) fn new() -> Self {
        Self {
            manifest: json!({
                "id": "hostile", "title": "Hostile", "summary": "Misbehaves.", "category": "test", "version": "1.0.0",
                "formats": [{"id": "login"}, {"id": "other"}],
                "messages": {"weak": "Choose a longer password."},
                "derives": ["/publicKey", "/fingerprint"],
            }),
            schema: json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "behaviour": {"type": "string"},
                    "username": {"type": "string"},
                    "password": {"type": "string", "writeOnly": true},
                    "publicKey": {"type": "string"},
                    "fingerprint": {"type": "string"},
                    "note": {"type": "string"},
                },
            }),
            template: json!({"username": "", "password": "<password>"}),
            orders: Vec::new(),
            renames: Vec::new(),
        }
    }

    /// Lets `describe`, `schema` or `template` misbehave.
    pub(crate) fn order(mut self, marker: &'static str, order: &'static str) -> Self {
        self.orders.push((marker, order));
        self
    }

    /// Replaces a name all over the component by one of the same length.
    pub(crate) fn rename(mut self, from: &'static str, to: &'static str) -> Self {
        assert_eq!(from.len(), to.len());
        self.renames.push((from, to));
        self
    }

    pub(crate) fn version(mut self, version: &str) -> Self {
        self.manifest["version"] = json!(version);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = component().to_vec();
        let blobs = [
            ("@@MANIFEST@@", 16384, &self.manifest),
            ("@@A-SCHEMA@@", 16384, &self.schema),
            ("@@TEMPLATE@@", 4096, &self.template),
        ];
        for (marker, size, value) in blobs {
            let order = self.orders.iter().find(|(ordered, _)| *ordered == marker);
            let text = order.map_or_else(|| value.to_string(), |(_, order)| (*order).to_owned());
            overwrite(&mut bytes, marker, size, &text);
        }
        for (from, to) in &self.renames {
            let mut found = false;
            while let Some(at) = find(&bytes, from.as_bytes()) {
                bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
                found = true;
            }
            assert!(found, "{from} is in the component");
        }
        bytes
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A configuration without plugins, whose compiled code is shared by all tests.
pub(crate) fn config() -> PluginHostConfig {
    PluginHostConfig {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code")),
        cache_key: [7; 32],
        ..PluginHostConfig::ephemeral()
    }
}

pub(crate) async fn load(built_ins: Vec<Vec<u8>>) -> (PluginHost, Vec<PluginEvent>) {
    let built_ins = built_ins.into_iter().map(|bytes| ("test", Cow::Owned(bytes))).collect();
    PluginHost::load(PluginHostConfig { built_ins, ..config() }).await.expect("the host starts")
}

/// The reason for which a component is refused.
pub(crate) async fn rejection(bytes: Vec<u8>) -> String {
    let (host, events) = load(vec![bytes]).await;
    assert!(host.types().is_empty(), "nothing is active");
    let [PluginStatus { state: State::Rejected, reason: Some(reason), .. }] = &host.status()[..] else {
        panic!("one rejected plugin, not {:?}", host.status());
    };
    assert!(matches!(&events[..], [PluginEvent::Rejected { reason: told, .. }] if told == reason));
    reason.clone()
}

/// One host of the plain hostile guest for all tests that change nothing.
pub(crate) async fn host() -> &'static PluginHost {
    static HOST: OnceCell<PluginHost> = OnceCell::const_new();
    HOST.get_or_init(|| async {
        let (host, events) = load(vec![Guest::new().bytes()]).await;
        assert!(matches!(&events[..], [PluginEvent::Loaded { .. }]), "{events:?}");
        host
    })
    .await
}

/// Data that makes the guest behave so.
pub(crate) fn data(behaviour: &str) -> SecretJson {
    SecretJson::new(json!({"behaviour": behaviour, "username": "octo", "password": SECRET}))
}

pub(crate) fn context() -> Context {
    Context { account: None, name: "name".to_owned(), version: 1, seed: [9; 32], options: json!({}) }
}
