//! Who uses credentials, and where: consumers and slots.

use std::fmt;

use serde::{Deserialize, Serialize};

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

fn is_word(text: &str, max_bytes: usize) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= max_bytes
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

const MAX_KIND_BYTES: usize = 32;
const MAX_NAME_CHARS: usize = 253;
const MAX_SLOT_BYTES: usize = 64;

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
}
