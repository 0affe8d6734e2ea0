use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

use serde::Deserialize;

/// An image reference in its full form, without tag and digest:
/// `docker.io/library/nginx` for `nginx:1`.
///
/// The grammar and Docker Hub's short forms are those of
/// `distribution/reference`, which Docker, containerd and the kubelet share. A
/// registry that has several names has the one of `image-registries.json`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image(String);

impl Image {
    /// Reads a reference.
    ///
    /// # Errors
    ///
    /// One sentence saying what is wrong and the cure.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") {
            return Err("Leave the scheme out: an image is named as for `docker pull`, such as ghcr.io/org/app:1.");
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err("Behind the `@` stands a digest, such as sha256: and 64 hexadecimal digits.");
        }
        let (registry, rest) = match named.split_once('/') {
            Some((first, rest)) if is_registry(first) => (Some(first), rest),
            _ => (None, named),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err("A tag has 1 to 128 letters, digits, `.`, `_` and `-`, and does not start with `.` or `-`.");
        }
        if path.is_empty() || path.len() > MAX_PATH_BYTES || !path.split('/').all(is_component) {
            return Err("An image's path has lower-case letters and digits, with `.`, `_` and `-` between them.");
        }
        let registry = match registry {
            Some(registry) => normal_registry(registry).ok_or("The registry is no host name, perhaps with a port.")?,
            None => DOCKER_HUB.to_owned(),
        };
        let library = if registry == DOCKER_HUB && !path.contains('/') { "library/" } else { "" };
        Ok(Self(format!("{registry}/{library}{path}")))
    }

    /// Whatever a registry's credential may be for and this image is in, the
    /// narrowest first: the path cut at whole segments, at last the registry.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        let ends = self.0.match_indices('/').map(|(at, _)| at).rev();
        std::iter::once(self.0.as_str()).chain(ends.map(|end| &self.0[..end]))
    }

    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a type says that its credentials are for, in the form of
/// [`Image::prefixes`]; `None` for what no image can be in.
pub(super) fn normal_prefix(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let (registry, path) = text.split_once('/').unwrap_or((text, ""));
    let registry = normal_registry(registry)?;
    // Paths of images are in lower case, whatever people write.
    let path = path.to_lowercase();
    Some(if path.is_empty() { registry } else { format!("{registry}/{path}") })
}

/// Whether the first segment is a registry and not a part of the path.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn normal_registry(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    if let Some(name) = ALIASES.get(text.strip_suffix(":443").unwrap_or(&text)) {
        return Some(name.clone());
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (None, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text.as_str()), None),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let host_fits = host.is_none_or(|host| host.len() <= MAX_HOST_BYTES && host.split('.').all(is_label));
    let port_fits =
        port.is_none_or(|port| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit()));
    (host_fits && port_fits).then_some(text)
}

/// `[a-z0-9]+` with `.`, `_`, `__` or any number of `-` between.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let between = text.split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|first| is_word(*first))
        && bytes.last().is_some_and(|last| is_word(*last))
        && between
            .filter(|run| !run.is_empty())
            .all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    (1..=MAX_TAG_BYTES).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|first: char| first.is_ascii_alphabetic())
            && algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte))
            && (MIN_DIGEST_DIGITS..=MAX_DIGEST_DIGITS).contains(&hex.len())
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

const DOCKER_HUB: &str = "docker.io";
/// From each name of a registry that has several to the one it is known by.
static ALIASES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let list = include_str!("../../../../schemas/image-registries.json");
    // A test reads it, so that it cannot fail here.
    let vendors = serde_json::from_str::<Registries>(list).map(|list| list.vendors).unwrap_or_default();
    let shared = vendors.into_iter().filter(|vendor| !vendor.aliases.is_empty());
    shared
        .flat_map(|vendor| {
            let names = vendor.aliases.into_iter().chain([vendor.server.clone()]);
            names.map(move |name| (name, vendor.server.clone()))
        })
        .collect()
});

