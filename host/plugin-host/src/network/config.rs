//! The operator's settings of the network plane.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

use super::Transport;

/// The operator's settings of the network plane. The default grants no private
/// address and overrides none.
#[derive(Clone, Default)]
pub struct NetworkConfig {
    /// `host:port` → where to connect instead: for tests and proxies. TLS still
    /// asks for the host's own name.
    pub connect_overrides: BTreeMap<String, SocketAddr>,
    /// PEM certificates to trust beside the public roots.
    pub extra_roots: Vec<Vec<u8>>,
    /// By plugin id: private addresses it may reach.
    pub granted_addresses: BTreeMap<String, Vec<AddressRule>>,
    /// By plugin id: `host:port` that it may reach without TLS.
    pub granted_plain_http: BTreeMap<String, Vec<String>>,
    /// A transport other than the real one.
    pub transport: Option<Arc<dyn Transport>>,
}

impl fmt::Debug for NetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkConfig")
            .field("connect_overrides", &self.connect_overrides)
            .field("granted_addresses", &self.granted_addresses)
            .field("granted_plain_http", &self.granted_plain_http)
            .finish_non_exhaustive()
    }
}

/// A private address, or range of addresses, that is granted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AddressRule {
    /// `host:port`: any private address of this host, at this port only.
    HostPort(String, u16),
    /// `10.0.0.0/8`: any port.
    Range(IpNet),
}

impl FromStr for AddressRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self::Range(range));
        }
        let wrong =
            || format!("`{text}` is neither host:port, such as 127.0.0.1:8081, nor a range, such as 10.0.0.0/8");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        if host.is_empty() || host.contains(['/', '*', ' ']) { Err(wrong()) } else { Ok(Self::HostPort(host, port)) }
    }
}

impl AddressRule {
    /// Whether it grants `address` for a request to `host` at `port`.
    #[must_use]
    pub fn grants(&self, host: &str, address: IpAddr, port: u16) -> bool {
        match self {
            Self::HostPort(granted, at) => granted == host && *at == port,
            Self::Range(range) => range.contains(&address),
        }
    }
}
