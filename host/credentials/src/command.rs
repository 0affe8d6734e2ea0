//! What callers ask to be written: the part the core can judge. What the data may
//! hold is the plugin's word.

use std::collections::BTreeMap;

use bursar_kernel::id::Name;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Fields, MAX_TITLE_CHARS, Submitted, Violation, integer, parse_name, validate_title};
use serde_json::{Map, Value};

/// A credential to be created.
#[derive(Clone, Debug)]
pub struct CreateCredential {
    /// The type's id.
    pub type_id: String,
    /// The name.
    pub name: String,
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
pub struct UpdateCredential {
    /// The type; repeating it is no change, another one is refused.
    pub type_id: Option<String>,
    /// A new name.
    pub name: Option<String>,
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

impl Default for CreateCredential {
    /// One that nothing is said of.
    fn default() -> Self {
        Self {
            type_id: String::new(),
            name: String::new(),
            title: String::new(),
            description: String::new(),
            labels: BTreeMap::new(),
            default: None,
            revealable: true,
            data: SecretJson::new(Value::Object(Map::new())),
        }
    }
}

impl CreateCredential {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        let mut violations: Vec<Violation> = parse_credential_name(&self.name, "/name").err().into_iter().collect();
        violations.extend(validate_title(&self.title));
        violations.extend(validate_description(&self.description));
        violations.extend(validate_labels(self.labels.iter().map(|(key, value)| (key, Some(value)))));
        violations
    }
}

impl UpdateCredential {
    /// What the core's own rules forbid of a credential of the type `type_id`.
    #[must_use]
    pub fn validate(&self, type_id: &str) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.type_id.as_ref().is_some_and(|wanted| wanted != type_id) {
            let message = "A credential keeps its type: create another one.";
            violations.push(Violation::new("/type", "immutable", message));
        }
        violations.extend(self.name.as_deref().and_then(|name| parse_credential_name(name, "/name").err()));
        violations.extend(self.title.as_deref().and_then(validate_title));
        violations.extend(self.description.as_deref().and_then(validate_description));
        let labels = self.labels.iter().flatten();
        violations.extend(validate_labels(labels.map(|(key, value)| (key, value.as_ref()))));
        violations
    }
}

/// Reads a credential's name (S2-06): a path segment beside them has a meaning of
/// its own.
///
/// # Errors
///
/// Which rule it breaks.
pub fn parse_credential_name(text: &str, pointer: &str) -> Result<Name, Violation> {
    if RESERVED_NAMES.contains(&text) {
        let message = "The API has a use of its own for this word: choose another name.";
        return Err(Violation::new(pointer, "reserved", message));
    }
    parse_name(text, pointer)
}

fn validate_description(text: &str) -> Option<Violation> {
    let message = || format!("At most {MAX_DESCRIPTION_CHARS} characters.");
    (text.chars().count() > MAX_DESCRIPTION_CHARS).then(|| Violation::new("/description", "too-long", message()))
}

fn validate_labels<'a>(labels: impl Iterator<Item = (&'a String, Option<&'a String>)>) -> Vec<Violation> {
    let (mut violations, mut count) = (Vec::new(), 0);
    for (key, value) in labels {
        count += 1;
        let pointer = || format!("/labels/{}", key.replace('~', "~0").replace('/', "~1"));
        if key.is_empty() || key.len() > MAX_LABEL_BYTES || key.chars().any(char::is_control) {
            let message = format!("A label's name has 1 to {MAX_LABEL_BYTES} printable characters.");
            violations.push(Violation::new(pointer(), "format", message));
        } else if value.is_some_and(|value| value.len() > MAX_LABEL_BYTES) {
            violations.push(Violation::new(pointer(), "too-long", format!("At most {MAX_LABEL_BYTES} bytes.")));
        }
    }
    if count > MAX_LABELS {
        violations.push(Violation::new("/labels", "too-long", format!("At most {MAX_LABELS} labels.")));
    }
    violations
}

/// What stands where a credential's name does: `.../credentials/validate`.
const RESERVED_NAMES: [&str; 2] = ["validate", "validate-name"];
const MAX_TYPE_CHARS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// Of one credential.
pub const MAX_LABELS: usize = 64;
/// Of a label's name, and of its value.
pub const MAX_LABEL_BYTES: usize = 255;

// The readers of request bodies.

