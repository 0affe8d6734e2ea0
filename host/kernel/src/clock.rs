//! The ports to time and chance. Both are parameters everywhere, so that a test
//! can hold them still.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Waiting.
#[async_trait]
pub trait Timer: Send + Sync {
    /// Ends after `duration`, not before.
    async fn sleep(&self, duration: Duration);
}

/// Chance.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` from a cryptographically secure generator.
    fn fill(&self, bytes: &mut [u8]);
}

/// The contract's form of a time: RFC 3339, UTC, `Z`, milliseconds.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `serde(with)` for times in the contract's form.
pub mod timestamp {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes milliseconds.
    ///
    /// # Errors
    ///
    /// The serializer's own.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::rfc3339(*at))
    }

    /// Reads any RFC 3339 time.
    ///
    /// # Errors
    ///
    /// When the text is not one.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }

    /// The same for optional times.
    pub mod option {
        use super::{Deserialize, Deserializer, Serializer, Timestamp};

        /// Writes milliseconds or null.
        ///
        /// # Errors
        ///
        /// The serializer's own.
        pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads any RFC 3339 time or null.
        ///
        /// # Errors
        ///
        /// When the text is not one.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
            Option::deserialize(deserializer)
        }
    }
}
