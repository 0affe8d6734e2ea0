//! The secrets of one call: the configuration's, and what was captured since.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use std::sync::Arc;

use bursar_kernel::plugin::{Manifest, Taints};
use bursar_kernel::secret::SecretJson;
use bursar_schema::pointer::is_within;
use bursar_scrub::Scrubber;
use serde_json::Value;
use zeroize::Zeroizing;

use super::placements::InjectionRules;
use super::request::Denial;

/// Where a secret comes from, which decides where it may go.
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
pub(crate) struct CallSecrets {
    data: SecretJson,
    secret_pointers: Vec<String>,
    taints: Taints,
    /// By name: the endpoint, and the value.
    captured: BTreeMap<String, (String, Zeroizing<String>)>,
    /// Scrubbed from every answer.
    known: Arc<Scrubber>,
    /// Values that a plugin wrote, and those made of them, by their origins.
    written: BTreeMap<BTreeSet<Origin>, Arc<Scrubber>>,
}

/// What the answer to one request must not show.
///
/// A value that a plugin wrote is special: scrubbing it from any answer would
/// tell the plugin which of a thousand guesses is the value, with the help of a
/// host that has nothing to do with the secrets in it. It is therefore looked for
/// only where it may go, and an answer that repeats it is withheld.
pub(crate) struct Screen {
    pub(crate) known: Arc<Scrubber>,
    pub(crate) written: Vec<Arc<Scrubber>>,
}

impl Screen {
    /// Whether `bytes` hold something that a plugin wrote.
    pub(crate) fn repeats(&self, bytes: &[u8]) -> bool {
        self.written.iter().any(|known| known.is_in(bytes))
    }
}

impl CallSecrets {
    /// `secret_pointers` are the places in `data` that are secret, `taints` what
    /// of it a plugin wrote.
    ///
    /// # Errors
    ///
    /// See [`Unusable`].
    pub(crate) fn new(
        data: SecretJson,
        secret_pointers: Vec<String>,
        taints: Taints,
        manifest: &Manifest,
    ) -> Result<Self, Unusable> {
        if let Some(pointer) = too_long(manifest, data.expose()) {
            return Err(Unusable::TooLong(pointer.to_owned()));
        }
        let mut public = BTreeSet::new();
        let without = data.without(&secret_pointers);
        texts(&without, &mut |text| {
            public.insert(text.to_owned());
            Ok(())
        })?;
        let (mut known, mut written) = (Scrubber::default(), BTreeMap::new());
        for pointer in &secret_pointers {
            let Some(value) = data.expose().pointer(pointer) else { continue };
            if is_written(&taints, pointer) {
                let mut one = Scrubber::default();
                learn(value, &public, &mut one)?;
                written.insert(BTreeSet::from([Origin::Config(pointer.clone())]), Arc::new(one));
            } else {
                learn(value, &public, &mut known)?;
            }
        }
        let known = Arc::new(known);
        Ok(Self { data, secret_pointers, taints, captured: BTreeMap::new(), known, written })
    }

    /// Which secrets a plugin wrote.
    pub(crate) fn taints(&self) -> &Taints {
        &self.taints
    }

    /// The secret at `pointer`.
    ///
    /// # Errors
    ///
    /// When it is not a secret, not set, or not a text.
    pub(crate) fn secret(&self, pointer: &str) -> Result<(Origin, Zeroizing<Vec<u8>>), Denial> {
        if !self.is_secret(pointer) {
            return Err(Denial::new("a part names a field that is not a secret of the configuration"));
        }
        self.whole(pointer)?;
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
    /// When nothing was captured.
    pub(crate) fn captured(&self, name: &str) -> Result<(Origin, Zeroizing<Vec<u8>>), Denial> {
        let (endpoint, value) = self
            .captured
            .get(name)
            .ok_or_else(|| Denial::new("a part names something that no token endpoint's answer was captured under"))?;
        let origin = Origin::Captured { endpoint: endpoint.clone(), name: name.to_owned() };
        Ok((origin, Zeroizing::new(value.as_bytes().to_vec())))
    }

    /// The text at `inside` in the secret's JSON document, or the secret itself if
    /// `inside` is empty. `None` if there is no such text.
    ///
    /// # Errors
    ///
    /// When a plugin wrote the document.
    pub(crate) fn inside(&self, pointer: &str, inside: &str) -> Result<Option<Zeroizing<String>>, Denial> {
        if !inside.is_empty() && is_written(&self.taints, pointer) {
            return Err(part_of_written());
        }
        self.whole(pointer)?;
        Ok(self.text_inside(pointer, inside))
    }

    fn text_inside(&self, pointer: &str, inside: &str) -> Option<Zeroizing<String>> {
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

    /// Refuses a part of a value that a plugin wrote: the choice of parts could
    /// carry a message.
    fn whole(&self, pointer: &str) -> Result<(), Denial> {
        let is_whole = self.secret_pointers.iter().any(|secret| secret == pointer);
        if is_whole || !is_written(&self.taints, pointer) { Ok(()) } else { Err(part_of_written()) }
    }

    /// Keeps what a token endpoint's answer held.
    pub(crate) fn capture(&mut self, endpoint: &str, name: &str, value: Zeroizing<String>) {
        Arc::make_mut(&mut self.known).add(value.as_bytes());
        self.captured.insert(name.to_owned(), (endpoint.to_owned(), value));
    }

    /// Learns another value that must not come back: a signature, or a secret as a
    /// request encodes it. `origins` are what it was made from.
    pub(crate) fn learn(&mut self, value: &[u8], origins: &BTreeSet<Origin>) {
        let written = origins.iter().any(|origin| match origin {
            Origin::Config(pointer) => is_written(&self.taints, pointer),
            Origin::Captured { .. } => false,
        });
        let known = if written { self.written.entry(origins.clone()).or_default() } else { &mut self.known };
        Arc::make_mut(known).add(value);
    }

    /// What the answer to a request under `rules` must not show.
    pub(crate) fn screen(&self, rules: &InjectionRules<'_>) -> Screen {
        let here = self.written.iter().filter(|(origins, _)| origins.iter().all(|origin| rules.may_reach(origin)));
        Screen { known: Arc::clone(&self.known), written: here.map(|(_, known)| Arc::clone(known)).collect() }
    }

    /// Values to scrub from answers.
    pub(crate) fn known(&self) -> &Scrubber {
        &self.known
    }

    fn is_secret(&self, pointer: &str) -> bool {
        self.secret_pointers.iter().any(|secret| is_within(pointer, secret))
    }
}

/// Data that no call can be made with.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Unusable {
    /// The secrets hold more texts than can be looked for in every answer.
    TooManyTexts,
    /// The secret at this pointer is longer than a placed secret may be.
    TooLong(String),
}

/// The first secret that the manifest places and that is too long. It is refused
/// up front, before a plugin could learn its length by sending it.
pub(crate) fn too_long<'m>(manifest: &'m Manifest, data: &Value) -> Option<&'m str> {
    let placed = manifest.placements.iter().map(|placement| placement.secret.as_str());
    let mut long = placed.filter(|pointer| {
        data.pointer(pointer).and_then(Value::as_str).is_some_and(|text| text.len() > MAX_PLACED_BYTES)
    });
    long.next()
}

