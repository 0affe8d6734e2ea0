//! The client's address behind proxies: the socket's address or, where that is a
//! trusted proxy's, what the proxies' headers say.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use http::HeaderMap;
use ipnet::IpNet;

/// The header that the proxies write. It must be configured: a proxy writes one of them
/// and passes the other on as the client sent it, so trusting both means trusting the
/// client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, which most proxies write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies whose headers are trusted. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<RwLock<ProxySettings>>);

#[derive(Clone, Debug, Default)]
struct ProxySettings {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// Those in these networks, which all write this header.
    #[must_use]
    pub fn new(networks: Vec<IpNet>, header: ForwardedHeader) -> Self {
        Self(Arc::new(RwLock::new(ProxySettings { networks, header })))
    }

    /// Replaces them by those of `other`, in all clones.
    pub fn replace(&self, other: &Self) {
        let known = other.known().clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Whether the address is one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.known().contains(address)
    }

    /// The client: the last address in the chain that is not a trusted proxy's. The peer
    /// where the header cannot be read.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.known().client(peer, headers)
    }

    fn known(&self) -> RwLockReadGuard<'_, ProxySettings> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProxySettings {
    fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut client = peer;
        // Each proxy adds to the right, in the same line or in one of its own.
        let lines: Vec<_> = headers.get_all(name).iter().collect();
        for line in lines.into_iter().rev() {
            let Ok(line) = line.to_str() else { return peer };
            for element in split(line, ',').into_iter().rev() {
                let address = match self.header {
                    ForwardedHeader::XForwardedFor => node(element.trim()),
                    ForwardedHeader::Forwarded => forwarded_for(element),
                };
                let Some(address) = address else { return peer };
                client = address;
                if !self.contains(address) {
                    return client;
                }
            }
        }
        client
    }
}

/// The `for` parameter of one element (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in split(element, ';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") {
            let value = value.trim();
            let bare = match value.strip_prefix('"') {
                None => value,
                Some(quoted) => quoted.strip_suffix('"')?,
            };
            // Twice is against the grammar.
            if found.replace(node(bare)?).is_some() {
                return None;
            }
        }
    }
    found
}

/// An address with or without a port (RFC 7239, section 6); names of the
/// proxy's own and `unknown` are none.
fn node(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    address.ok().or_else(bracketed).map(|address| address.to_canonical())
}

/// The parts between separators that are not quoted.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(|character| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match character {
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        character == separator && !is_quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(header: ForwardedHeader, peer: &str, lines: &[(&'static str, &'static str)]) -> String {
        let networks = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        TrustedProxies::new(networks.into(), header).client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_first_that_is_no_proxy_from_the_right_is_the_client() {
        let of = |peer: &str, lines: &[&'static str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            client(ForwardedHeader::XForwardedFor, peer, &lines)
        };
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("203.0.113.5", &["198.51.100.1"]), "203.0.113.5", "a direct client cannot say who it is");
        assert_eq!(of("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(of("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(of("10.0.0.1", &["1.1.1.1, 198.51.100.1"]), "198.51.100.1", "what the client sent is not read");
        assert_eq!(of("10.0.0.1", &["1.1.1.1", "198.51.100.1 , 10.9.9.9"]), "198.51.100.1");
        assert_eq!(of("10.0.0.1", &["198.51.100.1", "10.9.9.9"]), "198.51.100.1", "lines are one list");
        assert_eq!(of("10.0.0.1", &["10.3.3.3, 10.9.9.9"]), "10.3.3.3", "all of them ours: the first");
        assert_eq!(of("fd00::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(of("10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(of("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        for garbage in ["", "unknown", "198.51.100", "198.51.100.1,", "a\tb", "[::1", "198.51.100.1 evil"] {
            assert_eq!(of("10.0.0.1", &[garbage]), "10.0.0.1", "{garbage:?}");
        }
        assert_eq!(of("10.0.0.1", &["nonsense, 198.51.100.1"]), "198.51.100.1", "the rest is the client's own");
    }

    #[test]
    fn forwarded_is_read_by_its_grammar() {
        let of = |lines: &[&'static str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
            client(ForwardedHeader::Forwarded, "10.0.0.1", &lines)
        };
        assert_eq!(of(&["for=192.0.2.43"]), "192.0.2.43");
        assert_eq!(of(&["For=\"[2001:db8:cafe::17]:4711\";proto=https;by=10.1.1.1"]), "2001:db8:cafe::17");
        assert_eq!(of(&["for=1.1.1.1, for=192.0.2.43;host=\"a,b;for=9.9.9.9\", for=10.2.2.2"]), "192.0.2.43");
        assert_eq!(of(&["for=1.1.1.1", "for=\"192.0.2.43:80\""]), "192.0.2.43");
        for garbage in ["for=_hidden", "for=unknown", "proto=https", "for=1.1.1.1;for=2.2.2.2", "for=\"1.1.1.1"] {
            assert_eq!(of(&[garbage]), "10.0.0.1", "{garbage}");
        }
    }

    /// A proxy passes on what it does not write itself.
    #[test]
    fn only_the_header_that_proxies_write_is_read() {
        let both = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "192.0.2.43")];
        assert_eq!(client(ForwardedHeader::XForwardedFor, "10.0.0.1", &both), "192.0.2.43");
        assert_eq!(client(ForwardedHeader::Forwarded, "10.0.0.1", &both), "1.1.1.1");
        assert_eq!(client(ForwardedHeader::Forwarded, "10.0.0.1", &both[1..]), "10.0.0.1");
    }
}
