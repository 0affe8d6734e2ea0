//! The guest's side of Bursar's plugin contract (`wit/v0.1`).
//!
//! A credential type is three files of data (`manifest.json`, `schema.json`,
//! `template.json`) and a few pure functions. The functions are those of the
//! trait [`CredentialType`]; [`export_type!`] makes a component of both:
//!
//! ```text
//! bursar_plugin_sdk::export_type!(BasicAuth);
//! struct BasicAuth;
//! impl bursar_plugin_sdk::CredentialType for BasicAuth { /* ... */ }
//! ```
//!
//! Each further ability has its own trait and macro, such as [`Generator`] and
//! [`export_generator!`]: a component exports exactly the interfaces whose
//! macros it calls.
//!
//! Calls of the network plane ([`Prober`], [`Dns01`]) use [`http`], [`signing`]
//! and [`clock`], and name secrets that the host fills in. [`dns`] and
//! [`cert_manager`] have what DNS providers share.
//!
//! [`native`] calls the same functions without a sandbox, JSON in and JSON out.
//! With the feature `cases` the crate also runs a plugin's `tests/*.json`; see
//! [`cases`].
//!
//! This crate knows nothing of hosts, storage or any credential type.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod artifact;
pub mod bindings;
#[cfg(feature = "cases")]
pub mod cases;
pub mod cert_manager;
pub mod clock;
mod context;
pub mod dns;
mod env_file;
mod export;
pub mod host;
pub mod http;
mod inspection;
pub mod native;
mod panic;
mod rewrite;
pub mod signing;
mod traits;
mod violations;

pub use base64::prelude::{BASE64_STANDARD, Engine as Base64Engine};
pub use env_file::{NOT_IN_ENV, Variable, env_file, variable};
pub use inspection::Inspection;
pub use serde;
pub use serde_json as json;
pub use traits::{CredentialType, Dns01, Files, Generator, Prober};
pub use violations::Violations;

pub use bindings::bursar::plugin::types::{Context, Error, Part, Report, Violation};
pub use bindings::dns01::exports::bursar::plugin::dns01::{Progress, TxtRecord};
pub use bindings::exports::bursar::plugin::form::{Rewrite, Selector};
pub use bindings::exports::bursar::plugin::materializer::Artifact;

/// Standard base64 with padding (RFC 4648, section 4).
#[must_use]
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}
