//! What callers ask of regions: the part the core can judge. What a setting may
//! hold is the target's word.

use std::collections::BTreeMap;

use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Fields, Submitted, Violation, integer, parse_name, validate_title};
use serde_json::{Map, Value};

use crate::{Attachment, DriftPolicy, OnDetach};

/// A region to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateRegion {
    /// Unique in the installation.
    pub name: String,
    /// Free text.
    pub title: String,
    /// The kind of target.
    pub target: String,
    /// Its settings.
    pub settings: SecretJson,
    /// The sign-in.
    pub login: ChosenLogin,
    /// What to do about what others changed.
    pub drift: DriftPolicy,
    /// The accounts that may use it, by id or name; `None` for every account.
    pub accounts: Option<Vec<String>>,
}

/// Changes to a region: JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default)]
pub struct UpdateRegion {
    /// The kind of target; repeating it is no change, another one is refused.
    pub target: Option<String>,
    /// A new name.
    pub name: Option<String>,
    /// A new title.
    pub title: Option<String>,
    /// A merge patch over the settings.
    pub settings: Option<SecretJson>,
    /// Another sign-in, or none any more.
    pub login: Option<ChosenLogin>,
    /// Another policy.
    pub drift: Option<DriftPolicy>,
    /// The accounts that may use it from now on, by id or name; `Some(None)` for
    /// every account.
    pub accounts: Option<Option<Vec<String>>>,
}

/// The sign-in of a region.
#[derive(Clone, Debug, Default)]
pub enum ChosenLogin {
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
pub struct AttachRegion {
    /// Formats by type.
    pub formats: BTreeMap<String, Vec<String>>,
    /// The types that are put there; `None` for the default set.
    pub types: Option<Vec<String>>,
    /// What happens when it lets go.
    pub on_detach: OnDetach,
}

impl CreateRegion {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        parse_name(&self.name, "/name").err().into_iter().chain(validate_title(&self.title)).collect()
    }
}

impl UpdateRegion {
    /// What the core's own rules forbid of a region with this kind of target.
    #[must_use]
    pub fn validate(&self, target: &str) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.target.as_ref().is_some_and(|wanted| wanted != target) {
            let message = "A region keeps its kind of target: make another one.";
            violations.push(Violation::new("/target", "immutable", message));
        }
        violations.extend(self.name.as_deref().and_then(|name| parse_name(name, "/name").err()));
        violations.extend(self.title.as_deref().and_then(validate_title));
        violations
    }
}

impl From<Attachment> for AttachRegion {
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

// The readers of request bodies.

impl CreateRegion {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> Submitted<Self> {
        let mut fields = Fields::new(body, &REGION_FIELDS);
        let name = fields.text("name", usize::MAX);
        if name.is_none() {
            fields.require("name", "give it a name");
        }
        let target = fields.text("target", MAX_TARGET_CHARS);
        if target.is_none() {
            fields.require("target", "name a kind of target, see /v1/region-targets");
        }
        let command = Self {
            name: name.unwrap_or_default(),
            title: fields.text("title", usize::MAX).unwrap_or_default(),
            target: target.unwrap_or_default(),
            settings: settings(&mut fields).unwrap_or_else(|| SecretJson::new(Value::Object(Map::new()))),
            login: login(&mut fields).unwrap_or_default(),
            drift: word(&mut fields, "drift", &DRIFTS).unwrap_or_default(),
            accounts: list(&mut fields, "accounts", "account names").flatten(),
        };
        Submitted::new(command, fields.violations)
    }
}

impl UpdateRegion {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> Submitted<Self> {
        let mut fields = Fields::new(body, &REGION_FIELDS);
        let target = fields.take("target").map(|target| target.as_str().unwrap_or_default().to_owned());
        // Null is for what has a default; nothing else can be taken away.
        for needed in ["name", "settings"] {
            if fields.is_null(needed) {
                fields.complain(needed, "required", "A region has this: leave it out to keep it.");
            }
        }
        let title = fields.is_null("title").then(String::new);
        let drift = fields.is_null("drift").then(DriftPolicy::default);
        let command = Self {
            target,
            name: fields.text("name", usize::MAX),
            title: title.or_else(|| fields.text("title", usize::MAX)),
            settings: settings(&mut fields),
            login: login(&mut fields),
            drift: drift.or_else(|| word(&mut fields, "drift", &DRIFTS)),
            accounts: list(&mut fields, "accounts", "account names"),
        };
        Submitted::new(command, fields.violations)
    }
}

impl AttachRegion {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> Submitted<Self> {
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
        Submitted::new(Self { formats, types, on_detach }, fields.violations)
    }
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
fn login(fields: &mut Fields) -> Option<ChosenLogin> {
    let value = fields.take("login")?;
    if value.is_null() {
        return Some(ChosenLogin::None);
    }
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match (part("account"), part("credential")) {
        (Some(account), Some(credential)) if value.as_object().is_some_and(|map| map.len() == 2) => {
            Some(ChosenLogin::Credential { account, credential })
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
