//! What callers ask to be written: the part the core can judge. What the data may
//! hold is the plugin's word.

use std::collections::BTreeMap;

use bursar_kernel::id::Name;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Violation, parse_name, validate_title};
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
const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// Of one credential.
pub const MAX_LABELS: usize = 64;
/// Of a label's name, and of its value.
pub const MAX_LABEL_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let labels = [("a".repeat(256), String::new()), ("b".to_owned(), "b".repeat(256))];
        let command = CreateCredential {
            name: "bad name".to_owned(),
            title: "t".repeat(256),
            description: "d".repeat(2_001),
            labels: labels.into(),
            ..CreateCredential::default()
        };
        let told = command.validate();
        let told: Vec<_> = told.iter().map(|violation| (violation.pointer.as_str(), violation.code.as_str())).collect();
        let label = format!("/labels/{}", "a".repeat(256));
        let expected = [
            ("/name", "format"),
            ("/title", "too-long"),
            ("/description", "too-long"),
            (label.as_str(), "format"),
            ("/labels/b", "too-long"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn names_that_the_api_uses_are_kept_free() {
        for name in RESERVED_NAMES {
            assert_eq!(parse_credential_name(name, "/name").unwrap_err().code, "reserved");
        }
    }
}
