//! Values that must not be printed and are wiped when dropped.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroize;

/// A JSON document that may hold secrets: no `Debug` of its content, no
/// `Display`, wiped on drop.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SecretJson(Value);

impl SecretJson {
    /// Takes the document in.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The document, for those who are about to seal it, hand it to a plugin's
    /// pure plane or answer an audited reveal.
    #[must_use]
    pub fn expose(&self) -> &Value {
        &self.0
    }

    /// The document, to be changed in place.
    pub fn expose_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The document without anything under `pointers`.
    #[must_use]
    pub fn without(&self, pointers: &[String]) -> Value {
        let mut public = self.0.clone();
        for pointer in pointers {
            if let Some(mut taken) = take(&mut public, pointer) {
                wipe(&mut taken);
            }
        }
        public
    }

    /// Only what is under `pointers`, in its place.
    #[must_use]
    pub fn only(&self, pointers: &[String]) -> Self {
        let mut picked = Value::Object(serde_json::Map::new());
        for pointer in pointers {
            if let Some(value) = self.0.pointer(pointer) {
                put(&mut picked, pointer, value.clone());
            }
        }
        Self(picked)
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretJson(..)")
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl From<Value> for SecretJson {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

/// `serde(with)` for secrets in records that are sealed as a whole.
pub mod sealed {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    use super::SecretJson;

    /// Writes the secret as it is.
    ///
    /// # Errors
    ///
    /// The serializer's own.
    pub fn serialize<S: Serializer>(secret: &SecretJson, serializer: S) -> Result<S::Ok, S::Error> {
        secret.expose().serialize(serializer)
    }

    /// Reads a secret back.
    ///
    /// # Errors
    ///
    /// The deserializer's own.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretJson, D::Error> {
        Value::deserialize(deserializer).map(SecretJson::new)
    }
}

/// Removes and returns what is under `pointer`. An array keeps its length: the
/// place becomes null, so that the pointers behind it stay true.
pub fn take(document: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, last) = pointer.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&unescape(last)),
        Value::Array(items) => items.get_mut(last.parse::<usize>().ok()?).map(Value::take),
        _ => None,
    }
}

/// Puts `value` under `pointer`, making objects on the way; an array grows with
/// nulls. Does nothing where a scalar is in the way.
pub fn put(document: &mut Value, pointer: &str, value: Value) {
    let mut place = document;
    for token in pointer.split('/').skip(1).map(unescape) {
        if place.is_null() {
            *place = Value::Object(serde_json::Map::new());
        }
        place = match place {
            Value::Object(map) => map.entry(token).or_insert(Value::Null),
            Value::Array(items) => {
                let Some(index) = token.parse::<usize>().ok().filter(|index| *index <= MAX_INDEX) else { return };
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                &mut items[index]
            }
            _ => return,
        };
    }
    *place = value;
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

const MAX_INDEX: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn splits_secrets_from_the_rest_and_back() {
        let full = SecretJson::new(json!({"user": "u", "password": "p", "keys": [{"id": 1, "key": "k"}]}));
        let pointers = vec!["/password".to_owned(), "/keys/0/key".to_owned()];
        let mut public = full.without(&pointers);
        assert_eq!(public, json!({"user": "u", "keys": [{"id": 1}]}));
        for pointer in &pointers {
            put(&mut public, pointer, full.expose().pointer(pointer).unwrap().clone());
        }
        assert_eq!(&public, full.expose());
        assert_eq!(format!("{full:?}"), "SecretJson(..)");
    }
}
