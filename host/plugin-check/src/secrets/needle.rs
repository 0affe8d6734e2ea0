//! Looking for a secret in whatever a plugin says.

use std::fmt;

use bursar_scrub::{Matching, Scrubber};

/// A secret to look for.
#[derive(Clone)]
pub(crate) struct Needle(Scrubber);

impl Needle {
    /// A text that is long enough not to turn up by chance.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text.len() < MIN_BYTES {
            return None;
        }
        let mut scrubber = Scrubber::new(Matching::Whole);
        scrubber.add(text.as_bytes());
        Some(Self(scrubber))
    }

    /// How it is spelled in `text`, if it is there.
    pub(crate) fn spelled_in(&self, text: &[u8]) -> Option<&'static str> {
        self.0.spelling_in(text).map(bursar_scrub::Spelling::as_str)
    }
}

impl fmt::Debug for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Needle(..)")
    }
}

/// Less would turn up by chance.
const MIN_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_its_spelling() {
        let needle = Needle::new("s3cret+/ tök€n?>").unwrap();
        assert_eq!(needle.spelled_in("a s3cret+/ tök€n?> b".as_bytes()), Some("plain"));
        assert_eq!(needle.spelled_in(b"nothing to see s3cret+ here"), None);
        assert!(Needle::new("short").is_none());
    }
}
