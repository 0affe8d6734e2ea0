//! Credentials that are as they should be, to start from.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::pki::{Pair, Workshop};

/// A registry on GitHub.
pub(crate) fn registry(name: &str) -> Value {
    registry_with(name, json!({ "server": "ghcr.io", "username": "octo", "password": "s3cret-token" }))
}

/// A registry with this data.
pub(crate) fn registry_with(name: &str, data: Value) -> Value {
    credential("container-registry", name, data)
}

/// A user of HTTP Basic authentication.
pub(crate) fn basic(name: &str) -> Value {
    credential("basic-auth", name, json!({ "username": "staging", "password": "correct horse" }))
}

/// A certificate for `www.example.com`; one pair for the whole process.
pub(crate) fn tls(name: &str) -> Value {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    let pair = PAIR.get_or_init(|| Workshop::new().leaf("www.example.com"));
    tls_with(name, pair)
}

/// This certificate.
pub(crate) fn tls_with(name: &str, pair: &Pair) -> Value {
    credential("tls-certificate", name, json!({ "certificate": pair.certificate, "privateKey": pair.key }))
}

/// A credential of any type.
#[expect(clippy::needless_pass_by_value, reason = "callers hand in literals")]
pub(crate) fn credential(type_id: &str, name: &str, data: Value) -> Value {
    json!({ "type": type_id, "name": name, "data": data })
}

/// The content of one artifact of a materialization.
#[track_caller]
pub(crate) fn artifact<'a>(materialized: &'a Value, name: &str) -> &'a str {
    let artifacts = materialized["artifacts"].as_array().expect("artifacts");
    let found = artifacts.iter().find(|artifact| artifact["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no artifact {name} in {materialized}"));
    assert_eq!(found["encoding"], "utf-8");
    found["content"].as_str().expect("text")
}