/// What of the list matters here: who runs a registry does not.
#[derive(Deserialize)]
struct Registries {
    vendors: Vec<Vendor>,
}

#[derive(Deserialize)]
struct Vendor {
    #[serde(default)]
    server: String,
    #[serde(default)]
    aliases: Vec<String>,
}

const MAX_HOST_BYTES: usize = 253;
const MAX_PATH_BYTES: usize = 255;
const MAX_TAG_BYTES: usize = 128;
const MIN_DIGEST_DIGITS: usize = 32;
const MAX_DIGEST_DIGITS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_one_full_form() {
        let digest = format!("@sha256:{}", "0a".repeat(32));
        let table = [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.27", "docker.io/library/nginx"),
            ("library/nginx", "docker.io/library/nginx"),
            ("acme/app", "docker.io/acme/app"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("index.docker.io/acme/app:1", "docker.io/acme/app"),
            ("INDEX.docker.io:443/acme/app", "docker.io/acme/app"),
            ("registry.hub.docker.com/library/nginx", "docker.io/library/nginx"),
            ("registry.hub.docker.com/nginx:1", "docker.io/library/nginx"),
            ("registry-1.docker.io/acme/app", "docker.io/acme/app"),
            ("ghcr.io/org/app:1", "ghcr.io/org/app"),
            ("GHCR.io/org/app:V1.0_x-y", "ghcr.io/org/app"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("registry:5000/team/app", "registry:5000/team/app"),
            ("[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app"),
            ("ghcr.io/a__b/c.d/e---f", "ghcr.io/a__b/c.d/e---f"),
            (&format!("nginx{digest}"), "docker.io/library/nginx"),
            (&format!("ghcr.io/org/app:1{digest}"), "ghcr.io/org/app"),
            (&format!("registry.example.com:5000/team/app{digest}"), "registry.example.com:5000/team/app"),
        ];
        for (text, full) in table {
            assert_eq!(Image::parse(text).as_ref().map(Image::as_str), Ok(full), "{text}");
        }
        let long = format!("ghcr.io/{}", "a".repeat(256));
        for bad in [
            "",
            "/",
            "ghcr.io/",
            "https://ghcr.io/org/app",
            "ghcr.io/Org/app",
            "ghcr.io//app",
            "ghcr.io/org/app:",
            "ghcr.io/org/app:.x",
            "ghcr.io/a___b",
            "ghcr.io/a..b",
            "ghcr.io/-a",
            "ghcr.io:port/app",
            "ghcr.io:99999/app",
            "ghcr.io:+80/app",
            "gh_cr.io/app",
            "[::1/app",
            "nginx@sha256:xyz",
            "ghcr.io/org/app@",
            "ghcr.io/or g/app",
            &long,
        ] {
            assert!(Image::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_list_of_registries_is_read() {
        assert_eq!(ALIASES.get("index.docker.io").map(String::as_str), Some(DOCKER_HUB));
        assert_eq!(ALIASES.get(DOCKER_HUB).map(String::as_str), Some(DOCKER_HUB));
        assert!(ALIASES.iter().all(|(alias, name)| ALIASES.get(name) == Some(name) && !alias.is_empty()));
    }

    #[test]
    fn prefixes_are_whole_segments() {
        let image = Image::parse("ghcr.io/team-a/app/web:1").unwrap();
        assert_eq!(
            image.prefixes().collect::<Vec<_>>(),
            ["ghcr.io/team-a/app/web", "ghcr.io/team-a/app", "ghcr.io/team-a", "ghcr.io"]
        );
        assert_eq!(normal_prefix("GHCR.io/Team-A/").as_deref(), Some("ghcr.io/team-a"));
        assert_eq!(normal_prefix("index.docker.io").as_deref(), Some("docker.io"));
        assert_eq!(normal_prefix("not a host"), None);
    }
}
