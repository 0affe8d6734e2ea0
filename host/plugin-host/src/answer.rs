//! Checks what a sandbox answered before anyone relies on it.
//!
//! Calls that saw no secret (`inspect`, `template`) may show the plugin's own
//! words, cleaned. Of calls that did (`check`, `materialize`) only codes that the
//! manifest declared beforehand and places that exist get through, as a sorted
//! set: neither wording nor order can carry a secret. Words of a network call
//! (`network::answer`) are shown with the secrets scrubbed that it never saw.

use std::collections::BTreeSet;

use bursar_kernel::Violation;
use bursar_kernel::plugin::{Artifact, Derived, Inspection, Manifest, PluginError, Progress, Rewrite, Selector};
use bursar_kernel::secret::SecretJson;
use bursar_schema::pointer::{self, is_within};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::form::Form;
use crate::names::{is_artifact_name, is_id, is_media_type, is_selector_kind};
use crate::text::{MAX_JSON_BYTES, is_unprintable, parse_json, sentence};

/// A refusal as the plugin worded it.
pub(crate) enum Refusal {
    Invalid(Vec<RawViolation>),
    Denied(String),
    NotFound(String),
    Throttled(Option<u32>),
    Unavailable(String),
    Unsupported(String),
    Internal(String),
}

impl Refusal {
    /// The plugin's own words in it.
    pub(crate) fn words(&self) -> Vec<String> {
        match self {
            Self::Invalid(raw) => {
                raw.iter().map(|it| format!("{} at {}: {}", it.code, it.pointer, it.message)).collect()
            }
            Self::Unsupported(text)
            | Self::Denied(text)
            | Self::NotFound(text)
            | Self::Unavailable(text)
            | Self::Internal(text) => {
                vec![text.clone()]
            }
            Self::Throttled(_) => Vec::new(),
        }
    }
}

/// A violation as the plugin worded it.
pub(crate) struct RawViolation {
    pub(crate) pointer: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// An inspection as the plugin worded it.
pub(crate) struct RawInspection {
    pub(crate) data: String,
    pub(crate) attributes: String,
    pub(crate) selectors: Vec<(String, String)>,
    pub(crate) order: Option<String>,
    pub(crate) not_before: Option<i64>,
    pub(crate) not_after: Option<i64>,
}

/// A rewrite as the plugin worded it.
pub(crate) struct RawRewrite {
    pub(crate) pointer: String,
    pub(crate) value: Zeroizing<String>,
}

/// What a call of the network plane answered, as the plugin worded it.
pub(crate) enum RawNetworkAnswer {
    Report { summary: String, details: String },
    Handle(String),
    Progress(Progress),
    Done,
}

/// An artifact as the plugin made it.
pub(crate) struct RawArtifact {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) content: Zeroizing<Vec<u8>>,
    pub(crate) sensitive: bool,
}

/// Checks an inspection. It may not fill a secret field: `inspect` saw no secrets
/// and could only plant one.
///
/// # Errors
///
/// [`PluginError::Failed`] naming the rule.
pub(crate) fn inspection(raw: RawInspection, public: &Value, form: &Form) -> Result<Inspection, PluginError> {
    let data = object(&raw.data)?;
    // What was public in the input may be public in the output, whichever branch of
    // the schema marks it.
    if form.secret_pointers(&data)?.iter().any(|secret| public.pointer(secret).is_none()) {
        return Err(broke("inspect answered a value for a secret field"));
    }
    let attributes = object(&raw.attributes)?;
    if raw.selectors.len() > MAX_SELECTORS {
        return Err(broke("inspect answered more than 256 selectors"));
    }
    let selectors = raw.selectors.into_iter().map(selector).collect::<Result<BTreeSet<_>, _>>()?;
    let order = match raw.order {
        Some(order) => Some(object(&order)?),
        None => None,
    };
    Ok(Inspection {
        data,
        attributes,
        selectors: selectors.into_iter().collect(),
        order,
        not_before: raw.not_before,
        not_after: raw.not_after,
    })
}

