//! Runs a plugin's `tests/*.json` against the functions themselves, without a
//! sandbox.
//!
//! `plugins/README.md` describes the cases. `bursar plugin check` replays all
//! of them against the component, with a real host around it.

mod network;

use std::path::Path;

use bursar_plugin_cases::{Call, Case, Labelled, load};

use crate::json::{self, Map, Value, json};
use crate::{Context, CredentialType, Dns01, Error, Files, Generator, Prober, Progress, Report, TxtRecord, native};

/// Runs every case of the plugin in `folder` and reports all failures.
///
/// # Panics
///
/// If a case fails or there is none.
pub fn replay<T: CredentialType + Files>(folder: &Path) {
    run::<T>(folder, &|_| None);
}

/// The same for a type that also implements [`Generator`].
///
/// # Panics
///
/// If a case fails or there is none.
pub fn replay_generating<T: CredentialType + Files + Generator>(folder: &Path) {
    run::<T>(folder, &|case| {
        (case.call == Call::Generate).then(|| {
            let entropy = unhex(case.entropy.as_deref().unwrap_or_default());
            parsed(&native::generate::<T>(&case.data.to_string(), &entropy, &context(case))?)
        })
    });
}

/// The same for a type that also implements [`Prober`], with the exchanges of a
/// case as its network.
///
/// # Panics
///
/// If a case fails or there is none.
pub fn replay_probing<T: CredentialType + Files + Prober>(folder: &Path) {
    run::<T>(folder, &|case| {
        let probed = || report(&native::probe::<T>(&config(T::SCHEMA, &case.data), &context(case))?);
        (case.call == Call::Probe).then(probed)
    });
}

/// The same for a type that also implements [`Dns01`], with the exchanges of a
/// case as its network.
///
/// # Panics
///
/// If a case fails or there is none.
pub fn replay_dns01<T: CredentialType + Files + Dns01>(folder: &Path) {
    run::<T>(folder, &|case| case.call.is_network().then(|| dns01::<T>(case)));
}

/// The plugin's calls beyond those of [`CredentialType`].
type More<'a> = &'a dyn Fn(&Case) -> Option<Result<Value, Error>>;

