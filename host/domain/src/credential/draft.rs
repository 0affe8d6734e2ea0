//! Reading what a caller wants written: the part the core can judge.
//!
//! Both readers collect every violation instead of stopping at the first, and
//! neither ever puts a value of `data` into one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Violation;
use crate::fields::Fields;
use crate::id::Name;
use crate::integer;
use crate::secret::SecretJson;

/// A credential to be created. Fields that could not be read hold defaults;
/// whoever reads a draft looks at its violations first.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The type's id.
    pub type_id: String,
    /// The name, once it is one.
    pub name: Option<Name>,
    /// Free text.
    pub title: String,
    /// Free text.
    pub description: String,
    /// Free pairs.
    pub labels: BTreeMap<String, String>,
    /// Whether it shall be the default; `None` leaves it to the core (S0-24).
    pub default: Option<bool>,
    /// Whether secrets may be revealed (D-3).
    pub revealable: bool,
    /// The form's data.
    pub data: SecretJson,
}

/// Changes to a credential: JSON Merge Patch (RFC 7396) over its editable part.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// A new name.
    pub name: Option<Name>,
    /// A new title.
    pub title: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Label changes; `None` removes one.
    pub labels: Option<BTreeMap<String, Option<String>>>,
    /// May only go from true to false.
    pub revealable: Option<bool>,
    /// A merge patch over the form's data.
    pub data: Option<SecretJson>,
}

impl Draft {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> (Self, Vec<Violation>) {
        let mut fields =
            Fields::new(body, &["type", "name", "title", "description", "labels", "default", "revealable", "data"]);
        let type_id = fields.text("type", MAX_NAME_CHARS);
        if type_id.is_none() {
            fields.require("type", "name a credential type, see /v1/credential-types");
        }
        let name = fields.name();
        if name.is_none() {
            fields.require("name", "give it a name");
        }
        let data = match fields.take("data") {
            Some(data @ Value::Object(_)) => form_data(data),
            Some(_) => fields.wrong_type("data", "an object"),
            None => {
                fields.require("data", "give the type's fields, see its template");
                Value::Object(Map::new())
            }
        };
        let draft = Self {
            type_id: type_id.unwrap_or_default(),
            name,
            title: fields.text("title", MAX_TITLE_CHARS).unwrap_or_default(),
            description: fields.text("description", MAX_DESCRIPTION_CHARS).unwrap_or_default(),
            labels: fields.labels().unwrap_or_default().into_iter().filter_map(|(k, v)| Some((k, v?))).collect(),
            default: fields.flag("default"),
            revealable: fields.flag("revealable").unwrap_or(true),
            data: SecretJson::new(data),
        };
        (draft, fields.violations)
    }
}

impl Patch {
    /// Reads a request body. `type_id` is what the credential has: repeating it
    /// is no change.
    #[must_use]
    pub fn read(body: Value, type_id: &str) -> (Self, Vec<Violation>) {
        let mut fields =
            Fields::new(body, &["type", "name", "title", "description", "labels", "default", "revealable", "data"]);
        if fields.take("type").is_some_and(|wanted| wanted != type_id) {
            fields.complain("type", "immutable", "a credential keeps its type: create another one");
        }
        if fields.take("default").is_some() {
            fields.complain("default", "immutable", "use POST .../set-default");
        }
        let data = match fields.take("data") {
            Some(Value::Null) | None => None,
            Some(data @ Value::Object(_)) => Some(SecretJson::new(form_data(data))),
            Some(_) => Some(SecretJson::new(fields.wrong_type("data", "an object"))),
        };
        let patch = Self {
            name: fields.name(),
            title: fields.text("title", MAX_TITLE_CHARS),
            description: fields.text("description", MAX_DESCRIPTION_CHARS),
            labels: fields.labels(),
            revealable: fields.flag("revealable"),
            data,
        };
        (patch, fields.violations)
    }
}

/// Judges a name on its own (S2-06).
pub(crate) fn judge_name(text: &str, pointer: &str) -> Result<Name, Violation> {
    Name::parse(text).map_err(|rule| Violation::new(pointer, "format", format!("The name {rule}.")))
}