/// Whether a plugin is known to have written what is at `pointer`.
fn is_written(taints: &Taints, pointer: &str) -> bool {
    taints.about(pointer).any(|taint| !taint.unrecorded)
}

fn part_of_written() -> Denial {
    Denial::new("a part names a place inside a secret that check wrote: it goes as a whole, or not at all")
}

/// Learns every text of a secret value, including those of a JSON document in a
/// text. In such a document, texts that are public elsewhere are not secret.
fn learn(value: &Value, public: &BTreeSet<String>, known: &mut Scrubber) -> Result<(), Unusable> {
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
fn add(text: &str, known: &mut Scrubber) -> Result<(), Unusable> {
    let lines = text.lines().map(str::trim);
    let lines =
        lines.filter(|line| line.len() >= MIN_LINE_BYTES && line.len() < text.len() && !line.starts_with("-----"));
    for one in std::iter::once(text).chain(lines) {
        known.add(one.as_bytes());
        if known.count() > MAX_TEXTS {
            return Err(Unusable::TooManyTexts);
        }
    }
    Ok(())
}

fn texts(value: &Value, heard: &mut impl FnMut(&str) -> Result<(), Unusable>) -> Result<(), Unusable> {
    match value {
        Value::String(text) => heard(text),
        Value::Number(number) => heard(&number.to_string()),
        Value::Array(items) => items.iter().try_for_each(|item| texts(item, heard)),
        Value::Object(fields) => fields.values().try_for_each(|field| texts(field, heard)),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

/// Bytes of a placed secret and of a captured token. Up to this size its length
/// does not count towards the limits of a request.
pub(crate) const MAX_PLACED_BYTES: usize = 16 << 10;
const MIN_LINE_BYTES: usize = 16;
/// Of all secrets of a call. A service account's key file has some forty.
const MAX_TEXTS: usize = 128;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call_secrets(data: Value) -> Result<CallSecrets, Unusable> {
        let secrets = vec!["/secret".to_owned(), "/list".to_owned()];
        CallSecrets::new(SecretJson::new(data), secrets, Taints::default(), &manifest())
    }

    fn manifest() -> Manifest {
        let place = json!({ "secret": "/secret", "host": "h", "place": "key" });
        serde_json::from_value(json!({
            "id": "t", "title": "T", "summary": "T.", "category": "t", "version": "1.0.0", "formats": [],
            "placements": [place],
        }))
        .unwrap()
    }

    #[test]
    fn a_secret_that_is_placed_has_a_greatest_length() {
        assert!(call_secrets(json!({ "secret": "x".repeat(MAX_PLACED_BYTES) })).is_ok());
        let long = call_secrets(json!({ "secret": "x".repeat(MAX_PLACED_BYTES + 1) }));
        assert_eq!(long.err(), Some(Unusable::TooLong("/secret".to_owned())));
        assert!(call_secrets(json!({ "list": ["x".repeat(MAX_PLACED_BYTES + 1)] })).is_ok(), "it is placed nowhere");
    }

    #[test]
    fn only_secrets_are_handed_out() {
        let secrets = call_secrets(json!({"secret": "s3cret", "list": [{"key": "inner"}], "public": "p"})).unwrap();
        let value =
            |pointer: &str| secrets.secret(pointer).map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
        assert_eq!(value("/secret"), Ok("s3cret".to_owned()));
        assert_eq!(value("/list/0/key"), Ok("inner".to_owned()));
        for none in ["/public", "/secrets", "", "/list", "/list/1/key", "/none"] {
            assert!(value(none).is_err(), "{none}");
        }
        assert_eq!(secrets.known().scrub_text("s3cret inner p"), "[secret] [secret] p");
    }

    #[test]
    fn more_texts_than_can_be_looked_for_are_refused() {
        let texts = |count: usize| (0..count).map(|n| format!("text-{n}")).collect::<Vec<_>>();
        assert!(call_secrets(json!({"list": texts(128)})).is_ok());
        assert_eq!(call_secrets(json!({"list": texts(129)})).err(), Some(Unusable::TooManyTexts));
        assert_eq!(call_secrets(json!({"secret": json!(texts(200)).to_string()})).err(), Some(Unusable::TooManyTexts));
    }
}
