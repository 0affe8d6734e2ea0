//! The secrets of one call: the configuration's, and what was captured since.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bursar_domain::secret::SecretJson;
use serde_json::Value;
use zeroize::Zeroizing;

use super::request::Denial;
use super::scrub::Known;
use crate::names::is_within;

/// Where a secret comes from, and so where it may go.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Origin {
    /// The configuration, at this pointer.
    Config(String),
    /// The answer of a token endpoint, under this name.
    Captured { endpoint: String, name: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(pointer) => write!(f, "the secret {pointer}"),
            Self::Captured { name, .. } => write!(f, "the captured {name}"),
        }
    }
}

/// The secrets of one call. No `Debug`.
pub(crate) struct Vault {
    data: SecretJson,
    secret_pointers: Vec<String>,
    /// By name: the endpoint, and the value.
    captured: BTreeMap<String, (String, Zeroizing<String>)>,
    known: Known,
}

impl Vault {
    /// `secret_pointers` are the places in `data` that are secret.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub(crate) fn new(data: SecretJson, secret_pointers: Vec<String>) -> Result<Self, TooMany> {
        let mut known = Known::default();
        let mut public = BTreeSet::new();
        let without = data.without(&secret_pointers);
        texts(&without, &mut |text| {
            public.insert(text.to_owned());
            Ok(())
        })?;
        for pointer in &secret_pointers {
            if let Some(value) = data.expose().pointer(pointer) {
                learn(value, &public, &mut known)?;
            }
        }
        Ok(Self { data, secret_pointers, captured: BTreeMap::new(), known })
    }

    /// The secret at `pointer`.
    ///
    /// # Errors
    ///
    /// Where it is none, not set, or not a text.
    pub(crate) fn secret(&self, pointer: &str) -> Result<(Origin, Zeroizing<Vec<u8>>), Denial> {
        if !self.is_secret(pointer) {
            return Err(Denial::new("a part names a field that is not a secret of the configuration"));
        }
        let value = match self.data.expose().pointer(pointer) {
            Some(Value::String(text)) => Zeroizing::new(text.clone().into_bytes()),
            Some(Value::Number(number)) => Zeroizing::new(number.to_string().into_bytes()),
            Some(Value::Null) | None => return Err(Denial::new(format!("the secret {pointer} is not set"))),
            Some(_) => return Err(Denial::new(format!("the secret {pointer} is not a text"))),
        };
        Ok((Origin::Config(pointer.to_owned()), value))
    }

    /// What was captured under `name`.
    ///
    /// # Errors
    ///
    /// Where nothing was.
    pub(crate) fn captured(&self, name: &str) -> Result<(Origin, Zeroizing<Vec<u8>>), Denial> {
        let (endpoint, value) = self
            .captured
            .get(name)
            .ok_or_else(|| Denial::new("a part names something that no token endpoint's answer was captured under"))?;
        let origin = Origin::Captured { endpoint: endpoint.clone(), name: name.to_owned() };
        Ok((origin, Zeroizing::new(value.as_bytes().to_vec())))
    }

    /// The text at `inside` in the JSON document that the secret at `pointer`
    /// is; the secret itself where `inside` is empty. `None` where there is no
    /// such text.
    pub(crate) fn inside(&self, pointer: &str, inside: &str) -> Option<Zeroizing<String>> {
        if !self.is_secret(pointer) {
            return None;
        }
        let value = self.data.expose().pointer(pointer)?;
        if inside.is_empty() {
            return value.as_str().map(|text| Zeroizing::new(text.to_owned()));
        }
        match value {
            Value::String(text) => {
                let document = SecretJson::new(serde_json::from_str(text).ok()?);
                document.expose().pointer(inside)?.as_str().map(|text| Zeroizing::new(text.to_owned()))
            }
            document => document.pointer(inside)?.as_str().map(|text| Zeroizing::new(text.to_owned())),
        }
    }

    /// Whether the secret at `pointer` has a value.
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.is_secret(pointer) && self.data.expose().pointer(pointer).is_some_and(|value| !value.is_null())
    }

    /// Keeps what a token endpoint's answer held.
    pub(crate) fn capture(&mut self, endpoint: &str, name: &str, value: Zeroizing<String>) {
        self.known.add(value.as_bytes());
        self.captured.insert(name.to_owned(), (endpoint.to_owned(), value));
    }

    /// Learns of something else that must not come back: a signature.
    pub(crate) fn learn(&mut self, value: &[u8]) {
        self.known.add(value);
    }

    /// What must not come back.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    fn is_secret(&self, pointer: &str) -> bool {
        self.secret_pointers.iter().any(|secret| is_within(pointer, secret))
    }
}

/// The secrets hold more texts than can be looked for in every answer.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct TooMany;

/// Learns every text of a secret value, also inside a JSON document that it is
/// the text of. There, what the plugin knows from elsewhere is no secret.
fn learn(value: &Value, public: &BTreeSet<String>, known: &mut Known) -> Result<(), TooMany> {
    texts(value, &mut |text| {
        add(text, known)?;
        if let Ok(document @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
            let document = SecretJson::new(document);
            texts(document.expose(), &mut |inner| if public.contains(inner) { Ok(()) } else { add(inner, known) })?;
        }
        Ok(())
    })
}

/// A text, and its lines: a key may come back with other line ends.
fn add(text: &str, known: &mut Known) -> Result<(), TooMany> {
    let lines = text.lines().map(str::trim);
    let lines =
        lines.filter(|line| line.len() >= MIN_LINE_BYTES && line.len() < text.len() && !line.starts_with("-----"));
    for one in std::iter::once(text).chain(lines) {
        known.add(one.as_bytes());
        if known.len() > MAX_TEXTS {
            return Err(TooMany);
        }
    }
    Ok(())
}

fn texts(value: &Value, heard: &mut impl FnMut(&str) -> Result<(), TooMany>) -> Result<(), TooMany> {
    match value {
        Value::String(text) => heard(text),
        Value::Number(number) => heard(&number.to_string()),
        Value::Array(items) => items.iter().try_for_each(|item| texts(item, heard)),
        Value::Object(fields) => fields.values().try_for_each(|field| texts(field, heard)),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

const MIN_LINE_BYTES: usize = 16;
/// Of all secrets of a call. A service account's key file has some forty.
const MAX_TEXTS: usize = 128;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vault(data: Value) -> Result<Vault, TooMany> {
        Vault::new(SecretJson::new(data), vec!["/secret".to_owned(), "/list".to_owned()])
    }

    #[test]
    fn only_secrets_are_handed_out() {
        let vault = vault(json!({"secret": "s3cret", "list": [{"key": "inner"}], "public": "p"})).unwrap();
        let value =
            |pointer: &str| vault.secret(pointer).map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
        assert_eq!(value("/secret"), Ok("s3cret".to_owned()));
        assert_eq!(value("/list/0/key"), Ok("inner".to_owned()));
        for none in ["/public", "/secrets", "", "/list", "/list/1/key", "/none"] {
            assert!(value(none).is_err(), "{none}");
        }
        assert_eq!(vault.known().scrub_text("s3cret inner p"), "[secret] [secret] p");
    }

    #[test]
    fn more_texts_than_can_be_looked_for_are_refused() {
        let texts = |count: usize| (0..count).map(|n| format!("text-{n}")).collect::<Vec<_>>();
        assert!(vault(json!({"list": texts(128)})).is_ok());
        assert_eq!(vault(json!({"list": texts(129)})).err(), Some(TooMany));
        assert_eq!(vault(json!({"secret": json!(texts(200)).to_string()})).err(), Some(TooMany));
    }
}
