//! The port to storage: a revisioned ordered map with compare-and-commit.
//!
//! Three methods and no open transactions: the embedded engine has one writer,
//! which nothing may hold across a plugin call. Values are sealed before they
//! reach an engine, so they cannot be searched: whatever must be found gets an
//! index key in the same [`Batch`]. Keys hold only ids and keyed digests of names
//! (see [`BlindIndex`] and [`crate::keys`]).

use async_trait::async_trait;

use crate::audit::Event;

/// Identifies a commit; never reused, not even after a delete. Increases on one
/// node, but does *not* follow the order of commits across nodes.
pub type Revision = u64;

/// A value as it was at `revision`.
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    /// The record's key.
    pub key: Vec<u8>,
    /// The commit that wrote it.
    pub revision: Revision,
    /// The decrypted value.
    pub value: Vec<u8>,
}

/// Ordered, versioned storage.
#[async_trait]
pub trait Store: Send + Sync {
    /// The newest committed record under `key`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsealable`] if the value was not written by this installation
    /// under this key and revision; [`StoreError::Unavailable`] if the engine failed.
    async fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError>;

    /// Up to `limit` records whose keys start with `prefix` and sort after
    /// `after` (empty: from the start), in key order.
    ///
    /// # Errors
    ///
    /// As for [`Store::get`].
    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Applies all changes of `batch` and appends its events to the audit chain,
    /// or does neither. Returns once the commit is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if a precondition does not hold.
    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError>;
}

/// Changes that are applied together, and the audit events that describe them. Each
/// key occurs at most once in requirements and changes together.
#[derive(Clone, Default)]
pub struct Batch {
    /// Preconditions on keys that this batch does not change.
    pub requirements: Vec<(Vec<u8>, Expect)>,
    /// The changes; may be empty if there are only events to record.
    pub changes: Vec<Change>,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// One change.
#[derive(Clone)]
pub struct Change {
    /// The key to change.
    pub key: Vec<u8>,
    /// The key's precondition.
    pub expect: Expect,
    /// The new value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// A precondition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// There is no record.
    Absent,
    /// No precondition.
    Any,
    /// The record has this revision.
    At(Revision),
}

impl Batch {
    /// Adds a put.
    #[must_use]
    pub fn put(mut self, key: Vec<u8>, expect: Expect, value: Vec<u8>) -> Self {
        self.changes.push(Change { key, expect, value: Some(value) });
        self
    }

    /// Adds a precondition on a key that the batch does not change.
    #[must_use]
    pub fn require(mut self, key: Vec<u8>, expect: Expect) -> Self {
        self.requirements.push((key, expect));
        self
    }

    /// Adds a delete.
    #[must_use]
    pub fn delete(mut self, key: Vec<u8>, expect: Expect) -> Self {
        self.changes.push(Change { key, expect, value: None });
        self
    }

    /// Adds an audit event.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }
}

/// Keyed digests: without the installation's index key, a digest reveals nothing
/// about the text it was computed from.
pub trait BlindIndex: Send + Sync {
    /// HMAC-SHA256 of `text` under the installation's index key, separated by
    /// `context`.
    fn digest(&self, context: &str, text: &[u8]) -> [u8; 32];
}

/// Why storage failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A concurrent commit changed a key first: read and decide again.
    #[error("the record changed since it was read")]
    Conflict,
    /// The stored value does not decrypt under its key and revision: it was
    /// altered, moved or rolled back.
    #[error("the record {key_hex} cannot be opened: it was altered, moved or rolled back; run `bursar audit verify`")]
    Unsealable {
        /// The record's key in hex: only ids and keyed digests.
        key_hex: String,
    },
    /// The engine cannot be reached, or its disk is full.
    #[error("storage is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for crate::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Conflict => crate::Kind::Conflict,
            StoreError::Unsealable { .. } => crate::Kind::Internal,
            StoreError::Unavailable(_) => crate::Kind::Unavailable,
        };
        Self::new(kind, &error).because(error)
    }
}
