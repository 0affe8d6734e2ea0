//! HTTPS through the host, to the hosts that the manifest asks for and the
//! operator grants.
//!
//! ```text
//! let records: Records = Request::get(format!("{API}/zones/{id}/dns_records"))
//!     .query("type", "TXT")
//!     .bearer(Secret("/apiToken"))
//!     .send()?
//!     .ok(&SERVICE)?
//!     .json(&SERVICE)?;
//! ```
//!
//! A secret is named, not held: the host fills it in where the manifest's
//! `placements` allow. Redirects are not followed; a call sends at most 20
//! requests.

mod body;
mod failure;
mod parts;
mod request;
mod response;
mod retry_after;
mod url;

pub use failure::Service;
pub use parts::{Parts, Secret};
pub use request::Request;
pub use response::Response;
pub use url::encoded;
pub(crate) use url::encoded_path;

/// The contract's own request and answer, as they cross to the host.
pub mod wire {
    pub use crate::bindings::network::bursar::plugin::http::{Error, Field, Request, Response};
}
