//! Keeping credentials in place in regions: the reconcile loop, and the kinds of
//! targets behind the domain's port.
//!
//! What is to be pushed is the broker's word; here is when, how each kind takes
//! it, and that nothing foreign is touched.

#![forbid(unsafe_code)]

mod blot;
pub mod engine;
mod http;
mod settings;
mod targets;

pub use targets::SystemTargets;
