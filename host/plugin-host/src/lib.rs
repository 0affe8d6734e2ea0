//! Runs plugins: WebAssembly components that know one credential type each.
//!
//! Start at [`PluginHost::load`], which reads the built-in components and the
//! operator's folders, and at [`PluginHost`]'s implementation of the domain's
//! port [`Plugins`](bursar_kernel::plugin::Plugins), where every call is encoded,
//! run in a fresh sandbox, and its answer checked.
//!
//! Everything inside the sandbox is assumed hostile. A plugin's imports are
//! checked against a fixed list and its contents are counted before it is
//! compiled (`admission`), a separate process compiles it (`compile`), each call
//! has limits (`limits`), and no answer is trusted (`answer`): a call that sees
//! secrets can answer only codes and places, with the messages of a manifest
//! written before it saw any.
//!
//! A call that sees secrets has no network, clock or randomness: the pure plane.
//! A call of the network plane (`network`) holds secrets only by name, and the
//! host fills them in where the manifest places them.
//!
//! Unknown here: the store, accounts and every credential type.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod admission;
mod answer;
mod approval;
mod archive;
mod cache;
mod compile;
mod config;
mod engine;
mod error;
mod event;
mod examine;
mod failures;
mod fair_queue;
mod folder;
mod form;
mod imports;
mod inventory;
mod limits;
mod load;
mod manifest;
mod names;
mod network;
mod observe;
mod plugins;
mod registry;
mod reported;
mod sandbox;
mod selection;
mod signature;
mod status;
mod text;
mod v0_1;
mod watch;

pub use admission::{ComponentLimits, Measure};
pub use approval::Approval;
pub use compile::{ChildError, Compiler, CompilerProcess, compile_for_parent};
pub use config::PluginHostConfig;
pub use engine::EngineMode;
pub use error::Error;
pub use event::PluginEvent;
pub use examine::{Examined, examine};
pub use limits::{CompilationLimits, Limits};
pub use manifest::parse_manifest;
pub use network::{
    AddressRule, HttpsTransport, NetworkConfig, Reach, Resolver, Transport, TransportError, WireAnswer, WireRequest,
};
pub use observe::{Observed, Observer};
pub use registry::{PluginHost, PluginInfo};
pub use signature::{Signed, TrustedKey, check_signature};
pub use watch::Watching;