/// Checks rewrites: only `allowed` pointers, each at most once. A secret of
/// `data` keeps its kind of value and stays set: a call that sees no secrets
/// could otherwise tell the difference.
///
/// # Errors
///
/// [`PluginError::Failed`] naming the rule.
pub(crate) fn rewrites(
    raw: Vec<RawRewrite>,
    allowed: &[&str],
    data: &Value,
    secret_pointers: &[String],
) -> Result<Vec<Rewrite>, PluginError> {
    let mut seen = BTreeSet::new();
    let mut rewrites = Vec::with_capacity(raw.len().min(allowed.len()));
    for rewrite in raw {
        if !allowed.contains(&rewrite.pointer.as_str()) {
            return Err(broke("check rewrote a field that is neither secret nor granted"));
        }
        if !seen.insert(rewrite.pointer.clone()) {
            return Err(broke("check rewrote a field twice"));
        }
        let value = SecretJson::new(parse_json(&rewrite.value, MAX_JSON_BYTES).map_err(broke)?);
        let kind = |value: &Value| std::mem::discriminant(value);
        if secret_pointers.contains(&rewrite.pointer)
            && data.pointer(&rewrite.pointer).map(kind) != Some(kind(value.expose()))
        {
            return Err(broke("check made another kind of value of a secret: a text stays a text"));
        }
        rewrites.push(Rewrite { pointer: rewrite.pointer, value });
    }
    Ok(rewrites)
}

/// Replaces what `check` answered for declared copies by the copies themselves:
/// the choice of which to fill could carry a message. Only those among `granted`
/// are filled.
pub(crate) fn with_copies(
    mut rewrites: Vec<Rewrite>,
    data: &SecretJson,
    derives: &[Derived],
    granted: &[String],
) -> Vec<Rewrite> {
    for derived in derives {
        let Derived::Copied(copied) = derived else { continue };
        rewrites.retain(|rewrite| rewrite.pointer != copied.field);
        if !granted.contains(&copied.field) {
            continue;
        }
        let rewritten = rewrites.iter().find(|rewrite| rewrite.pointer == copied.secret);
        let secret = rewritten.map(|rewrite| rewrite.value.expose()).or_else(|| data.expose().pointer(&copied.secret));
        if let Some(text) = secret.and_then(|secret| copied.text(secret)) {
            let value = SecretJson::new(Value::String(text));
            rewrites.push(Rewrite { pointer: copied.field.clone(), value });
        }
    }
    rewrites
}

/// Checks artifacts, whose names become file names.
///
/// # Errors
///
/// [`PluginError::Failed`] naming the rule.
pub(crate) fn artifacts(raw: Vec<RawArtifact>) -> Result<Vec<Artifact>, PluginError> {
    if raw.len() > MAX_ARTIFACTS {
        return Err(broke("materialize answered more than 64 artifacts"));
    }
    if raw.iter().map(|artifact| artifact.content.len()).sum::<usize>() > MAX_ARTIFACT_BYTES {
        return Err(broke("materialize answered more than 1 MiB"));
    }
    let mut names = BTreeSet::new();
    let mut artifacts = Vec::with_capacity(raw.len());
    for artifact in raw {
        if !is_artifact_name(&artifact.name) {
            return Err(broke("an artifact has a name that is not allowed"));
        }
        if !is_media_type(&artifact.media_type) {
            return Err(broke("an artifact has a media type that is not allowed"));
        }
        if !names.insert(artifact.name.clone()) {
            return Err(broke("two artifacts have the same name"));
        }
        artifacts.push(Artifact {
            name: artifact.name,
            media_type: artifact.media_type,
            content: artifact.content,
            sensitive: artifact.sensitive,
        });
    }
    Ok(artifacts)
}

