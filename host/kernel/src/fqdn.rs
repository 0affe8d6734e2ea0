//! Fully qualified domain names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A fully qualified name in its one form: lower case, without the trailing
/// dot, other alphabets as Punycode.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fqdn(String);

impl Fqdn {
    /// Reads a name: at most 253 characters in labels of 1 to 63 (RFC 1035,
    /// section 2.3.4) of letters, digits and inner hyphens, with underscores
    /// for names that are no hosts' (RFC 8552).
    ///
    /// # Errors
    ///
    /// One sentence saying which rule it breaks and the cure.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if !name.is_ascii() {
            return Err("Write a name of another alphabet in Punycode: xn--...");
        }
        if name.contains('*') {
            return Err("Leave the `*.` out: the record of a wildcard is at the name below it.");
        }
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err("A name has 1 to 253 characters, without the trailing dot.");
        }
        if name.split('.').any(|label| label.is_empty() || label.len() > MAX_LABEL_BYTES) {
            return Err("Between two dots stand 1 to 63 characters.");
        }
        let fits = |label: &str| {
            !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if !name.split('.').all(fits) {
            return Err("A name has letters, digits, inner hyphens and underscores between its dots.");
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is where a DNS challenge is answered (RFC 8555, section 8.4).
    #[must_use]
    pub fn is_challenge(&self) -> bool {
        self.0.strip_prefix(CHALLENGE_LABEL).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Whether it is below `suffix`, at any depth.
    #[must_use]
    pub fn is_below(&self, suffix: &Self) -> bool {
        self.0.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const CHALLENGE_LABEL: &str = "_acme-challenge";
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form() {
        for text in ["_acme-challenge.example.com", "_ACME-Challenge.Example.COM."] {
            assert_eq!(Fqdn::parse(text).unwrap().as_str(), "_acme-challenge.example.com");
        }
        assert!(Fqdn::parse("_acme-challenge.xn--bcher-kva.example").is_ok());
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(Fqdn::parse(&longest).unwrap().as_str().len(), 253);
        assert!(Fqdn::parse(&format!("{longest}.")).is_ok());
        for bad in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a.b..",
            "-a.b",
            "a-.b",
            "a b",
            "a/b",
            "bücher.example",
            "*.example.com",
            &format!("{label}a.b"),
            &format!("{longest}a"),
            "a\u{0}b",
            "a\nb",
        ] {
            assert!(Fqdn::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn challenges_are_told_from_what_only_looks_like_one() {
        let is_challenge = |text: &str| Fqdn::parse(text).unwrap().is_challenge();
        assert!(is_challenge("_acme-challenge.example.com"));
        assert!(is_challenge("_acme-challenge"));
        for other in
            ["example.com", "x._acme-challenge.example.com", "_acme-challenges.example.com", "acme-challenge.a"]
        {
            assert!(!is_challenge(other), "{other}");
        }
    }

    #[test]
    fn below_is_whole_labels_below() {
        let suffix = Fqdn::parse("example.com").unwrap();
        let below = |text: &str| Fqdn::parse(text).unwrap().is_below(&suffix);
        assert!(below("a.example.com") && below("b.a.example.com"));
        assert!(!below("example.com") && !below("anexample.com") && !below("example.com.evil.test"));
    }
}
