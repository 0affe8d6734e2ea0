//! The port to the network. Requests are decided about before they arrive here;
//! only the addresses of their hosts are decided about here, where they become
//! known.

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

    /// The current time for this transport, in Unix seconds: replayed exchanges
    /// were signed at a time of their own.
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

/// An answer.
pub struct WireAnswer {
    /// Of the status line.
    pub status: u16,
    /// In order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
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

/// Why no answer came. The texts are for the operator's log and the audit trail;
/// a plugin sees a fixed sentence.
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
