//! The network plane: what a plugin's request becomes before it leaves, and
//! what of the answer comes back.

mod config;
mod transport;

pub use config::{AddressRule, NetworkConfig};
pub use transport::{Reach, Transport, TransportError, WireAnswer, WireRequest};
