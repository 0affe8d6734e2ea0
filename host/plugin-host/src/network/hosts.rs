//! Matches a manifest's host patterns against the host of a request.

use serde_json::Value;
use url::Url;

use super::request::Denial;
use super::target::Target;

/// Whether `pattern` matches the host and port of `target`: `api.example.com`,
/// `*.example.com` (one label), `host:port`, or `{/url}`, the host in that field
/// of the public data. Without a port the scheme's default applies.
pub(crate) fn matches(pattern: &str, target: &Target, public: &Value) -> bool {
    if let Some(pointer) = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return in_field(public, pointer).is_some_and(|meant| meant.host == target.host && meant.port == target.port);
    }
    let (name, port) = match pattern.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (pattern, target.url.scheme().eq("http").then_some(80).or(Some(443))),
    };
    if port != Some(target.port) {
        return false;
    }
    match name.strip_prefix("*.") {
        // An address has no labels.
        Some(parent) => {
            target.address.is_none()
                && target.host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
        }
        None => name == target.host,
    }
}

/// The host in a field that holds an address, or only `host` or `host:port`.
fn in_field(public: &Value, pointer: &str) -> Option<Target> {
    let text = public.pointer(pointer)?.as_str()?.trim();
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(&text).ok()?;
    // Only host and port matter.
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Target::parse(url.as_str()).ok()
}

/// Refuses `target` unless the manifest asks for its host.
///
/// # Errors
///
/// The rule.
pub(crate) fn permit<'a>(
    mut wishes: impl Iterator<Item = &'a str>,
    target: &Target,
    public: &Value,
) -> Result<(), Denial> {
    if wishes.any(|wish| matches(wish, target, public)) {
        return Ok(());
    }
    Err(Denial::new(format!("{} is not among the hosts of the plugin's manifest", target.authority())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_means_its_host_and_no_other() {
        let public = json!({
            "url": "https://DNS.example.com:8443/api?x=y", "plain": "http://10.0.0.1:8081", "bare": "ns.example.com",
            "with": {"port": "ns.example.com:53"}, "number": 3, "user": "https://u:p@h.example/", "six": "https://[fd00::1]/",
        });
        for (pattern, url, fits) in [
            ("api.example.com", "https://api.example.com/", true),
            ("api.example.com", "https://api.example.com:8443/", false),
            ("api.example.com", "http://api.example.com/", true),
            ("api.example.com", "https://evil-api.example.com/", false),
            ("api.example.com", "https://api.example.com.evil/", false),
            ("api.example.com:8443", "https://api.example.com:8443/", true),
            ("api.example.com:8443", "https://api.example.com/", false),
            ("*.example.com", "https://a.example.com/", true),
            ("*.example.com", "https://a.b.example.com/", false),
            ("*.example.com", "https://example.com/", false),
            ("*.0.0.1", "https://127.0.0.1/", false),
            ("127.0.0.1:8081", "https://127.0.0.1:8081/", true),
            ("{/url}", "https://dns.example.com:8443/x", true),
            ("{/url}", "https://dns.example.com/x", false),
            ("{/plain}", "http://10.0.0.1:8081/", true),
            ("{/bare}", "https://ns.example.com/", true),
            ("{/bare}", "http://ns.example.com/", false),
            ("{/with/port}", "https://ns.example.com:53/", true),
            ("{/user}", "https://h.example/", true),
            ("{/six}", "https://[fd00::1]/", true),
            ("{/number}", "https://3/", false),
            ("{/none}", "https://none/", false),
        ] {
            let target = Target::parse(url).expect(url);
            assert_eq!(matches(pattern, &target, &public), fits, "{pattern} {url}");
        }
    }
}
