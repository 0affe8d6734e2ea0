//! Keeps what is in every region as it should be: the reconcile loop, and the
//! targets it pushes to.
//!
//! What to push is the broker's word; here is when, and how each kind of target
//! takes it.

#![forbid(unsafe_code)]

mod http;
mod settings;
mod targets;

pub use targets::SystemTargets;
