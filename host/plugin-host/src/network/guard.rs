//! Which addresses plugins may reach: public ones, and those the operator
//! granted. The decision is about the very address that is then connected to: a
//! name that resolves differently the next time (DNS rebinding) gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use ipnet::IpNet;

use super::AddressRule;

/// Resolves names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, best first.
    ///
    /// # Errors
    ///
    /// When there are none.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver: hosts file, then DNS.
pub(super) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Filters `addresses` to those that plugins may reach.
///
/// # Errors
///
/// When none is left: a sentence that names them and their purpose.
pub(super) fn permit(
    host: &str,
    port: u16,
    addresses: &[IpAddr],
    rules: &[AddressRule],
) -> Result<Vec<SocketAddr>, String> {
    let granted = |address: IpAddr| rules.iter().any(|rule| rule.grants(host, address, port));
    let mut refused = Vec::new();
    let mut permitted = Vec::new();
    for address in addresses {
        match special(*address) {
            Some(what) if !granted(*address) => refused.push(format!("{address} ({what})")),
            _ => permitted.push(SocketAddr::new(*address, port)),
        }
    }
    if permitted.is_empty() {
        return Err(format!("{host} is at {}, where plugins may not go", refused.join(", ")));
    }
    Ok(permitted)
}

/// The purpose of an address that is not public: the IANA registries of
/// special-purpose addresses (RFC 6890), and every way in which an IPv4 address
/// hides in an IPv6 one.
fn special(address: IpAddr) -> Option<&'static str> {
    let named = RANGES.iter().find(|(range, _)| range.parse::<IpNet>().is_ok_and(|range| range.contains(&address)));
    match (named, address) {
        (Some((_, what)), _) => Some(what),
        // Global unicast (RFC 4291, section 2.4) is all that is assigned.
        (None, IpAddr::V6(v6)) if v6.segments()[0] & 0xe000 != 0x2000 => Some("not global"),
        _ => None,
    }
}

const RANGES: [(&str, &str); 29] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared, behind carrier NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, where cloud metadata is"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "an IPv4 address in disguise"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_public() {
        for (address, what) in [
            ("8.8.8.8", None),
            ("1.1.1.1", None),
            ("9.255.255.255", None),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.128.0.0", None),
            ("172.15.255.255", None),
            ("172.32.0.0", None),
            ("192.167.255.255", None),
            ("198.17.255.255", None),
            ("198.20.0.0", None),
            ("223.255.255.255", None),
            ("2606:4700:4700::1111", None),
            ("2a00:1450::1", None),
            ("2001:4860:4860::8888", None),
            ("0.0.0.0", Some("this network")),
            ("0.1.2.3", Some("this network")),
            ("10.0.0.1", Some("private")),
            ("100.64.0.1", Some("shared, behind carrier NAT")),
            ("127.0.0.1", Some("loopback")),
            ("127.255.255.254", Some("loopback")),
            ("169.254.169.254", Some("link-local, where cloud metadata is")),
            ("172.16.0.1", Some("private")),
            ("172.31.255.255", Some("private")),
            ("192.0.0.170", Some("protocol assignments")),
            ("192.0.2.1", Some("documentation")),
            ("192.88.99.1", Some("6to4 relays")),
            ("192.168.1.1", Some("private")),
            ("198.18.0.1", Some("benchmarking")),
            ("198.51.100.1", Some("documentation")),
            ("203.0.113.1", Some("documentation")),
            ("224.0.0.1", Some("multicast")),
            ("240.0.0.1", Some("reserved")),
            ("255.255.255.255", Some("broadcast")),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::127.0.0.1", Some("not global")),
            ("::ffff:127.0.0.1", Some("an IPv4 address in disguise")),
            ("::ffff:8.8.8.8", Some("an IPv4 address in disguise")),
            ("64:ff9b::7f00:1", Some("NAT64")),
            ("64:ff9b:1::1", Some("NAT64")),
            ("100::1", Some("not global")),
            ("2001:0:1::1", Some("Teredo")),
            ("2001:2::1", Some("protocol assignments")),
            ("2001:db8::1", Some("documentation")),
            ("2002:7f00:1::", Some("6to4")),
            ("3fff::1", Some("documentation")),
            ("fc00::1", Some("private")),
            ("fd00:ec2::254", Some("private")),
            ("fe80::1", Some("link-local")),
            ("fec0::1", Some("not global")),
            ("ff02::1", Some("multicast")),
            ("4000::1", Some("not global")),
        ] {
            assert_eq!(special(address.parse().expect(address)), what, "{address}");
        }
        for (range, _) in RANGES {
            assert!(range.parse::<IpNet>().is_ok(), "{range}");
        }
    }

    #[test]
    fn a_grant_opens_its_own_address_and_no_other() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().expect(text)).collect::<Vec<IpAddr>>();
        let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().expect(text)).collect::<Vec<AddressRule>>();
        let kept = |host, port, at: &[&str], granted: &[&str]| {
            permit(host, port, &addresses(at), &rules(granted)).map(|kept| kept.len())
        };
        assert_eq!(kept("h", 443, &["8.8.8.8", "127.0.0.1"], &[]), Ok(1));
        assert_eq!(kept("h", 443, &["10.0.0.1"], &["h:443"]), Ok(1));
        assert_eq!(kept("h", 443, &["10.0.0.1", "10.0.0.2"], &["10.0.0.2/32"]), Ok(1));
        assert_eq!(kept("::1", 443, &["::1"], &["[::1]:443"]), Ok(1));
        let refused = kept("h", 443, &["10.0.0.1"], &["h:444", "other:443", "10.0.0.2/32", "::/0"]);
        assert_eq!(refused, Err("h is at 10.0.0.1 (private), where plugins may not go".to_owned()));
    }
}
