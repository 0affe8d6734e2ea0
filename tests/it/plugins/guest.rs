//! A component that says of itself what a test wants.

use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::server::workspace;

/// A type with a user name and a password.
pub(super) struct Guest {
    pub(super) manifest: Value,
    pub(super) schema: Value,
}

impl Guest {
    pub(super) const ID: &str = "live-login";

    pub(super) fn version(version: &str) -> Self {
        Self {
            manifest: json!({
                "id": Self::ID, "title": "Live login", "summary": "A login.", "category": "test", "version": version,
                "formats": [{ "id": "login" }],
            }),
            schema: json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "additionalProperties": false,
                "required": ["username", "password"],
                "properties": {
                    "username": { "type": "string", "title": "User name" },
                    "password": { "type": "string", "title": "Password", "writeOnly": true },
                },
            }),
        }
    }

    /// The same, asking to reach a host.
    pub(super) fn asking(version: &str, host: &str) -> Self {
        let mut guest = Self::version(version);
        guest.manifest["hosts"] = json!([{ "host": host, "reason": "It lives there." }]);
        guest
    }

    /// The component.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = component().to_vec();
        let template = json!({ "username": "", "password": "" });
        let blobs = [("@@MANIFEST@@", &self.manifest), ("@@A-SCHEMA@@", &self.schema), ("@@TEMPLATE@@", &template)];
        for (marker, value) in blobs {
            let (marker, text) = (marker.as_bytes(), value.to_string());
            let at = bytes.windows(marker.len()).position(|window| window == marker).expect("the blob is there");
            let from = at + marker.len();
            bytes[from..from + text.len()].copy_from_slice(text.as_bytes());
        }
        bytes
    }
}

fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let target = workspace().join("target/test-guests");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--target-dir"])
            .arg(&target)
            .current_dir(workspace().join("host/plugin-host/tests/guests/hostile"))
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status()
            .expect("cargo starts");
        assert!(status.success(), "the guest does not build; `rustup target add {TARGET}` may be missing");
        let module = std::fs::read(target.join(TARGET).join("release/hostile.wasm")).expect("cargo left the module");
        let encoder = wit_component::ComponentEncoder::default();
        encoder.validate(true).module(&module).expect("a module with its interface").encode().expect("a component")
    })
}

const TARGET: &str = "wasm32-unknown-unknown";