/// Judges a credential's name on its own: a path segment beside them has a
/// meaning of its own.
pub(crate) fn judge_credential_name(text: &str, pointer: &str) -> Result<Name, Violation> {
    if RESERVED_NAMES.contains(&text) {
        let message = "The API has a use of its own for this word: choose another name.";
        return Err(Violation::new(pointer, "reserved", message));
    }
    judge_name(text, pointer)
}

/// Judges a title on its own.
pub(crate) fn judge_title(text: &str) -> Option<Violation> {
    (text.chars().count() > MAX_TITLE_CHARS)
        .then(|| Violation::new("/title", "too-long", format!("At most {MAX_TITLE_CHARS} characters.")))
}

impl Fields {
    fn name(&mut self) -> Option<Name> {
        // One more than a name may have, so that the name's own rule is told.
        let text = match self.take("name")? {
            Value::String(text) => text,
            Value::Null => return None,
            _ => {
                self.wrong_type("name", "a string");
                return None;
            }
        };
        judge_credential_name(&text, "/name").map_err(|violation| self.violations.push(violation)).ok()
    }

    fn labels(&mut self) -> Option<BTreeMap<String, Option<String>>> {
        let map = match self.take("labels")? {
            Value::Object(map) => map,
            Value::Null => return None,
            _ => {
                self.wrong_type("labels", "an object of strings");
                return None;
            }
        };
        if map.len() > MAX_LABELS {
            self.complain("labels", "too-long", &format!("At most {MAX_LABELS} labels."));
        }
        let mut labels = BTreeMap::new();
        for (key, value) in map {
            let at = format!("labels/{}", key.replace('~', "~0").replace('/', "~1"));
            if key.is_empty() || key.len() > MAX_LABEL_BYTES || key.chars().any(char::is_control) {
                self.complain(
                    &at,
                    "format",
                    &format!("A label's name has 1 to {MAX_LABEL_BYTES} printable characters."),
                );
                continue;
            }
            match value {
                Value::String(text) if text.len() <= MAX_LABEL_BYTES => {
                    labels.insert(key, Some(text));
                }
                Value::String(_) => self.complain(&at, "too-long", &format!("At most {MAX_LABEL_BYTES} bytes.")),
                Value::Null => {
                    labels.insert(key, None);
                }
                _ => {
                    self.wrong_type(&at, "a string");
                }
            }
        }
        Some(labels)
    }
}

/// What stands where a credential's name does: `.../credentials/validate`.
const RESERVED_NAMES: [&str; 2] = ["validate", "validate-name"];
const MAX_NAME_CHARS: usize = 100;
const MAX_TITLE_CHARS: usize = 255;
const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// Of one credential.
pub(crate) const MAX_LABELS: usize = 64;
/// Of a label's name, and of its value.
pub(crate) const MAX_LABEL_BYTES: usize = 255;

/// The data as a plugin reads it: with one form of each integer.
fn form_data(mut data: Value) -> Value {
    integer::normalize(&mut data);
    data
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_draft_tells_everything_that_is_wrong_at_once() {
        let (_, violations) = Draft::read(json!({
            "name": "bad name", "title": 7, "labels": {"a": 1}, "colour": "red", "data": []
        }));
        let told: Vec<_> = violations.iter().map(|v| (v.pointer.as_str(), v.code.as_str())).collect();
        assert_eq!(
            told,
            [
                ("/colour", "unknown"),
                ("/type", "required"),
                ("/name", "format"),
                ("/data", "type"),
                ("/title", "type"),
                ("/labels/a", "type")
            ]
        );
    }

    #[test]
    fn names_that_the_api_uses_are_kept_free() {
        for name in RESERVED_NAMES {
            let (_, violations) = Draft::read(json!({ "type": "t", "name": name, "data": {} }));
            assert_eq!(violations.first().map(|violation| violation.code.as_str()), Some("reserved"));
        }
    }

    #[test]
    fn a_good_draft_is_read_whole() {
        let (draft, violations) = Draft::read(json!({
            "type": "t", "name": "n", "title": "T", "labels": {"team": "web"}, "default": true, "data": {"a": 1}
        }));
        assert_eq!(violations, []);
        assert_eq!((draft.type_id.as_str(), draft.default, draft.revealable), ("t", Some(true), true));
        assert_eq!(draft.labels["team"], "web");
    }
}
