use std::net::IpAddr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use bursar_kernel::Fqdn;

/// What a certificate is wanted for: a host name in its one form (lower case, no
/// trailing dot, other alphabets as Punycode), an address, or a wildcard itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    exact: String,
    wildcard: Option<String>,
}

impl Host {
    /// Reads a host.
    ///
    /// # Errors
    ///
    /// One sentence saying which rule it breaks and the cure.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let exact = normal(text)?;
        let is_name = exact.parse::<IpAddr>().is_err() && !exact.starts_with("*.");
        // A wildcard stands for one label, and not for none (RFC 6125, 6.4.3).
        let parent = exact.split_once('.').filter(|_| is_name);
        let wildcard = parent.map(|(_, parent)| format!("*.{parent}"));
        Ok(Self { exact, wildcard })
    }

    /// The names in certificates that cover it, the most specific first.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.exact.as_str()).chain(self.wildcard.as_deref())
    }
}

/// A name as certificates have it, in the form of [`Host::patterns`].
pub(super) fn normal(text: &str) -> Result<String, &'static str> {
    let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = address.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let (wildcard, name) = text.strip_prefix("*.").map_or(("", text), |name| ("*.", name));
    let name = Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| "This is no host name: it has letters that no domain may have.")?;
    Ok(format!("{wildcard}{}", Fqdn::parse(&name)?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_covered_by_its_name_and_by_the_wildcard_beside_it() {
        let patterns = |text: &str| Host::parse(text).unwrap().patterns().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(patterns("api.example.com"), ["api.example.com", "*.example.com"]);
        assert_eq!(patterns("API.Example.COM."), ["api.example.com", "*.example.com"]);
        assert_eq!(patterns("a.b.example.com"), ["a.b.example.com", "*.b.example.com"]);
        assert_eq!(patterns("example.com"), ["example.com", "*.com"]);
        assert_eq!(patterns("localhost"), ["localhost"]);
        assert_eq!(patterns("Bücher.example"), ["xn--bcher-kva.example", "*.example"]);
        assert_eq!(patterns("xn--bcher-kva.example"), ["xn--bcher-kva.example", "*.example"]);
        assert_eq!(patterns("192.0.2.1"), ["192.0.2.1"]);
        assert_eq!(patterns("[2001:DB8::1]"), ["2001:db8::1"]);
        assert_eq!(patterns("2001:db8:0:0::1"), ["2001:db8::1"]);
        assert_eq!(patterns("*.example.com"), ["*.example.com"]);
        for bad in [
            "",
            ".",
            "a..b",
            "a b.example",
            "https://example.com",
            "example.com/x",
            "example.com:443",
            "*",
            "a*.example.com",
            "-a.example",
            "xn--\u{ff}.example",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
    }
}
