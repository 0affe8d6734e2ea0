//! What the operator grants of DNS names.

use std::collections::BTreeMap;
use std::str::FromStr;

use bursar_kernel::Fqdn;

/// Which names beside challenges the operator lets each plugin write, by the
/// plugin's id.
#[derive(Clone, Debug, Default)]
pub struct DnsGrants(BTreeMap<String, Vec<NameRule>>);

/// A name, or every name below one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NameRule {
    /// This name alone.
    Exactly(Fqdn),
    /// Every name below it, at any depth, but not the name itself.
    Below(Fqdn),
}

impl DnsGrants {
    /// Takes the operator's grants in.
    #[must_use]
    pub fn new(rules: BTreeMap<String, Vec<NameRule>>) -> Self {
        Self(rules)
    }

    /// Whether credentials of the type may write records of this name:
    /// challenges always, others as granted.
    #[must_use]
    pub fn allow(&self, type_id: &str, name: &Fqdn) -> bool {
        name.is_challenge() || self.0.get(type_id).into_iter().flatten().any(|rule| rule.covers(name))
    }
}

impl NameRule {
    fn covers(&self, name: &Fqdn) -> bool {
        match self {
            Self::Exactly(granted) => name == granted,
            Self::Below(suffix) => name.is_below(suffix),
        }
    }
}

impl FromStr for NameRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("*.") {
            Some(suffix) => Fqdn::parse(suffix).map(Self::Below),
            None => Fqdn::parse(text).map(Self::Exactly),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_granted_is_refused_but_for_challenges() {
        let rules = ["_validation.example.com", "*.lab.example.com"].map(|text| text.parse().unwrap());
        let grants = DnsGrants::new(BTreeMap::from([("dns-a".to_owned(), rules.to_vec())]));
        let allow = |type_id: &str, name: &str| grants.allow(type_id, &Fqdn::parse(name).unwrap());
        assert!(allow("dns-b", "_acme-challenge.example.com"));
        assert!(allow("dns-a", "_Validation.example.com."));
        assert!(allow("dns-a", "x.y.lab.example.com"));
        for (type_id, name) in [
            ("dns-a", "lab.example.com"),
            ("dns-a", "xlab.example.com"),
            ("dns-a", "example.com"),
            ("dns-b", "_validation.example.com"),
        ] {
            assert!(!allow(type_id, name), "{type_id} {name}");
        }
        assert!("*.*.example.com".parse::<NameRule>().is_err());
        assert!("*".parse::<NameRule>().is_err());
    }
}
