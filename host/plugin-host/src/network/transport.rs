//! The port to the wire. What is decided about a request is decided before it
//! comes here; where its host's addresses lie is decided here, since only here
//! they are known.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use url::Url;
use zeroize::Zeroizing;

use super::AddressRule;

/// Carries one request to its host and brings the answer back.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request`, once, without following redirects.
    ///
    /// # Errors
    ///
    /// See [`TransportError`].
    async fn exchange(&self, request: WireRequest, reach: &Reach) -> Result<WireAnswer, TransportError>;

    /// A transport for one call, which may keep its connections until the call
    /// ends. `None` where there is nothing to keep.
    fn for_call(&self) -> Option<Arc<dyn Transport>> {
        None
    }

    /// The time that goes with this wire, in Unix seconds: what is replayed was
    /// signed at a time of its own.
    fn now(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// A request as it goes on the wire, its secrets filled in. No `Debug`.
pub struct WireRequest {
    /// Such as `POST`.
    pub method: String,
    /// With the query; its host was granted.
    pub url: Url,
    /// In order; names in lower case.
    pub headers: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// At most 1 MiB.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// What came back.
pub struct WireAnswer {
    /// Of the status line.
    pub status: u16,
    /// In order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whole.
    pub body: Zeroizing<Vec<u8>>,
}

/// How far a request may reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// Private addresses that the operator granted this plugin.
    pub addresses: Vec<AddressRule>,
    /// For the whole exchange.
    pub timeout: Duration,
    /// Of the answer's body.
    pub max_answer_bytes: usize,
}

/// Why no answer came. The texts are for the operator's log and the audit
/// trail; a plugin is told one fixed sentence.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Every address of the host is one that plugins may not reach.
    #[error("{0}")]
    Refused(String),
    /// It took longer than it may.
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
    /// The answer is larger than it may be.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// No connection, no TLS, or half an answer.
    #[error("{0}")]
    Failed(String),
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireRequest(..)")
    }
}
