//! The address of a request: parsed once, and only this object is used
//! afterwards.

use std::borrow::Cow;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::request::Denial;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    /// Without query.
    pub(crate) url: Url,
    /// Lower case, in ASCII, without a trailing dot; an IPv6 address without
    /// its brackets.
    pub(crate) host: String,
    /// As written, or the scheme's.
    pub(crate) port: u16,
    /// Where the host is written as an address.
    pub(crate) address: Option<IpAddr>,
}

impl Target {
    /// Reads `https://host[:port]/path`, or the same with `http`.
    ///
    /// Servers, proxies and parsers must agree on the path, or checking its prefix
    /// would be worthless.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(crate) fn parse(text: &str) -> Result<Self, Denial> {
        let deny = |rule: &str| Err(Denial::new(rule));
        if text.len() > MAX_URL_BYTES {
            return deny("the url has more than 8 KiB");
        }
        if text.bytes().any(|c| c.is_ascii_control() || c == b' ' || c == b'\\') {
            return deny("the url holds a space, a backslash or a control character");
        }
        let Ok(mut url) = Url::parse(text) else {
            return deny("the url is not one: write https://host/path");
        };
        if !["https", "http"].contains(&url.scheme()) {
            return deny("the url's scheme is not https");
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return deny("the url names a user: a secret goes where its placement says");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return deny("the url has a query or a fragment: give the query as fields");
        }
        let written = written_path(text);
        if url.path() != if written.is_empty() { "/" } else { written } {
            return deny(
                "the path of the url is not in its plain form: no dot segments, everything else percent-encoded",
            );
        }
        if !is_unambiguous(written) {
            return deny("the path of the url has a dot segment or an encoded slash");
        }
        let (host, address) = match url.host() {
            Some(Host::Domain(name)) => (name.strip_suffix('.').unwrap_or(name).to_owned(), None),
            Some(Host::Ipv4(address)) => (address.to_string(), Some(address.into())),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(address.into())),
            None => return deny("the url names no host"),
        };
        if address.is_none() && (host.is_empty() || host.ends_with('.') || url.set_host(Some(&host)).is_err()) {
            return deny("the url names no host");
        }
        let Some(port) = url.port_or_known_default().filter(|port| *port != 0) else {
            return deny("the url names no port");
        };
        Ok(Self { url, host, port, address })
    }

    /// Whether it uses no TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// `host:port`, as grants are written.
    pub(crate) fn authority(&self) -> String {
        join(&self.host, self.port)
    }

    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(crate) fn join(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whether a path keeps its meaning however often it is decoded.
fn is_unambiguous(path: &str) -> bool {
    path.split('/').all(|segment| {
        let mut decoded = segment.to_owned();
        for _ in 0..MAX_DECODINGS {
            let Ok(next) = percent_decode_str(&decoded).decode_utf8() else {
                return false;
            };
            let next = match next {
                Cow::Borrowed(same) if same == decoded => break,
                next => next.into_owned(),
            };
            decoded = next;
        }
        // Some servers strip parameters before they resolve dot segments.
        let name = decoded.split(';').next().unwrap_or_default();
        name != "." && name != ".." && !decoded.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'))
    })
}

/// The text between `//` and the path.
fn authority(text: &str) -> &str {
    let after = text.split_once("//").map_or("", |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

fn written_path(text: &str) -> &str {
    let after = text.split_once("//").map_or("", |(_, after)| after);
    after.find('/').map_or("", |at| &after[at..])
}

pub(crate) const MAX_URL_BYTES: usize = 8 << 10;
const MAX_DECODINGS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised() {
        for (text, authority, url) in [
            ("https://api.example.com/v1/x", "api.example.com:443", "https://api.example.com/v1/x"),
            ("https://API.Example.COM./v1", "api.example.com:443", "https://api.example.com/v1"),
            ("https://api.example.com", "api.example.com:443", "https://api.example.com/"),
            ("https://api.example.com:443/", "api.example.com:443", "https://api.example.com/"),
            ("https://api.example.com:8443/", "api.example.com:8443", "https://api.example.com:8443/"),
            ("http://api.example.com/", "api.example.com:80", "http://api.example.com/"),
            ("https://bücher.example/", "xn--bcher-kva.example:443", "https://xn--bcher-kva.example/"),
            ("https://0x7f.1/", "127.0.0.1:443", "https://127.0.0.1/"),
            ("https://2130706433/", "127.0.0.1:443", "https://127.0.0.1/"),
            ("https://[::1]:8443/", "[::1]:8443", "https://[::1]:8443/"),
            ("https://h/a%20b/c:d@e", "h:443", "https://h/a%20b/c:d@e"),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!((target.authority().as_str(), target.url.as_str()), (authority, url), "{text}");
        }
        assert_eq!(Target::parse("https://127.1/").unwrap().address, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn addresses_that_can_be_read_in_two_ways_are_refused() {
        for text in [
            "",
            "/v1",
            "ftp://h/",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https:h/path",
            "https://h\\@evil/",
            "https://user@h/",
            "https://user:pass@h/",
            "https://@h/",
            "https://h/?a=b",
            "https://h/?",
            "https://h/#f",
            "https://h:0/",
            "https://h..//",
            "https://h/a/../b",
            "https://h/a/./b",
            "https://h/a/%2e%2e/b",
            "https://h/a/%2E./b",
            "https://h/a%2fb",
            "https://h/a%5cb",
            "https://h/a%252fb",
            "https://h/a/%252e%252e/b",
            "https://h/a/..;x=y/b",
            "https://h/a%00b",
            "https://h/a%ffb",
            "https://h/a\tb",
            "https://h/a\r\nb",
            "https://h/ä",
            "https://h/a b",
            " https://h/",
            "https://h/a\"b",
        ] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
        assert!(Target::parse(&format!("https://h/{}", "a".repeat(9000))).is_err());
    }
}
