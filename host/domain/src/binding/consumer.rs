use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Violation;

/// Who uses credentials: `app:web`, `host:api.example.com`, `environment:staging`.
/// The kinds mean nothing to the core.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Consumer(String);

impl Consumer {
    /// Reads `kind:name`. The name may hold anything that can be seen, colons
    /// and slashes too: images and addresses have them.
    ///
    /// # Errors
    ///
    /// One sentence saying which rule it breaks and the cure.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (kind, name) = text
            .split_once(':')
            .ok_or("Write a consumer as kind and name, such as app:web or host:api.example.com.")?;
        if !is_word(kind, MAX_KIND_BYTES) {
            return Err("A consumer's kind has 1 to 32 lower-case letters, digits and `-`, and starts with a letter.");
        }
        let chars = name.chars().count();
        if chars == 0 || chars > MAX_NAME_CHARS || name.chars().any(char::is_control) || name.trim() != name {
            return Err("A consumer's name has 1 to 253 printable characters, without spaces around them.");
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a consumer uses a credential: `image-pull`. Plugins name slots.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(String);

impl Slot {
    /// Reads `^[a-z][a-z0-9-]{0,63}$`.
    ///
    /// # Errors
    ///
    /// One sentence saying which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if is_word(text, MAX_SLOT_BYTES) {
            return Ok(Self(text.to_owned()));
        }
        Err("A slot has 1 to 64 lower-case letters, digits and `-`, and starts with a letter, such as image-pull.")
    }

    /// The slot as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A slot of a consumer: what at most one credential is bound to.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Who.
    pub consumer: Consumer,
    /// Where.
    pub slot: Slot,
}

impl Place {
    /// Reads both.
    ///
    /// # Errors
    ///
    /// What is wrong, of both at once, under `/consumer` and `/slot`.
    pub fn parse(consumer: &str, slot: &str) -> Result<Self, Vec<Violation>> {
        match (Consumer::parse(consumer), Slot::parse(slot)) {
            (Ok(consumer), Ok(slot)) => Ok(Self { consumer, slot }),
            (consumer, slot) => {
                let told = |pointer: &str, rule| Violation::new(pointer, "format", rule);
                let consumer = consumer.err().map(|rule| told("/consumer", rule));
                Err(consumer.into_iter().chain(slot.err().map(|rule| told("/slot", rule))).collect())
            }
        }
    }

    /// The end of its address: `app:web/image-pull`, percent-encoded where need
    /// be (RFC 3986, section 3.3).
    #[must_use]
    pub fn in_path(&self) -> String {
        format!("{}/{}", utf8_percent_encode(self.consumer.as_str(), NOT_IN_SEGMENT), self.slot)
    }
}

fn is_word(text: &str, max_bytes: usize) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= max_bytes
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

const MAX_KIND_BYTES: usize = 32;
const MAX_NAME_CHARS: usize = 253;
const MAX_SLOT_BYTES: usize = 64;
const NOT_IN_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_are_a_kind_and_a_name() {
        for good in ["app:web", "host:api.example.com", "registry:ghcr.io/team", "environment:Zürich 2", "a:b:c"] {
            assert_eq!(Consumer::parse(good).map(|consumer| consumer.to_string()).as_deref(), Ok(good));
        }
        let long = format!("app:{}", "ä".repeat(254));
        for bad in ["", "app", ":web", "App:web", "1app:web", "app:", "app: web", "app:a\nb", "app:a\u{7f}", &long] {
            assert!(Consumer::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Consumer::parse(&format!("{}:x", "k".repeat(32))).is_ok());
        assert!(Consumer::parse(&format!("{}:x", "k".repeat(33))).is_err());
        assert!(Slot::parse(&"s".repeat(64)).is_ok() && Slot::parse(&"s".repeat(65)).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_of_both() {
        let told = Place::parse("web", "Image Pull").unwrap_err();
        let pointers: Vec<&str> = told.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/consumer", "/slot"]);
    }

    #[test]
    fn an_address_is_two_segments() {
        let place = Place::parse("registry:ghcr.io/a b?", "image-pull").unwrap();
        assert_eq!(place.in_path(), "registry:ghcr.io%2Fa%20b%3F/image-pull");
    }
}
