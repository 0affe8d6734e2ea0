//! What the host offers to calls of the network plane.
//!
//! In a component these are the imports `clock`, `http` and `signing`. Natively
//! there is no host: each returns [`Error::Unsupported`], unless a test
//! provides one by [`with`].

use crate::bindings::network::bursar::plugin::http::{Error as SendError, Request, Response};
use crate::bindings::network::bursar::plugin::signing::{DigestAlgorithm, SignatureAlgorithm, Source};
use crate::{Error, Part};

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(any(test, feature = "cases"))]
pub(crate) mod software;
#[cfg(not(target_arch = "wasm32"))]
mod standin;

#[cfg(target_arch = "wasm32")]
pub(crate) use component::{derive_hmac_sha256, digest, digest_text, hmac_sha256, load, now, send, sign};
#[cfg(not(target_arch = "wasm32"))]
pub use standin::{Host, with};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use standin::{derive_hmac_sha256, digest, digest_text, hmac_sha256, load, now, send, sign};
