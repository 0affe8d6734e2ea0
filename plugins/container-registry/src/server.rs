//! The address of a registry: what people write, and the keys that clients look
//! up.

use std::fmt;
use std::str::FromStr;

use crate::provider::without_alias;

/// `host[:port][/path]`, without scheme or trailing slash, host in lower case,
/// by its canonical name if it has several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Empty, or `team/project`.
    pub(crate) path: String,
}

impl Server {
    /// `host[:port]`.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    pub(crate) fn is_docker_hub(&self) -> bool {
        self.host == DOCKER_HUB
    }

    /// What kubelet looks up: the longest matching `host/path`, and for Docker
    /// Hub the name that the registry had in 2013.
    pub(crate) fn kubelet_key(&self) -> String {
        if self.is_docker_hub() { DOCKER_HUB_KEY.to_owned() } else { self.containers_key() }
    }

    /// What Podman, Buildah and Skopeo look up: the longest `host/path` that
    /// the image's name starts with. Such names are in lower case.
    pub(crate) fn containers_key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    /// What the Docker command line looks up: the host alone.
    pub(crate) fn docker_key(&self) -> String {
        if self.is_docker_hub() { DOCKER_HUB_KEY.to_owned() } else { self.authority() }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.authority())?;
        if !self.path.is_empty() {
            write!(formatter, "/{}", self.path)?;
        }
        Ok(())
    }
}

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let text = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) => return Err("Give the registry's host name alone; it is always reached by HTTPS."),
            None => text,
        };
        let text = text.trim_end_matches('/');
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err("Give the registry's host name, such as ghcr.io or registry.example.com:5000.");
        }
        // `https://index.docker.io/v1/` names the API, not a prefix of images.
        let is_api = path.eq_ignore_ascii_case("v1") || path.eq_ignore_ascii_case("v2");
        let path = if is_api { String::new() } else { path.to_owned() };
        let named = without_alias(&host);
        let is_shared = named != host || host == DOCKER_HUB;
        if is_shared && matches!(port, None | Some(443)) {
            return checked(Self { host: named.to_owned(), port: None, path });
        }
        checked(Self { host, port, path })
    }
}

fn checked(server: Server) -> Result<Server, &'static str> {
    let is_segment = |segment: &str| {
        segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && segment.bytes().any(|byte| byte.is_ascii_alphanumeric())
    };
    if server.path.is_empty() || server.path.split('/').all(is_segment) {
        return Ok(server);
    }
    Err("After the host, give a prefix of image names, such as registry.example.com/team.")
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    // An IPv6 address has colons of its own, inside its brackets.
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = authority[after_host..].find(':').map(|colon| after_host + colon) else {
        return Ok((authority, None));
    };
    match authority[colon + 1..].parse() {
        Ok(port) if port > 0 => Ok((&authority[..colon], Some(port))),
        _ => Err("A port is a number from 1 to 65535, such as registry.example.com:5000."),
    }
}

/// A DNS name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn what_people_write_becomes_one_form() {
        for (written, wanted) in [
            ("docker.io", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("INDEX.docker.io", "docker.io"),
            ("registry-1.docker.io/v2/", "docker.io"),
            ("docker.io/acme", "docker.io/acme"),
            ("registry.hub.docker.com", "docker.io"),
            ("https://registry.example.com/v2/", "registry.example.com"),
            ("registry.example.com:5000/V1", "registry.example.com:5000"),
            ("registry.example.com/v2/team", "registry.example.com/v2/team"),
            ("HTTPS://GHCR.io///", "ghcr.io"),
            (" ghcr.io/Acme/app/ ", "ghcr.io/Acme/app"),
            ("localhost:5000", "localhost:5000"),
            ("10.0.0.1:5000/team", "10.0.0.1:5000/team"),
            ("[::1]:5000", "[::1]:5000"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(written.parse::<Server>().map(|server| server.to_string()), Ok(wanted.to_owned()), "{written}");
        }
    }

    #[test]
    fn keys_are_what_clients_look_up() {
        let keys = |written: &str| {
            let server: Server = written.parse().unwrap();
            [server.kubelet_key(), server.docker_key(), server.containers_key()]
        };
        assert_eq!(keys("GHCR.io/Acme-Org"), ["ghcr.io/acme-org", "ghcr.io", "ghcr.io/acme-org"]);
        assert_eq!(keys("https://registry.example.com/v2/"), ["registry.example.com"; 3]);
        let hub = "https://index.docker.io/v1/";
        assert_eq!(keys("registry.hub.docker.com"), [hub, hub, "docker.io"]);
        assert_eq!(keys("docker.io/Acme"), [hub, hub, "docker.io/acme"]);
    }

    #[test]
    fn what_is_no_registry_is_refused() {
        for written in [
            "",
            "/",
            "http://ghcr.io",
            "ftp://ghcr.io",
            "ghcr.io:0",
            "ghcr.io:65536",
            "ghcr.io:x",
            "ghcr.io:",
            "-ghcr.io",
            "ghcr..io",
            "gh cr.io",
            "user@ghcr.io",
            "ghcr.io/a//b",
            "ghcr.io/..",
            "ghcr.io/a?b",
            "[::1",
            "[x]:1",
            "b\u{fc}cher.example",
        ] {
            assert!(written.parse::<Server>().is_err(), "{written}");
        }
    }
}