fn run<T: CredentialType + Files>(folder: &Path, more: More<'_>) {
    let cases = load(&folder.join("tests")).unwrap_or_else(|error| panic!("{error}"));
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let (mut left, mut failures) = (0, Vec::new());
    for Labelled { label, case } in &cases {
        let judged = outcome::<T>(case, more).and_then(|outcome| {
            let Some(outcome) = outcome else {
                left += 1;
                return Ok(());
            };
            case.judge(&outcome)?;
            codes_are_declared(T::MANIFEST, case.call, &outcome)
        });
        if let Err(why) = judged {
            failures.push(format!("{label}: {why}"));
        }
    }
    println!("{} cases replayed, {left} need `bursar plugin check`", cases.len() - left);
    assert!(failures.is_empty(), "{} of {} cases failed:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// `None` for a case that needs a real host.
fn outcome<T: CredentialType + Files>(case: &Case, more: More<'_>) -> Result<Option<Value>, String> {
    match case.call {
        Call::Form => Ok(Some(form(T::SCHEMA, &case.data))),
        call if call.is_network() => network::played(case, || more(case).map(outcome_of)),
        _ => Ok(Some(outcome_of(more(case).unwrap_or_else(|| call::<T>(case))))),
    }
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

fn dns01<T: Dns01 + Files>(case: &Case) -> Result<Value, Error> {
    let (config, context) = (config(T::SCHEMA, &case.data), context(case));
    let handle = case.handle.as_deref().unwrap_or_default();
    match case.call {
        Call::DnsCheck => report(&native::dns_check::<T>(&config, case.fqdn.as_deref(), &context)?),
        Call::Present => Ok(json!({ "handle": native::present::<T>(&config, &txt(case)?, &context)? })),
        Call::Poll => Ok(match native::poll::<T>(&config, handle, &context)? {
            Progress::Done => json!({ "progress": "done" }),
            Progress::Pending(seconds) => json!({ "pendingSeconds": seconds }),
        }),
        Call::Cleanup => native::cleanup::<T>(&config, &txt(case)?, handle, &context).map(|()| json!({})),
        _ => Err(Error::Unsupported("not a call of a DNS provider".into())),
    }
}

fn report(report: &Report) -> Result<Value, Error> {
    Ok(json!({ "summary": report.summary, "details": parsed(&report.details)? }))
}

fn txt(case: &Case) -> Result<TxtRecord, Error> {
    let txt = case.txt.clone().ok_or_else(|| Error::Internal("the case has no `txt`".into()))?;
    Ok(TxtRecord { fqdn: txt.fqdn, zone_hint: txt.zone_hint, value: txt.value, ttl_seconds: txt.ttl_seconds })
}

/// The data as a call of the network plane sees it: without its secrets.
fn config(schema: &str, data: &Value) -> String {
    let evaluation = validator(schema).evaluate(data);
    assert!(evaluation.flag().valid, "a case's data does not fit the schema: {data}");
    let mut config = data.clone();
    for entry in evaluation.iter_annotations() {
        let pointer = entry.instance_location.as_str();
        if entry.annotations.value().get("writeOnly") == Some(&Value::Bool(true))
            && let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(Value::Object(parent)) = config.pointer_mut(parent)
        {
            parent.remove(name);
        }
    }
    config.to_string()
}

fn context(case: &Case) -> Context {
    let given = case.context();
    let options = Value::Object(given.options.clone()).to_string();
    Context { seed: given.seed().to_vec(), name: given.name, version: given.version, options }
}

fn outcome_of(answer: Result<Value, Error>) -> Value {
    let (kind, message) = match answer {
        Ok(answer) => return json!({ "ok": answer }),
        Err(Error::Invalid(violations)) => {
            let violations: Vec<_> = violations
                .iter()
                .map(|it| json!({ "pointer": it.pointer, "code": it.code, "message": it.message }))
                .collect();
            return json!({ "error": { "kind": "invalid", "violations": violations } });
        }
        Err(Error::Throttled(seconds)) => return json!({ "error": { "kind": "throttled", "seconds": seconds } }),
        Err(Error::Denied(message)) => ("denied", message),
        Err(Error::NotFound(message)) => ("not-found", message),
        Err(Error::Unavailable(message)) => ("unavailable", message),
        Err(Error::Unsupported(message)) => ("unsupported", message),
        Err(Error::Internal(message)) => ("internal", message),
    };
    json!({ "error": { "kind": kind, "message": message } })
}

/// The violations that the host's form check reports. Their code is the failing
/// keyword, except `required` at a missing field and `unknown` at an unexpected
/// one.
fn form(schema: &str, data: &Value) -> Value {
    use jsonschema::error::ValidationErrorKind::{AdditionalProperties, FalseSchema, Required};
    let mut violations = Vec::new();
    for error in validator(schema).iter_errors(data) {
        let at = error.instance_path().to_string();
        let mut add = |pointer: String, code: &str| violations.push(json!({ "pointer": pointer, "code": code }));
        match error.kind() {
            Required { property } => add(format!("{at}/{}", property.as_str().unwrap_or_default()), "required"),
            AdditionalProperties { unexpected } => {
                for name in unexpected {
                    add(format!("{at}/{name}"), "unknown");
                }
            }
            FalseSchema => add(at, "unknown"),
            kind => add(at, kind.keyword()),
        }
    }
    if violations.is_empty() {
        return json!({ "ok": {} });
    }
    json!({ "error": { "kind": "invalid", "violations": violations } })
}

fn validator(schema: &str) -> jsonschema::Validator {
    let schema: Value = json::from_str(schema).unwrap_or_else(|error| panic!("schema.json: {error}"));
    jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("schema.json: {error}"))
}

/// The host accepts declared codes only; any other reaches people as `invalid`.
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
