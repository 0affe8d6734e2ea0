//! A consumer's slot, which bindings fill.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use bursar_kernel::{Consumer, Slot, Violation};

/// A slot of a consumer: what at most one credential is bound to.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub struct ConsumerSlot {
    /// Who.
    pub consumer: Consumer,
    /// Where.
    pub slot: Slot,
}

impl ConsumerSlot {
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

const NOT_IN_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_of_both() {
        let told = ConsumerSlot::parse("web", "Image Pull").unwrap_err();
        let pointers: Vec<&str> = told.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/consumer", "/slot"]);
    }

    #[test]
    fn an_address_is_two_segments() {
        let place = ConsumerSlot::parse("registry:ghcr.io/a b?", "image-pull").unwrap();
        assert_eq!(place.in_path(), "registry:ghcr.io%2Fa%20b%3F/image-pull");
    }
}
