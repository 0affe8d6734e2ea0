//! The port to storage: a revisioned ordered map with compare-and-commit.
//!
//! Three methods and no open transactions: the embedded engine has one writer,
//! and nothing may hold it across a plugin call. Values reach an engine sealed,
//! so nothing can be looked up by what is inside one: what must be found gets
//! an index key in the same [`Batch`]. Keys hold only ids and keyed digests of
//! names (see [`BlindIndex`] and [`crate::keys`]).

use async_trait::async_trait;

use crate::audit::Event;

/// Unique to a commit and never reused, also not after a delete. Rising on one
/// node; *not* in commit order across nodes.
pub type Revision = u64;

/// A value as it was at `revision`.
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    /// The key it is under.
    pub key: Vec<u8>,
    /// The commit that wrote it.
    pub revision: Revision,
    /// The value, opened.
    pub value: Vec<u8>,
}

/// Ordered, versioned storage.
#[async_trait]
pub trait Store: Send + Sync {
    /// The newest committed record under `key`.
    ///
    /// # Errors
    ///
    /// [`Error::Unsealable`] where the value was not written by us under this
    /// key and revision; [`Error::Unavailable`] where the engine failed.
    async fn get(&self, key: &[u8]) -> Result<Option<Record>, Error>;

    /// Up to `limit` records whose keys start with `prefix` and sort after
    /// `after` (empty: from the start), in key order.
    ///
    /// # Errors
    ///
    /// As for [`Store::get`].
    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Record>, Error>;

    /// Applies every change of `batch` and appends its events to the audit
    /// chain, durably, or does nothing of it. Answers after it is on disk.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] where one precondition does not hold.
    async fn commit(&self, batch: Batch) -> Result<Revision, Error>;
}

/// Changes that happen together, and what the audit trail says of them. A key
/// occurs once, among requirements and changes.
#[derive(Clone, Default)]
pub struct Batch {
    /// What must hold of keys that are not changed here.
    pub requirements: Vec<(Vec<u8>, Expect)>,
    /// The changes; may be empty when only events are to be recorded.
    pub changes: Vec<Change>,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// One change.
#[derive(Clone)]
pub struct Change {
    /// Where.
    pub key: Vec<u8>,
    /// What must be true of the key for the batch to happen.
    pub expect: Expect,
    /// The new value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// A precondition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// There is no record.
    Absent,
    /// There may be one or not.
    Any,
    /// The record is at this revision.
    At(Revision),
}

impl Batch {
    /// Adds a put.
    #[must_use]
    pub fn put(mut self, key: Vec<u8>, expect: Expect, value: Vec<u8>) -> Self {
        self.changes.push(Change { key, expect, value: Some(value) });
        self
    }

    /// Adds a precondition on a key that is not changed.
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

/// Keyed digests, so that a key or a fingerprint tells nothing of the text it
/// was made from to one who holds the database.
pub trait BlindIndex: Send + Sync {
    /// HMAC-SHA256 of `text` under the installation's index key, separated by
    /// `context`.
    fn digest(&self, context: &str, text: &[u8]) -> [u8; 32];
}

/// Why storage failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else changed a key first: read again and decide again.
    #[error("the record changed since it was read")]
    Conflict,
    /// The stored value does not open under its key and revision: it was
    /// altered, moved or put back. `key_hex` names the record.
    #[error("the record {key_hex} cannot be opened: it was altered, moved or put back")]
    Unsealable {
        /// The record's key in hex; holds only ids and keyed digests.
        key_hex: String,
    },
    /// The engine is not there, or its disk is full.
    #[error("storage is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Conflict => crate::Kind::Conflict,
            Error::Unsealable { .. } => crate::Kind::Internal,
            Error::Unavailable(_) => crate::Kind::Unavailable,
        };
        Self::new(kind, &error).because(error)
    }
}
