//! Replays `tests/*.json` without a sandbox, and asks others about the hash.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that the lint exempts")]

use basic_auth::BasicAuth;
use bursar_plugin_sdk::{Context, cases, native};

#[test]
fn every_case() {
    cases::replay::<BasicAuth>(env!("CARGO_MANIFEST_DIR").as_ref());
}

#[test]
fn the_bcrypt_crate_verifies_it() {
    for password in ["s3cret", "ü", &"p".repeat(71), &"p".repeat(72)] {
        let line = htpasswd(password, 7);
        let hash = line.strip_prefix("ann:").and_then(|line| line.strip_suffix('\n')).unwrap();
        assert_eq!(hash.len(), 60);
        assert!(bcrypt::verify(password, hash).unwrap());
        assert!(!bcrypt::verify("another", hash).unwrap());
    }
}

#[test]
fn the_salt_follows_the_seed() {
    assert_eq!(htpasswd("s3cret", 7), htpasswd("s3cret", 7));
    assert_ne!(htpasswd("s3cret", 7), htpasswd("s3cret", 8));
}

fn htpasswd(password: &str, seed: u8) -> String {
    let data = bursar_plugin_sdk::json::json!({ "username": "ann", "password": password }).to_string();
    let context = Context { name: "web".into(), version: 1, seed: vec![seed; 32], options: "{}".into() };
    let artifacts = native::materialize::<BasicAuth>(&data, None, "nginx/htpasswd", &context).unwrap();
    String::from_utf8(artifacts[0].content.clone()).unwrap()
}
