//! Stored values are JSON; a value that does not parse is a defect of ours,
//! since it opened under its own key.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::Record;
use crate::{Error, Kind};

/// Writes a record's value.
///
/// # Errors
///
/// [`Kind::Internal`] where it cannot be written as JSON.
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(Kind::Internal, "a record could not be written").because(error))
}

/// Reads a record's value.
///
/// # Errors
///
/// [`Kind::Internal`] where it is of a shape this version does not know.
pub fn decode<T: DeserializeOwned>(record: &Record) -> Result<T, Error> {
    // The cause is left out: serde's messages may quote what they read.
    serde_json::from_slice(&record.value)
        .map_err(|_| Error::new(Kind::Internal, "a stored record is not of a shape this version can read"))
}
