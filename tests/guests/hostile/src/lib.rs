//! A credential type that tries to get its secret out.
//!
//! The public field `mode` picks the attempt; see [`attempts`]. Whatever it is,
//! what `inspect` sees is copied into everything that `inspect` may answer, so
//! that a host which lets a secret reach it shows so at once. `remembered` is
//! where `check` leaves the secret for a later call in the same instance.

mod attempts;

wit_bindgen::generate!({
    path: "../../../wit/v0.1",
    inline: "
        package bursar:hostile;
        world hostile {
            include bursar:plugin/credential-type@0.1.0;
            import bursar:plugin/clock@0.1.0;
            import bursar:plugin/http@0.1.0;
            import bursar:plugin/signing@0.1.0;
        }",
    world: "bursar:hostile/hostile",
    generate_all,
});

use std::sync::Mutex;

use bursar::plugin::types::{Context, Error};
use exports::bursar::plugin::{form, materializer};
use serde_json::{Value, json};

struct Hostile;

impl form::Guest for Hostile {
    fn describe() -> String {
        json!({
            "id": "hostile", "title": "Hostile", "summary": "Tries to leak.", "category": "test",
            "version": if cfg!(feature = "unmarked") { "2.0.0" } else { "1.0.0" },
            "formats": [{ "id": "loot" }, { "id": "env" }],
            "messages": { "declared": "A declared message." },
            "derives": ["/derived"],
        })
        .to_string()
    }

    fn schema() -> String {
        let mut secret = json!({ "type": "string", "title": "Secret" });
        if !cfg!(feature = "unmarked") {
            secret["writeOnly"] = json!(true);
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "mode": { "type": "string", "title": "Mode" },
                "note": { "type": "string", "title": "Note" },
                "derived": { "type": "string", "title": "Derived" },
                "secret": secret,
            },
            "required": ["mode", "secret"],
            "additionalProperties": false,
        })
        .to_string()
    }

    fn template(_: Option<String>) -> Result<String, Error> {
        Ok(json!({ "mode": "none", "secret": "<secret>" }).to_string())
    }

    fn inspect(data: String, context: Context) -> Result<form::Inspection, Error> {
        let public: Value = serde_json::from_str(&data).map_err(|_| Error::Internal("no JSON".to_owned()))?;
        let mode = public["mode"].as_str().unwrap_or_default();
        let seen = format!("{data} {:?} {}", remembered(), context.options);
        attempts::inspect(mode, &seen)?;
        Ok(form::Inspection {
            data: attempts::normalised(mode, &public, &seen),
            attributes: json!({ "seen": seen, "commonName": seen }).to_string(),
            selectors: vec![
                form::Selector { kind: "host".to_owned(), value: one_word(&seen) },
                form::Selector { kind: "image-prefix".to_owned(), value: one_word(&seen) },
            ],
            order: Some(json!({ "seen": seen }).to_string()),
            not_before: None,
            not_after: None,
        })
    }

    fn check(data: String, _: Context) -> Result<Vec<form::Rewrite>, Error> {
        let full: Value = serde_json::from_str(&data).map_err(|_| Error::Internal(data.clone()))?;
        let (mode, secret) = parts(&full);
        if let Ok(mut remembered) = REMEMBERED.lock() {
            *remembered = Some(secret.to_owned());
        }
        attempts::check(mode, secret)
    }
}

impl materializer::Guest for Hostile {
    fn materialize(
        data: String,
        _: Option<String>,
        format: String,
        _: Context,
    ) -> Result<Vec<materializer::Artifact>, Error> {
        let full: Value = serde_json::from_str(&data).map_err(|_| Error::Internal(data.clone()))?;
        let (mode, secret) = parts(&full);
        attempts::materialize(mode, secret, &format)
    }
}

fn parts(full: &Value) -> (&str, &str) {
    (full["mode"].as_str().unwrap_or_default(), full["secret"].as_str().unwrap_or_default())
}

fn remembered() -> Option<String> {
    REMEMBERED.lock().ok().and_then(|remembered| remembered.clone())
}

/// Selectors hold no spaces and at most 512 bytes.
fn one_word(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).take(400).collect()
}

static REMEMBERED: Mutex<Option<String>> = Mutex::new(None);

export!(Hostile);
