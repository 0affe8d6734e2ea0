//! Domain names as text (RFC 1035, section 2.3.1): compared without regard to
//! case or a trailing dot.

/// Lower case, without the trailing dot.
#[must_use]
pub fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Lower case, with the trailing dot.
#[must_use]
pub fn absolute(name: &str) -> String {
    normal(name) + "."
}

/// The names that may be the zone of `fqdn`, longest first: itself and each
/// name above it, the top-level domain included.
pub fn candidates(fqdn: &str) -> impl Iterator<Item = &str> {
    let fqdn = fqdn.strip_suffix('.').unwrap_or(fqdn);
    std::iter::successors(Some(fqdn), |name| name.split_once('.').map(|(_, parent)| parent))
}

/// The longest of `zones` that contains `fqdn`.
pub fn longest_suffix<'a>(fqdn: &str, zones: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    zones.into_iter().filter(|zone| relative(fqdn, zone).is_some()).max_by_key(|zone| normal(zone).len())
}

/// `fqdn` relative to `zone`: `_acme-challenge.app` in `example.com`, and empty
/// at the apex. `None` if it is not inside.
#[must_use]
pub fn relative(fqdn: &str, zone: &str) -> Option<String> {
    let (fqdn, zone) = (normal(fqdn), normal(zone));
    let rest = fqdn.strip_suffix(&zone)?;
    match rest.strip_suffix('.') {
        Some(labels) => Some(labels.to_owned()),
        None if rest.is_empty() => Some(String::new()),
        // `notexample.com` ends in `example.com` but is not inside it.
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_walked_from_the_longest() {
        let walked: Vec<_> = candidates("_acme-challenge.a.example.com.").collect();
        assert_eq!(walked, ["_acme-challenge.a.example.com", "a.example.com", "example.com", "com"]);
    }

    #[test]
    fn the_longest_zone_wins_whatever_the_order() {
        let zones = ["com", "a.example.com.", "EXAMPLE.com", "b.example.com", "xa.example.com"];
        assert_eq!(longest_suffix("_acme-challenge.a.example.com", zones), Some("a.example.com."));
        assert_eq!(longest_suffix("c.example.com", zones), Some("EXAMPLE.com"));
        assert_eq!(longest_suffix("example.org", zones), None);
        assert_eq!(longest_suffix("notexample.com", ["example.com"]), None);
    }

    #[test]
    fn relative_names_end_at_a_label() {
        assert_eq!(relative("_acme-challenge.App.example.com.", "example.com").as_deref(), Some("_acme-challenge.app"));
        assert_eq!(relative("example.com", "example.com.").as_deref(), Some(""));
        assert_eq!(relative("notexample.com", "example.com"), None);
        assert_eq!(absolute("A.Example"), "a.example.");
    }
}
