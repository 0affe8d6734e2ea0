//! Public fields that a type fills from its secrets.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::SecretJson;

/// A public field that `check` may fill from a secret, when the operator grants
/// it. A manifest writes the first kind as a pointer, the second as an object.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Derived {
    /// Whatever `check` makes of the secrets it sees: `/publicKey`. People may read
    /// it; the network plane may not, since nobody can tell what is in it.
    Computed(String),
    /// One text of a secret's JSON document. The host verifies the copy, so the
    /// network plane may read it.
    Copied(CopiedField),
}

/// `{"field": "/clientEmail", "secret": "/serviceAccount", "at": "/client_email"}`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopiedField {
    /// The public field.
    pub field: String,
    /// The secret that is copied from.
    pub secret: String,
    /// The place inside it, a JSON pointer.
    pub at: String,
}

impl Derived {
    /// The public field.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Computed(field) => field,
            Self::Copied(copied) => &copied.field,
        }
    }

    /// A phrase that follows "may".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Computed(field) => format!("fill the public field {field} from a secret"),
            Self::Copied(CopiedField { field, secret, at }) => {
                format!("copy {at} of the secret {secret} into the public field {field}")
            }
        }
    }
}

impl fmt::Display for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Computed(field) => f.write_str(field),
            Self::Copied(CopiedField { field, secret, at }) => write!(f, "{field} from {at} in {secret}"),
        }
    }
}

impl CopiedField {
    /// The text at its place in `secret`, if that is a document with a text there.
    #[must_use]
    pub fn text(&self, secret: &Value) -> Option<String> {
        match secret {
            Value::String(text) => {
                let document = SecretJson::new(serde_json::from_str(text).ok()?);
                document.expose().pointer(&self.at)?.as_str().map(str::to_owned)
            }
            document => document.pointer(&self.at)?.as_str().map(str::to_owned),
        }
    }

    /// Whether the field of `data` holds what is at its place in the secret.
    #[must_use]
    pub fn is_copied(&self, data: &Value) -> bool {
        let Some(copy) = data.pointer(&self.field).and_then(Value::as_str) else { return false };
        data.pointer(&self.secret).and_then(|secret| self.text(secret)).as_deref() == Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_writes_a_pointer_or_an_object() {
        let both: Vec<Derived> =
            serde_json::from_value(json!(["/key", { "field": "/email", "secret": "/account", "at": "/client_email" }]))
                .unwrap();
        assert_eq!(both.iter().map(Derived::field).collect::<Vec<_>>(), ["/key", "/email"]);
        assert_eq!(both[1].to_string(), "/email from /client_email in /account");
        assert_eq!(both[1].words(), "copy /client_email of the secret /account into the public field /email");
        assert!(serde_json::from_value::<Derived>(json!({ "field": "/email" })).is_err());
    }

    #[test]
    fn a_copy_is_the_very_text() {
        let copied = CopiedField { field: "/email".into(), secret: "/account".into(), at: "/a/client_email".into() };
        let document = json!({ "a": { "client_email": "me@x" }, "n": 1 });
        for (data, is) in [
            (json!({ "email": "me@x", "account": document.to_string() }), true),
            (json!({ "email": "me@x", "account": document }), true),
            (json!({ "email": "me@x ", "account": document }), false),
            (json!({ "email": "", "account": document }), false),
            (json!({ "account": document }), false),
            (json!({ "email": "me@x" }), false),
            (json!({ "email": "me@x", "account": "no json" }), false),
        ] {
            assert_eq!(copied.is_copied(&data), is, "{data}");
        }
    }
}
