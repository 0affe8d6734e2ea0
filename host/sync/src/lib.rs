//! Where credentials can be put: the kinds of targets, behind the domain's port.
//!
//! What to push and when is the broker's word; here is how each kind takes it,
//! and that nothing foreign is touched.

#![forbid(unsafe_code)]

mod blot;
mod http;
mod settings;
mod targets;

pub use targets::SystemTargets;
