//! Reading what a caller wants of regions: the part the core can judge. What a
//! setting may hold is the target's word.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Attachment, DriftPolicy, OnDetach};
use crate::Violation;
use crate::credential::{judge_name, judge_title};
use crate::fields::Fields;
use crate::id::Name;
use crate::integer;
use crate::secret::SecretJson;

/// A region to be made.
#[derive(Debug, Default)]
pub struct RegionDraft {
    /// The name, once it is one.
    pub name: Option<Name>,
    /// Free text.
    pub title: String,
    /// The kind of target.
    pub target: String,
    /// Its settings.
    pub settings: SecretJson,
    /// The sign-in.
    pub login: LoginDraft,
    /// What to do about what others changed.
    pub drift: DriftPolicy,
    /// The accounts that may use it, by id or name; `None` for every account.
    pub accounts: Option<Vec<String>>,
}

/// Changes to a region: JSON Merge Patch (RFC 7396).
#[derive(Debug, Default)]
pub struct RegionPatch {
    /// A new name.
    pub name: Option<Name>,
    /// A new title.
    pub title: Option<String>,
    /// A merge patch over the settings.
    pub settings: Option<SecretJson>,
    /// Another sign-in, or none any more.
    pub login: Option<LoginDraft>,
    /// Another policy.
    pub drift: Option<DriftPolicy>,
    /// The accounts that may use it from now on, by id or name; `Some(None)` for
    /// every account.
    pub accounts: Option<Option<Vec<String>>>,
}

/// The sign-in of a region.
#[derive(Clone, Debug, Default)]
pub enum LoginDraft {
    /// None, or one among the settings.
    #[default]
    None,
    /// A credential.
    Credential {
        /// Whose, by id or name.
        account: String,
        /// Which, by id or name.
        credential: String,
    },
}

/// How an account uses a region.
#[derive(Clone, Debug, Default)]
pub struct AttachmentDraft {
    /// Formats by type.
    pub formats: BTreeMap<String, Vec<String>>,
    /// The types that are put there; `None` for the default set.
    pub types: Option<Vec<String>>,
    /// What happens when it lets go.
    pub on_detach: OnDetach,
}

impl RegionDraft {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> (Self, Vec<Violation>) {
        let mut fields = Fields::new(body, &REGION_FIELDS);
        let name = region_name(&mut fields);
        if name.is_none() {
            fields.require("name", "give it a name");
        }
        let target = fields.text("target", MAX_TARGET_CHARS);
        if target.is_none() {
            fields.require("target", "name a kind of target, see /v1/region-targets");
        }
        let draft = Self {
            name,
            title: region_title(&mut fields).unwrap_or_default(),
            target: target.unwrap_or_default(),
            settings: settings(&mut fields).unwrap_or_else(|| SecretJson::new(Value::Object(Map::new()))),
            login: login(&mut fields).unwrap_or_default(),
            drift: word(&mut fields, "drift", &DRIFTS).unwrap_or_default(),
            accounts: list(&mut fields, "accounts", "account names").flatten(),
        };
        (draft, fields.violations)
    }
}

impl RegionPatch {
    /// Reads a request body. `target` is what the region has: repeating it is no
    /// change.
    #[must_use]
    pub fn read(body: Value, target: &str) -> (Self, Vec<Violation>) {
        let mut fields = Fields::new(body, &REGION_FIELDS);
        if fields.take("target").is_some_and(|wanted| wanted != target) {
            fields.complain("target", "immutable", "a region keeps its kind of target: make another one");
        }
        // Null is for what has a default; nothing else can be taken away.
        for needed in ["name", "settings"] {
            if fields.is_null(needed) {
                fields.complain(needed, "required", "A region has this: leave it out to keep it.");
            }
        }
        let title = fields.is_null("title").then(String::new);
        let drift = fields.is_null("drift").then(DriftPolicy::default);
        let patch = Self {
            name: region_name(&mut fields),
            title: title.or_else(|| region_title(&mut fields)),
            settings: settings(&mut fields),
            login: login(&mut fields),
            drift: drift.or_else(|| word(&mut fields, "drift", &DRIFTS)),
            accounts: list(&mut fields, "accounts", "account names"),
        };
        (patch, fields.violations)
    }
}

