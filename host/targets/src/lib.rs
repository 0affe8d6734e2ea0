//! Where regions put credentials: directories, Kubernetes clusters, `OpenBao` and
//! webhook receivers, each behind the port that regions define.
//!
//! The regions decide what to push and when. This crate speaks to each kind of
//! target, and makes sure that nothing foreign is touched.

#![forbid(unsafe_code)]

mod blot;
mod directory;
mod http;
mod kubernetes;
mod openbao;
mod settings;
mod system;
mod webhook;

pub use system::SystemTargets;
