//! Every way a use case can fail, with one table for what follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The closed set of failures. What each means to HTTP, to the exit code and
/// to a retry is decided once, from this.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// The input is wrong: see [`Error::violations`].
    Invalid,
    /// No token, or not one of ours.
    Unauthenticated,
    /// The caller's role lacks the right.
    Denied,
    /// There is none, or it belongs to another account.
    NotFound,
    /// Something else is in the way: a taken name, a changed record.
    Conflict,
    /// Others changed it again and again meanwhile.
    Overtaken,
    /// The account has as many of these as it may.
    QuotaExceeded,
    /// `If-Match` named another revision.
    Stale,
    /// The type, or this build, has no such ability.
    Unsupported,
    /// Too many requests.
    Throttled,
    /// A part we need is not there now; a retry may work.
    Unavailable,
    /// The plugin failed: a trap, a broken limit, an answer against the contract.
    Plugin,
    /// A defect of ours.
    Internal,
}

impl Kind {
    /// Whether the same request may work later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Overtaken | Self::Throttled | Self::Unavailable => true,
            Self::Invalid
            | Self::Unauthenticated
            | Self::Denied
            | Self::NotFound
            | Self::Conflict
            | Self::QuotaExceeded
            | Self::Stale
            | Self::Unsupported
            | Self::Plugin
            | Self::Internal => false,
        }
    }
}

/// One thing wrong with the input.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) into the request body.
    pub pointer: String,
    /// Stable and machine-readable.
    pub code: String,
    /// What is wrong and the cure; never a secret.
    pub message: String,
}

impl Violation {
    /// A violation of the core's own rules.
    pub fn new(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), message: message.into() }
    }
}

/// Something that is in the way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// What it is: `binding`, `default`, `credential`, `dns-record`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is, as a path of the API.
    pub url: String,
}

/// A failure of a use case.
///
/// `message` is for the caller and holds neither upstream text nor secrets;
/// `source` is for the log, once, where the error is handled.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Which of the closed set.
    pub kind: Kind,
    /// One sentence for the caller.
    pub message: String,
    /// Every violation at once, when `kind` is [`Kind::Invalid`].
    pub violations: Vec<Violation>,
    /// What is in the way, when `kind` is [`Kind::Conflict`] and it is known.
    pub conflicts: Vec<Conflict>,
    /// Seconds to wait, where known.
    pub retry_after_seconds: Option<u32>,
    /// The cause, for the log alone.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure with a sentence for the caller.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            violations: Vec::new(),
            conflicts: Vec::new(),
            retry_after_seconds: None,
            source: None,
        }
    }

    /// Wrong input, with everything that is wrong about it.
    #[must_use]
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [one] if one.pointer.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.pointer, one.message),
            many => format!("{} fields are not valid", many.len()),
        };
        Self { violations, ..Self::new(Kind::Invalid, message) }
    }

    /// Attaches the cause, for the log.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// There is no such thing, or the caller may not know of it.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format_args!("there is no such {what}"))
    }
}

/// The refusal of a name that something else has.
#[must_use]
pub fn name_taken() -> Error {
    let violations = vec![Violation::new("/name", "taken", "This name is taken: choose another.")];
    Error { kind: Kind::Conflict, ..Error::invalid(violations) }
}

/// Others changed the same record again and again.
#[must_use]
pub fn overtaken() -> Error {
    Error::new(Kind::Overtaken, "it kept changing while this was tried: try again")
}