impl AttachmentDraft {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> (Self, Vec<Violation>) {
        let mut fields = Fields::new(body, &["formats", "types", "onDetach"]);
        let formats = match fields.take("formats") {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(value) => serde_json::from_value(value).unwrap_or_else(|_| {
                fields.complain("formats", "type", "This must map a type to a list of its formats.");
                BTreeMap::new()
            }),
        };
        let types = list(&mut fields, "types", "credential types").flatten();
        let on_detach = word(&mut fields, "onDetach", &ON_DETACH).unwrap_or_default();
        (Self { formats, types, on_detach }, fields.violations)
    }
}

impl From<Attachment> for AttachmentDraft {
    /// To use a region again as it was used.
    fn from(attachment: Attachment) -> Self {
        let Attachment { formats, types, on_detach, .. } = attachment;
        Self { formats, types: types.map(Vec::from_iter), on_detach }
    }
}

impl OnDetach {
    /// Reads the wire form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ON_DETACH.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
    }
}

fn region_name(fields: &mut Fields) -> Option<Name> {
    let text = fields.text("name", usize::MAX)?;
    judge_name(&text, "/name").map_err(|violation| fields.violations.push(violation)).ok()
}

fn region_title(fields: &mut Fields) -> Option<String> {
    let title = fields.text("title", usize::MAX)?;
    fields.violations.extend(judge_title(&title));
    Some(title)
}

fn settings(fields: &mut Fields) -> Option<SecretJson> {
    match fields.take("settings")? {
        Value::Null => None,
        mut settings @ Value::Object(_) => {
            integer::normalize(&mut settings);
            Some(SecretJson::new(settings))
        }
        _ => Some(SecretJson::new(fields.wrong_type("settings", "an object"))),
    }
}

/// `{"account": "...", "credential": "..."}`, or null for none.
fn login(fields: &mut Fields) -> Option<LoginDraft> {
    let value = fields.take("login")?;
    if value.is_null() {
        return Some(LoginDraft::None);
    }
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match (part("account"), part("credential")) {
        (Some(account), Some(credential)) if value.as_object().is_some_and(|map| map.len() == 2) => {
            Some(LoginDraft::Credential { account, credential })
        }
        _ => {
            fields.complain("login", "type", "This must be an object of account and credential, each an id or a name.");
            None
        }
    }
}

/// A list of texts: `None` where it is absent or wrong, `Some(None)` for null.
#[expect(clippy::option_option, reason = "a merge patch tells absent from null (RFC 7396)")]
fn list(fields: &mut Fields, name: &str, of: &str) -> Option<Option<Vec<String>>> {
    let value = fields.take(name)?;
    if value.is_null() {
        return Some(None);
    }
    let texts = value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>());
    if texts.is_none() {
        fields.complain(name, "type", &format!("This must be a list of {of}, or null."));
    }
    texts.map(Some)
}

fn word<T: Copy>(fields: &mut Fields, name: &str, words: &[(&str, T)]) -> Option<T> {
    let text = fields.text(name, usize::MAX)?;
    let known = words.iter().find(|(word, _)| *word == text);
    if known.is_none() {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        fields.complain(name, "unknown", &format!("This must be one of {}.", words.join(", ")));
    }
    known.map(|(_, meaning)| *meaning)
}

const REGION_FIELDS: [&str; 7] = ["name", "title", "target", "settings", "login", "drift", "accounts"];
const DRIFTS: [(&str, DriftPolicy); 2] = [("repair", DriftPolicy::Repair), ("report", DriftPolicy::Report)];
const ON_DETACH: [(&str, OnDetach); 2] = [("remove", OnDetach::Remove), ("keep", OnDetach::Keep)];
const MAX_TARGET_CHARS: usize = 64;