impl CreateCredential {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> Submitted<Self> {
        let mut fields = Fields::new(body, &FIELDS);
        let type_id = fields.text("type", MAX_TYPE_CHARS);
        if type_id.is_none() {
            fields.require("type", "name a credential type, see /v1/credential-types");
        }
        let name = fields.text("name", usize::MAX);
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
        let command = Self {
            type_id: type_id.unwrap_or_default(),
            name: name.unwrap_or_default(),
            title: fields.text("title", MAX_TITLE_CHARS).unwrap_or_default(),
            description: fields.text("description", MAX_DESCRIPTION_CHARS).unwrap_or_default(),
            labels: labels(&mut fields)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect(),
            default: fields.flag("default"),
            revealable: fields.flag("revealable").unwrap_or(true),
            data: SecretJson::new(data),
        };
        Submitted::new(command, fields.violations)
    }
}

impl UpdateCredential {
    /// Reads a request body.
    #[must_use]
    pub fn read(body: Value) -> Submitted<Self> {
        let mut fields = Fields::new(body, &FIELDS);
        if fields.take("default").is_some() {
            fields.complain("default", "immutable", "use POST .../set-default");
        }
        let data = match fields.take("data") {
            Some(Value::Null) | None => None,
            Some(data @ Value::Object(_)) => Some(SecretJson::new(form_data(data))),
            Some(_) => Some(SecretJson::new(fields.wrong_type("data", "an object"))),
        };
        let command = Self {
            type_id: fields.take("type").map(|wanted| wanted.as_str().unwrap_or_default().to_owned()),
            name: fields.text("name", usize::MAX),
            title: fields.text("title", MAX_TITLE_CHARS),
            description: fields.text("description", MAX_DESCRIPTION_CHARS),
            labels: labels(&mut fields),
            revealable: fields.flag("revealable"),
            data,
        };
        Submitted::new(command, fields.violations)
    }
}

fn labels(fields: &mut Fields) -> Option<BTreeMap<String, Option<String>>> {
    let map = match fields.take("labels")? {
        Value::Object(map) => map,
        Value::Null => return None,
        _ => {
            fields.wrong_type("labels", "an object of strings");
            return None;
        }
    };
    let mut labels = BTreeMap::new();
    for (key, value) in map {
        match value {
            Value::String(text) => {
                labels.insert(key, Some(text));
            }
            Value::Null => {
                labels.insert(key, None);
            }
            _ => {
                let at = format!("labels/{}", key.replace('~', "~0").replace('/', "~1"));
                fields.wrong_type(&at, "a string");
            }
        }
    }
    Some(labels)
}

/// The data as a plugin reads it: with one form of each integer.
fn form_data(mut data: Value) -> Value {
    integer::normalize(&mut data);
    data
}

const FIELDS: [&str; 8] = ["type", "name", "title", "description", "labels", "default", "revealable", "data"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(mut submitted: Submitted<CreateCredential>) -> Vec<(String, String)> {
        let violations = submitted.command().validate();
        submitted.complain(violations);
        let violations = submitted.accept().map_or_else(|error| error.violations, |_| Vec::new());
        violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
    }

    #[test]
    fn a_draft_tells_everything_that_is_wrong_at_once() {
        let told = told(CreateCredential::read(json!({
            "name": "bad name", "title": 7, "labels": {"a": 1}, "colour": "red", "data": []
        })));
        let told: Vec<_> = told.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
        assert_eq!(
            told,
            [
                ("/colour", "unknown"),
                ("/type", "required"),
                ("/data", "type"),
                ("/title", "type"),
                ("/labels/a", "type"),
                ("/name", "format"),
            ]
        );
    }

    #[test]
    fn names_that_the_api_uses_are_kept_free() {
        for name in RESERVED_NAMES {
            let told = told(CreateCredential::read(json!({ "type": "t", "name": name, "data": {} })));
            assert_eq!(told, [("/name".to_owned(), "reserved".to_owned())]);
        }
    }

    #[test]
    fn a_good_draft_is_read_whole() {
        let draft = CreateCredential::read(json!({
            "type": "t", "name": "n", "title": "T", "labels": {"team": "web"}, "default": true, "data": {"a": 1}
        }));
        assert_eq!(told(draft.clone()), []);
        let draft = draft.accept().unwrap();
        assert_eq!((draft.type_id.as_str(), draft.default, draft.revealable), ("t", Some(true), true));
        assert_eq!(draft.labels["team"], "web");
    }
}
