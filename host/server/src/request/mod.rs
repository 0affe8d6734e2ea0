//! Extractors. Each rejects with a problem that says what is wrong, and describes itself
//! in the OpenAPI document.

mod body;
mod events;
mod forwarded;
mod in_flight;
mod measure;
mod path;
mod precondition;
mod query;

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;

pub(crate) use body::{Creation, IdempotencyKeyHeader, Unread};
pub(crate) use events::{LastEventId, WantsEvents};
pub use forwarded::{ForwardedHeader, TrustedProxies};
pub(crate) use in_flight::{BytesInFlight, Reservation};
pub(crate) use path::{
    AccountPath, AccountRegionPath, AccountTokenPath, BindingPath, CredentialPath, CredentialTypePath, DnsProviderPath,
    MemberPath, OperatorTokenPath, Path, PluginPath, ProblemPath, RegionPath, VersionPath,
};
pub(crate) use precondition::IfMatch;
pub(crate) use query::{FromParameters, NoQuery, PageQuery, Parameters, Query};

/// The client's address: the socket's, or what a trusted proxy's headers say.
pub(crate) fn client_address(parts: &Parts, trusted: &TrustedProxies) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(trusted.client(peer.ip(), &parts.headers))
}
