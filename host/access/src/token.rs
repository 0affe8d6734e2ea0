//! Bearer tokens: what is kept of one, and its text.

use std::fmt;

use bursar_kernel::clock::Entropy;
use bursar_kernel::id::{AccountId, TokenId};
use bursar_kernel::{Role, Scope, TokenKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

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
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub created_at: Timestamp,
    /// When it stops working.
    #[serde(with = "bursar_kernel::clock::timestamp::option")]
    pub expires_at: Option<Timestamp>,
    /// Keyed digest of the text, to find the index entry again.
    pub hash_key: Vec<u8>,
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