/// The refusal of a call that saw no secret: its words are kept, cleaned.
pub(crate) fn open_refusal(refusal: Refusal, data: &Value, form: &Form) -> PluginError {
    match refusal {
        Refusal::Invalid(raw) => invalid(raw.into_iter().take(MAX_VIOLATIONS).map(|violation| Violation {
            pointer: place(violation.pointer, data, form, &[]),
            code: if is_id(&violation.code) { violation.code } else { INVALID.to_owned() },
            message: match sentence(&violation.message) {
                message if message.is_empty() => GENERIC.to_owned(),
                message => message,
            },
        })),
        Refusal::Denied(text) => PluginError::Denied(sentence(&text)),
        Refusal::NotFound(text) => PluginError::NotFound(sentence(&text)),
        Refusal::Unavailable(text) => PluginError::Unavailable(sentence(&text)),
        Refusal::Throttled(seconds) => PluginError::Throttled(seconds),
        Refusal::Unsupported(text) => PluginError::Unsupported(match sentence(&text) {
            text if text.is_empty() => UNSUPPORTED.to_owned(),
            text => text,
        }),
        Refusal::Internal(_) => broke(INTERNAL),
    }
}

/// The refusal of a call that saw secrets: only codes and places, with the
/// manifest's messages. Numbers are dropped too: seconds could encode data.
pub(crate) fn quiet_refusal(
    refusal: Refusal,
    manifest: &Manifest,
    data: &Value,
    secret_pointers: &[String],
    form: &Form,
) -> PluginError {
    match refusal {
        Refusal::Invalid(raw) => {
            let reported: BTreeSet<(String, String)> = raw
                .into_iter()
                .take(MAX_VIOLATIONS)
                .map(|violation| {
                    (place(violation.pointer, data, form, secret_pointers), declared(violation.code, manifest))
                })
                .collect();
            invalid(reported.into_iter().map(|(pointer, code)| {
                let message = wording(&code, manifest);
                Violation { pointer, code, message }
            }))
        }
        Refusal::Denied(_) => PluginError::Denied("the plugin found the credential refused".to_owned()),
        Refusal::NotFound(_) => PluginError::NotFound("the plugin does not know what was asked for".to_owned()),
        Refusal::Unavailable(_) => PluginError::Unavailable("the plugin found something unavailable".to_owned()),
        Refusal::Throttled(_) => PluginError::Throttled(None),
        Refusal::Unsupported(_) => PluginError::Unsupported(UNSUPPORTED.to_owned()),
        Refusal::Internal(_) => broke(INTERNAL),
    }
}

/// A failure of the plugin, in our words.
pub(crate) fn broke(rule: &str) -> PluginError {
    PluginError::Failed(rule.to_owned())
}

fn object(raw: &str) -> Result<Value, PluginError> {
    match parse_json(raw, MAX_JSON_BYTES).map_err(broke)? {
        value @ Value::Object(_) => Ok(value),
        _ => Err(broke("a JSON document is not an object")),
    }
}

fn selector((kind, value): (String, String)) -> Result<Selector, PluginError> {
    let fits = is_selector_kind(&kind)
        && (1..=MAX_SELECTOR_BYTES).contains(&value.len())
        && !value.chars().any(|c| is_unprintable(c) || c.is_whitespace());
    if fits { Ok(Selector { kind, value }) } else { Err(broke("a selector is malformed")) }
}

fn invalid(violations: impl Iterator<Item = Violation>) -> PluginError {
    match violations.collect::<Vec<_>>() {
        none if none.is_empty() => broke("it refused the input without saying why"),
        some => PluginError::Invalid(some),
    }
}

/// The pointer, if it names a place in the data or a field that the form
/// declares; else the whole form. Inside a secret there are no places, since the
/// names of its parts belong to it.
fn place(pointer: String, data: &Value, form: &Form, secret_pointers: &[String]) -> String {
    if let Some(secret) = secret_pointers.iter().find(|secret| is_within(&pointer, secret)) {
        return secret.clone();
    }
    if pointer.len() > pointer::MAX_BYTES {
        return String::new();
    }
    let known = data.pointer(&pointer).is_some()
        || pointer
            .rsplit_once('/')
            .is_some_and(|(parent, last)| data.pointer(parent).is_some_and(Value::is_object) && form.declares(last));
    if known { pointer } else { String::new() }
}

