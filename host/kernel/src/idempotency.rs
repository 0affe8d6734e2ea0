//! `Idempotency-Key`: the same creating request sent twice creates once.
//!
//! The record of the first is written in the same commit as what it created,
//! under a key that must be absent, so two of them at once cannot both create.
//! What the first made, such as a name that is now taken, is in the way of its
//! twin: so a use case looks for that first, then here, and only then says so.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Table};
use crate::store::{Batch, Expect, Record};
use crate::{Caller, Error, Journal, Kind, Ports, Violation, codec};

/// Recognizes repeated requests. Cheap to clone.
#[derive(Clone)]
pub struct Idempotency {
    ports: Ports,
}

/// What came with the request.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The header's value, 1-255 printable characters.
    pub key: String,
    /// Method, path and body of the request: a key is for one request only.
    /// Kept as a keyed digest, since the body may hold secrets.
    pub request: Vec<u8>,
}

/// Something created, now or by an earlier request with the same key.
#[derive(Clone, Debug)]
pub struct Created<T> {
    /// What was created, as it is now.
    pub value: T,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

/// The record of the first request.
#[derive(Serialize, Deserialize)]
struct FirstRequest {
    /// Keyed digest of the request.
    fingerprint: Vec<u8>,
    /// Id of what was created.
    created: uuid::Uuid,
    #[serde(with = "crate::clock::timestamp")]
    at: Timestamp,
}

impl Idempotency {
    pub(crate) fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// What an earlier request with this key created.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] for a malformed key, or one used for another request.
    pub async fn replayed(&self, caller: &Caller, key: Option<&IdempotencyKey>) -> Result<Option<uuid::Uuid>, Error> {
        let Some(key) = key else { return Ok(None) };
        if key.key.is_empty() || key.key.len() > MAX_KEY_BYTES || key.key.chars().any(char::is_control) {
            let message = format!("The header Idempotency-Key takes 1 to {MAX_KEY_BYTES} printable characters.");
            return Err(Error::invalid(vec![Violation::new("", "format", message)]));
        }
        let Some(record) = self.ports.store().get(&self.key_of(caller, key)).await? else {
            return Ok(None);
        };
        let first: FirstRequest = codec::decode(&record)?;
        if first.fingerprint != self.fingerprint(key) {
            let message = "This Idempotency-Key was used for another request: take a new one.";
            return Err(Error::invalid(vec![Violation::new("", "idempotency-key-reused", message)]));
        }
        Ok(Some(first.created))
    }

    /// Adds the record of this request to what it commits.
    ///
    /// # Errors
    ///
    /// Where the record cannot be encoded.
    pub fn record(
        &self,
        batch: Batch,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
        created: uuid::Uuid,
    ) -> Result<Batch, Error> {
        let Some(key) = key else { return Ok(batch) };
        let first = FirstRequest { fingerprint: self.fingerprint(key), created, at: self.ports.now() };
        Ok(batch.put(self.key_of(caller, key), Expect::Absent, codec::encode(&first)?))
    }

    /// Deletes records older than a day. Returns how many.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(&self, journal: &Journal) -> Result<usize, Error> {
        let horizon = self.ports.now() - KEEP_FOR;
        let is_old = |record: &Record| Ok(codec::decode::<FirstRequest>(record)?.at < horizon);
        journal.sweep(&Key::table(Table::Idempotency).bytes(), &is_old).await
    }

    fn key_of(&self, caller: &Caller, key: &IdempotencyKey) -> Vec<u8> {
        keys::idempotency(self.ports.blind(), &format!("{}\n{}", caller.token, key.key))
    }

    fn fingerprint(&self, key: &IdempotencyKey) -> Vec<u8> {
        self.ports.blind().digest("idempotent-request", &key.request).to_vec()
    }
}

/// The refusal of a repeated request whose creation was deleted meanwhile.
#[must_use]
pub fn gone() -> Error {
    Error::new(Kind::Conflict, "what this Idempotency-Key created is gone: take a new key to create another")
}

const MAX_KEY_BYTES: usize = 255;
const KEEP_FOR: SignedDuration = SignedDuration::from_hours(24);
