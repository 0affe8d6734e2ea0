//! What Bursar is, without how it runs: the types, the rules and the use cases
//! of a credential broker, and the ports through which it reaches the world.
//!
//! Start at [`broker::Broker`]: each thing a caller can ask for is one public
//! function there, read top to bottom: authorize, validate, ask the plugin,
//! commit the change with its audit events, answer. The ports are [`store`],
//! [`plugin`], [`region`], [`clock`] and [`audit`].
//!
//! Deliberately unknown here: HTTP, any database, WebAssembly, the clock,
//! randomness and every credential type.

#![forbid(unsafe_code)]

pub mod access;
pub mod audit;
pub mod binding;
pub mod broker;
pub mod clock;
pub mod credential;
pub mod dns;
pub mod error;
mod fields;
pub mod id;
mod if_match;
pub mod integer;
pub mod keys;
pub mod nodes;
pub mod plugin;
pub mod region;
pub mod secret;
pub mod store;
mod submitted;
pub mod text;

pub use error::{Conflict, Error, Kind, Violation};
pub use if_match::IfMatch;
pub use submitted::Submitted;