/// The code, if it was declared before the plugin saw a secret.
fn declared(code: String, manifest: &Manifest) -> String {
    let ours = [REQUIRED, FORMAT, INVALID].contains(&code.as_str());
    if ours || manifest.messages.contains_key(&code) { code } else { INVALID.to_owned() }
}

fn wording(code: &str, manifest: &Manifest) -> String {
    match (manifest.messages.get(code), code) {
        (Some(message), _) => sentence(message),
        (None, REQUIRED) => "This field is required.".to_owned(),
        (None, FORMAT) => "This field does not have the expected format.".to_owned(),
        (None, _) => GENERIC.to_owned(),
    }
}

const REQUIRED: &str = "required";
const FORMAT: &str = "format";
const INVALID: &str = "invalid";
const GENERIC: &str = "This field is not valid.";
const UNSUPPORTED: &str = "the plugin does not do that";
const INTERNAL: &str = "it reported a defect of its own";

const MAX_VIOLATIONS: usize = 64;
const MAX_SELECTORS: usize = 256;
const MAX_SELECTOR_BYTES: usize = 512;
const MAX_ARTIFACTS: usize = 64;
const MAX_ARTIFACT_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use bursar_kernel::plugin::CopiedField;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_stays_what_it_is() {
        let data = json!({ "text": "s", "none": null, "object": { "a": "b" }, "derived": "x" });
        let secrets = ["/text", "/none", "/object"].map(str::to_owned);
        let rewrite = |pointer: &str, value: Value| {
            let raw = RawRewrite { pointer: pointer.to_owned(), value: Zeroizing::new(value.to_string()) };
            rewrites(vec![raw], &["/text", "/none", "/object", "/derived"], &data, &secrets).is_ok()
        };
        for (pointer, value, allowed) in [
            ("/text", json!("other"), true),
            ("/text", json!(""), true),
            ("/text", Value::Null, false),
            ("/text", json!({ "bit": 1 }), false),
            ("/text", json!(1), false),
            ("/none", json!("set"), false),
            ("/object", json!({ "c": "d" }), true),
            ("/object", json!("text"), false),
            ("/derived", json!({ "any": 1 }), true),
        ] {
            assert_eq!(rewrite(pointer, value.clone()), allowed, "{pointer} {value}");
        }
    }

    #[test]
    fn the_host_makes_the_copies_and_no_plugin_chooses() {
        let copied = |field: &str, at: &str| {
            Derived::Copied(CopiedField { field: field.into(), secret: "/account".into(), at: at.into() })
        };
        let derives = [copied("/email", "/email"), copied("/id", "/id"), copied("/kept", "/email")];
        let granted = ["/email", "/id", "/free"].map(str::to_owned);
        let data = SecretJson::new(json!({ "account": json!({ "email": "me@x" }).to_string() }));
        let one = |pointer: &str, value: Value| Rewrite { pointer: pointer.into(), value: SecretJson::new(value) };
        let reported = |rewrites: Vec<Rewrite>| -> Vec<(String, Value)> {
            let made = with_copies(rewrites, &data, &derives, &granted).into_iter();
            made.map(|rewrite| (rewrite.pointer.clone(), rewrite.value.expose().clone())).collect()
        };
        let email = |text: &str| ("/email".to_owned(), json!(text));
        assert_eq!(reported(Vec::new()), [email("me@x")]);
        assert_eq!(reported(vec![one("/email", json!("else")), one("/kept", json!("else"))]), [email("me@x")]);
        let account = json!({ "email": "you@y" });
        let rewritten = reported(vec![one("/account", account.clone()), one("/free", json!(1))]);
        assert_eq!(rewritten, [("/account".to_owned(), account), ("/free".to_owned(), json!(1)), email("you@y")]);
    }
}
