//! Keeps credentials in place in regions: the reconcile loop, and the kinds of
//! targets behind the domain's port.
//!
//! The broker decides what to push. This crate decides when, speaks to each kind
//! of target, and makes sure that nothing foreign is touched.

#![forbid(unsafe_code)]

mod blot;
pub mod engine;
mod http;
mod settings;
mod targets;

pub use targets::SystemTargets;
