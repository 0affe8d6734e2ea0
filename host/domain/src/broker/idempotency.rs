//! `Idempotency-Key`: the same creating request sent twice creates once.
//!
//! The record of the first is written in the same commit as what it created,
//! under a key that must be absent, so two of them at once cannot both create.
//! What the first made, such as a name that is now taken, is in the way of its
//! twin: so a use case looks for that first, then here, and only then says so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Broker, codec};
use crate::access::Caller;
use crate::store::{Batch, Expect};
use crate::{Error, Kind, Violation, keys};

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

/// What is kept of the first request.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// Keyed digest of the request.
    fingerprint: Vec<u8>,
    /// Id of what was created.
    pub(super) created: uuid::Uuid,
    #[serde(with = "crate::clock::timestamp")]
    pub(super) at: Timestamp,
}

impl Broker {
    /// What an earlier request with this key created.
    pub(super) async fn replayed(
        &self,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<uuid::Uuid>, Error> {
        let Some(key) = key else { return Ok(None) };
        if key.key.is_empty() || key.key.len() > MAX_KEY_BYTES || key.key.chars().any(char::is_control) {
            let message = format!("The header Idempotency-Key takes 1 to {MAX_KEY_BYTES} printable characters.");
            return Err(Error::invalid(vec![Violation::new("", "format", message)]));
        }
        let Some(record) = self.store().get(&self.idempotency_record(caller, key)).await? else {
            return Ok(None);
        };
        let kept: Kept = codec::decode(&record)?;
        if kept.fingerprint != self.fingerprint(key) {
            let message = "This Idempotency-Key was used for another request: take a new one.";
            return Err(Error::invalid(vec![Violation::new("", "idempotency-key-reused", message)]));
        }
        Ok(Some(kept.created))
    }

    /// Adds the record of this request to what it commits.
    pub(super) fn keep(
        &self,
        batch: Batch,
        caller: &Caller,
        key: Option<&IdempotencyKey>,
        created: uuid::Uuid,
    ) -> Result<Batch, Error> {
        let Some(key) = key else { return Ok(batch) };
        let kept = Kept { fingerprint: self.fingerprint(key), created, at: self.now() };
        Ok(batch.put(self.idempotency_record(caller, key), Expect::Absent, codec::encode(&kept)?))
    }

    fn idempotency_record(&self, caller: &Caller, key: &IdempotencyKey) -> Vec<u8> {
        keys::idempotency(self.blind(), &format!("{}\n{}", caller.token, key.key))
    }

    fn fingerprint(&self, key: &IdempotencyKey) -> Vec<u8> {
        self.blind().digest("idempotent-request", &key.request).to_vec()
    }
}

/// What was created is gone again.
pub(super) fn gone() -> Error {
    Error::new(Kind::Conflict, "what this Idempotency-Key created is gone: take a new key to create another")
}

const MAX_KEY_BYTES: usize = 255;
