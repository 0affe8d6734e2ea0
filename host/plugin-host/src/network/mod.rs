//! The network plane: how a plugin's request leaves, and what of the answer comes
//! back.
//!
//! [`plane`] is one call. A request passes `target` (its address), `outbound` (is
//! it allowed), `assemble` and `body` (secrets in their places), [`Transport`]
//! (out and back, past `guard`) and `inbound` (what may be seen). It is recorded
//! before the plugin learns anything of the answer.

pub(crate) mod answer;
mod assemble;
mod body;
pub(crate) mod call_secrets;
mod client;
mod config;
mod document;
pub(crate) mod endpoint;
mod guard;
mod hosts;
mod inbound;
pub(crate) mod keys;
pub(crate) mod log;
mod outbound;
mod placements;
pub(crate) mod plane;
pub(crate) mod request;
mod target;
mod transport;

use std::sync::Arc;

pub use client::HttpsTransport;
pub use config::{AddressRule, NetworkConfig};
pub use guard::Resolver;
pub use transport::{Reach, Transport, TransportError, WireAnswer, WireRequest};

/// What all calls of the network plane share.
pub(crate) struct Network {
    config: NetworkConfig,
    transport: Arc<dyn Transport>,
}

impl Network {
    pub(crate) fn new(config: NetworkConfig) -> Self {
        let transport = config.transport.clone().unwrap_or_else(|| {
            Arc::new(HttpsTransport::new(config.connect_overrides.clone(), config.extra_roots.clone()))
        });
        Self { config, transport }
    }

    /// The transport of one call.
    fn transport(&self) -> Arc<dyn Transport> {
        self.transport.for_call().unwrap_or_else(|| Arc::clone(&self.transport))
    }
}
