//! Bearer tokens: what is kept of one, and its text.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Role;
use crate::binding::Consumer;
use crate::clock::Entropy;
use crate::credential::Credential;
use crate::id::{AccountId, TokenId};

/// Whose token it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// The whole installation.
    Operator,
    /// A person or their tool, in one account.
    User,
    /// A workload, in one account.
    Workload,
}

impl TokenKind {
    /// The wire form, which is also part of the token's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::User => "user",
            Self::Workload => "workload",
        }
    }
}

/// What is kept of a token; its text is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Never changes.
    pub id: TokenId,
    /// For people; a slug.
    pub name: String,
    /// Whose.
    pub kind: TokenKind,
    /// In which account; `None` for operators.
    pub account: Option<AccountId>,
    /// The fixed role; ignored where `principal` is set.
    pub role: Option<Role>,
    /// The member whose role it carries, as it is when the token is used.
    pub principal: Option<String>,
    /// What it is narrowed to.
    #[serde(default)]
    pub scope: Scope,
    /// When it was made.
    #[serde(with = "crate::clock::timestamp")]
    pub created_at: Timestamp,
    /// When it stops working.
    #[serde(with = "crate::clock::timestamp::option")]
    pub expires_at: Option<Timestamp>,
    /// Keyed digest of the text, to find the index entry again.
    pub hash_key: Vec<u8>,
}

/// What a token is narrowed to. Empty parts do not narrow.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Scope {
    /// Ids or names.
    pub credentials: Vec<String>,
    /// Labels it must have, all of them.
    pub labels: BTreeMap<String, String>,
    /// Regions it may deal with.
    pub regions: Vec<String>,
    /// Consumers it may resolve for, `app:web`: what they are bound to is
    /// within, beside what the other parts name.
    pub consumers: Vec<String>,
}

impl Scope {
    /// Whether nothing is narrowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it may speak for `consumer`.
    #[must_use]
    pub fn speaks_for(&self, consumer: &Consumer) -> bool {
        self.consumers.is_empty() || self.consumers.iter().any(|own| own == consumer.as_str())
    }

    /// Whether `credential` is within whatever it is bound to. Of a token with
    /// consumers only those are that the other parts name.
    #[must_use]
    pub fn admits(&self, credential: &Credential) -> bool {
        if self.credentials.is_empty() && self.labels.is_empty() {
            return self.consumers.is_empty();
        }
        let id = credential.id.to_string();
        let named = self.credentials.is_empty()
            || self.credentials.iter().any(|wanted| *wanted == id || wanted == credential.name.as_str());
        let labelled = self.labels.iter().all(|(key, value)| credential.labels.get(key) == Some(value));
        named && labelled
    }
}

/// A token's text: `brs_<kind>_<43 base62 digits><6 base62 digits of CRC-32>`.
///
/// The prefix lets secret scanners find it, the checksum rejects a typo without
/// asking the store.
#[derive(Clone, Eq, PartialEq)]
pub struct TokenText(Zeroizing<String>);

impl TokenText {
    /// Makes a new one: 256 bits of entropy.
    #[must_use]
    pub fn generate(kind: TokenKind, entropy: &dyn Entropy) -> Self {
        let mut text = Zeroizing::new(format!("brs_{}_", kind.as_str()));
        let mut digits = 0;
        while digits < RANDOM_DIGITS {
            let mut bytes = Zeroizing::new([0_u8; 64]);
            entropy.fill(&mut *bytes);
            // 248 is the largest multiple of 62 in a byte: above it the low
            // digits would come up more often.
            for byte in bytes.iter().filter(|byte| **byte < 248).take(RANDOM_DIGITS - digits) {
                text.push(char::from(BASE62[usize::from(byte % 62)]));
                digits += 1;
            }
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// Reads one; `None` for what cannot be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kind_and_digits = text.strip_prefix("brs_")?;
        let (kind, digits) = kind_and_digits.split_once('_')?;
        let known = [TokenKind::Operator, TokenKind::User, TokenKind::Workload];
        if !known.iter().any(|k| k.as_str() == kind)
            || digits.len() != RANDOM_DIGITS + CHECKSUM_DIGITS
            || !digits.bytes().all(|digit| digit.is_ascii_alphanumeric())
        {
            return None;
        }
        let (body, sum) = text.split_at(text.len() - CHECKSUM_DIGITS);
        (checksum(body) == sum).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, to hand to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}

/// CRC-32 (IEEE 802.3), six base62 digits, the most significant first.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

const RANDOM_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(0..) {
                *byte = value;
            }
        }
    }

    #[test]
    fn a_typo_is_seen_offline() {
        let token = TokenText::generate(TokenKind::User, &Counting);
        let text = token.expose().to_owned();
        assert!(text.starts_with("brs_user_"), "{text}");
        assert_eq!(TokenText::parse(&text), Some(token.clone()));
        for at in 9..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'z' { b'y' } else { b'z' };
            assert_eq!(TokenText::parse(&String::from_utf8(typo).unwrap()), None, "digit {at}");
        }
        assert_eq!(format!("{token:?}"), "TokenText(..)");
        assert!(TokenText::parse("brs_root_x").is_none());
    }
}
