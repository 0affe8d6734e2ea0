//! Runs a plugin's `tests/*.json` against the functions themselves, without a
//! sandbox.
//!
//! `plugins/README.md` describes the cases. Those that use the network need a
//! host that fills in secrets: `bursar plugin check` replays them, and the
//! others once more, against the component.

use std::path::Path;

use bursar_plugin_cases::{Call, Case, Labelled, load};

use crate::json::{self, Map, Value, json};
use crate::{Context, CredentialType, Error, Files, Generator, native};

/// Runs every case of the plugin in `folder` and tells all that fail.
///
/// # Panics
///
/// When a case fails or there is none.
pub fn replay<T: CredentialType + Files>(folder: &Path) {
    run::<T>(folder, &|_| Err(Error::Unsupported("replayed without a generator".into())));
}

/// The same for a type that also implements [`Generator`].
///
/// # Panics
///
/// When a case fails or there is none.
pub fn replay_generating<T: CredentialType + Files + Generator>(folder: &Path) {
    run::<T>(folder, &|case| {
        let entropy = unhex(case.entropy.as_deref().unwrap_or_default());
        parsed(&native::generate::<T>(&case.data.to_string(), &entropy, &context(case))?)
    });
}

fn run<T: CredentialType + Files>(folder: &Path, generate: &dyn Fn(&Case) -> Result<Value, Error>) {
    let cases = load(&folder.join("tests")).unwrap_or_else(|error| panic!("{error}"));
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let (of_network, cases): (Vec<_>, Vec<_>) = cases.into_iter().partition(|it| it.case.call.is_network());
    if !of_network.is_empty() {
        println!("{} cases use the network and are left to `bursar plugin check`", of_network.len());
    }
    let mut failures = Vec::new();
    for Labelled { label, case } in &cases {
        let outcome = match case.call {
            Call::Form => form(T::SCHEMA, &case.data),
            Call::Generate => told(generate(case)),
            _ => told(call::<T>(case)),
        };
        if let Err(why) = case.judge(&outcome).and_then(|()| codes_are_declared(T::MANIFEST, case.call, &outcome)) {
            failures.push(format!("{label}: {why}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases failed:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn call<T: CredentialType + Files>(case: &Case) -> Result<Value, Error> {
    let (data, context) = (case.data.to_string(), context(case));
    match case.call {
        Call::Template => parsed(&native::template::<T>(case.variant.as_deref())?),
        Call::Inspect => {
            let found = native::inspect::<T>(&data, &context)?;
            let selectors: Vec<_> =
                found.selectors.iter().map(|it| json!({ "kind": it.kind, "value": it.value })).collect();
            Ok(json!({
                "data": parsed(&found.data)?, "attributes": parsed(&found.attributes)?, "selectors": selectors,
                "order": found.order.as_deref().map(parsed).transpose()?,
                "notBefore": found.not_before, "notAfter": found.not_after,
            }))
        }
        Call::Check => {
            let rewrites = native::check::<T>(&data, &context)?;
            let rewrites: Result<Vec<_>, Error> =
                rewrites.iter().map(|it| Ok(json!({ "pointer": it.pointer, "value": parsed(&it.value)? }))).collect();
            Ok(Value::Array(rewrites?))
        }
        Call::Materialize => {
            let format = case.format.as_deref().unwrap_or_default();
            let artifacts = native::materialize::<T>(&data, None, format, &context)?;
            let artifacts: Map<_, _> = artifacts
                .into_iter()
                .map(|it| {
                    let text = String::from_utf8_lossy(&it.content);
                    (it.name, json!({ "text": text, "mediaType": it.media_type, "sensitive": it.sensitive }))
                })
                .collect();
            Ok(json!({ "artifacts": artifacts }))
        }
        _ => Err(Error::Internal("not a call of the type".into())),
    }
}

fn context(case: &Case) -> Context {
    let told = case.context();
    let options = Value::Object(told.options.clone()).to_string();
    Context { seed: told.seed().to_vec(), name: told.name, version: told.version, options }
}

fn told(answer: Result<Value, Error>) -> Value {
    let kind = match answer {
        Ok(answer) => return json!({ "ok": answer }),
        Err(Error::Invalid(violations)) => {
            let violations: Vec<_> = violations
                .iter()
                .map(|it| json!({ "pointer": it.pointer, "code": it.code, "message": it.message }))
                .collect();
            return json!({ "error": { "kind": "invalid", "violations": violations } });
        }
        Err(Error::Denied(_)) => "denied",
        Err(Error::NotFound(_)) => "not-found",
        Err(Error::Throttled(_)) => "throttled",
        Err(Error::Unavailable(_)) => "unavailable",
        Err(Error::Unsupported(_)) => "unsupported",
        Err(Error::Internal(_)) => "internal",
    };
    json!({ "error": { "kind": kind } })
}

/// What the host's form check would tell, with its words for the codes: the
/// failing keyword, but `required` at the missing field and `unknown` at the
/// one too many.
fn form(schema: &str, data: &Value) -> Value {
    use jsonschema::error::ValidationErrorKind::{AdditionalProperties, Required};
    let schema: Value = json::from_str(schema).unwrap_or_else(|error| panic!("schema.json: {error}"));
    let validator = jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("schema.json: {error}"));
    let mut violations = Vec::new();
    for error in validator.iter_errors(data) {
        let at = error.instance_path().to_string();
        let mut tell = |pointer: String, code: &str| violations.push(json!({ "pointer": pointer, "code": code }));
        match error.kind() {
            Required { property } => tell(format!("{at}/{}", property.as_str().unwrap_or_default()), "required"),
            AdditionalProperties { unexpected } => {
                for name in unexpected {
                    tell(format!("{at}/{name}"), "unknown");
                }
            }
            kind => tell(at, kind.keyword()),
        }
    }
    if violations.is_empty() {
        return json!({ "ok": {} });
    }
    json!({ "error": { "kind": "invalid", "violations": violations } })
}

/// A host reads only these codes; another would reach people as `invalid`.
fn codes_are_declared(manifest: &str, call: Call, outcome: &Value) -> Result<(), String> {
    let manifest = parsed(manifest).map_err(|_| "manifest.json is not JSON")?;
    let violations = outcome["error"]["violations"].as_array().cloned().unwrap_or_default();
    let undeclared = violations.iter().filter_map(|it| it["code"].as_str()).find(|code| {
        call != Call::Form
            && !["required", "format", "invalid"].contains(code)
            && manifest["messages"].get(code).is_none()
    });
    undeclared.map_or(Ok(()), |code| Err(format!("manifest.json has no message for `{code}`")))
}

fn parsed(text: &str) -> Result<Value, Error> {
    json::from_str(text).map_err(|_| Error::Internal("an answer is not JSON".into()))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
