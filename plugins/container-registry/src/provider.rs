//! Who runs a registry, and the names of its servers.

use std::sync::LazyLock;

use bursar_plugin_sdk::json;
use bursar_plugin_sdk::serde::{Deserialize, Serialize};

use crate::server::Server;

/// As the form names them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Provider {
    DockerHub,
    Gcr,
    Ecr,
    Github,
    Gitlab,
    DigitalOcean,
    Acr,
    Harbor,
    Artifactory,
    Quay,
    Custom,
}

impl Provider {
    /// The server that all customers of a provider share.
    pub(crate) fn common_server(self) -> Option<&'static str> {
        VENDORS.iter().find(|vendor| vendor.provider == self)?.server.as_deref()
    }

    /// The provider whose server this is; `Custom` for any other.
    pub(crate) fn of(server: &Server) -> Self {
        VENDORS.iter().find(|vendor| vendor.seems_to_run(&server.host)).map_or(Self::Custom, |vendor| vendor.provider)
    }

    /// Whether the provider may have a server of this name. Self-hosted
    /// registries may have any name but another provider's.
    pub(crate) fn may_run(self, server: &Server) -> bool {
        let host = server.host.as_str();
        match self {
            Self::Ecr => VENDORS.iter().any(|vendor| vendor.provider == self && vendor.runs(host)),
            Self::Acr => is_acr_registry(server),
            // GitHub Enterprise Server serves images at `containers.<host>`.
            Self::Github => Self::of(server) == self || host.starts_with("containers."),
            Self::DockerHub | Self::Gcr | Self::DigitalOcean => Self::of(server) == self,
            Self::Gitlab | Self::Harbor | Self::Artifactory | Self::Quay | Self::Custom => {
                matches!(Self::of(server), Self::Custom) || Self::of(server) == self
            }
        }
    }
}

/// The canonical name of a host that has several; any other host's own name.
pub(crate) fn without_alias(host: &str) -> &str {
    let vendor = VENDORS.iter().find(|vendor| vendor.aliases.iter().any(|alias| alias == host));
    vendor.and_then(|vendor| vendor.server.as_deref()).unwrap_or(host)
}

#[derive(Deserialize)]
struct Registries {
    vendors: Vec<Vendor>,
}

/// An entry of the list by which the broker matches images, too.
#[derive(Deserialize)]
struct Vendor {
    provider: Provider,
    server: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    templates: Vec<String>,
}

impl Vendor {
    fn runs(&self, host: &str) -> bool {
        let within =
            |domain: &String| host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'));
        self.server.iter().chain(&self.aliases).chain(&self.hosts).any(|name| name == host)
            || self.domains.iter().any(within)
            || self.templates.iter().any(|template| fits(template, host))
    }

    /// Whether it runs the host, or the host looks like a mistyped one of it,
    /// which is then reported as a mistake.
    fn seems_to_run(&self, host: &str) -> bool {
        let resembles = |template: &String| {
            let (_, kind) = template.split_once('.').unwrap_or_default();
            let (kind, domain) = kind.split_once(".{region}").unwrap_or_default();
            host.contains(kind.trim_end_matches("-fips")) && host.ends_with(domain)
        };
        self.runs(host) || self.templates.iter().any(resembles)
    }
}

/// Whether a host has the shape of a template: an account of 12 digits, a
/// region such as `us-gov-west-1`, and the other labels as they are.
fn fits(template: &str, host: &str) -> bool {
    let is_account = |label: &str| label.len() == 12 && label.bytes().all(|byte| byte.is_ascii_digit());
    let is_region = |label: &str| label.split('-').count() >= 3 && label.ends_with(|last: char| last.is_ascii_digit());
    let (mut wanted, mut labels) = (template.split('.'), host.split('.'));
    let all = wanted.by_ref().zip(labels.by_ref()).all(|(wanted, label)| match wanted {
        "{account}" => is_account(label),
        "{region}" => is_region(label),
        wanted => wanted == label,
    });
    all && template.split('.').count() == host.split('.').count()
}

/// `<name>.azurecr.io`: 5 to 50 letters and digits, and a dash before the hash
/// that newer registries carry.
fn is_acr_registry(server: &Server) -> bool {
    let name = server.host.split_once('.').map_or("", |(name, _)| name);
    let labels = server.host.split('.').count();
    Provider::of(server) == Provider::Acr
        && labels == 3
        && (5..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

static VENDORS: LazyLock<Vec<Vendor>> = LazyLock::new(|| {
    let list = include_str!("../../../schemas/image-registries.json");
    json::from_str::<Registries>(list).map(|list| list.vendors).unwrap_or_default()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read() {
        assert_eq!(VENDORS.len(), 9);
        assert_eq!(without_alias("registry.hub.docker.com"), "docker.io");
        assert_eq!(without_alias("ghcr.io"), "ghcr.io");
    }

    #[test]
    fn amazon_s_registries_in_every_partition() {
        let may_run = |host: &str| Provider::Ecr.may_run(&host.parse().unwrap());
        for host in [
            "public.ecr.aws",
            "ecr-public.aws.com",
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "123456789012.dkr-ecr.us-east-1.on.aws",
            "123456789012.dkr-ecr-fips.us-east-1.on.aws",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
            "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
            "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
            "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
            "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
        ] {
            assert!(may_run(host), "{host}");
            assert_eq!(Provider::of(&host.parse().unwrap()), Provider::Ecr, "{host}");
        }
        for host in [
            "123.dkr.ecr.us-east-1.amazonaws.com",
            "123.dkr-ecr.us-east-1.on.aws",
            "123456789012.dkr.ecr.us-east.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
            "x.123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "x.public.ecr.aws",
            "amazonaws.com",
        ] {
            assert!(!may_run(host), "{host}");
        }
        // A mistyped account number is reported, not taken for a self-hosted
        // registry.
        assert_eq!(Provider::of(&"123.dkr-ecr.us-east-1.on.aws".parse().unwrap()), Provider::Ecr);
        assert_eq!(Provider::of(&"registry.on.aws".parse().unwrap()), Provider::Custom);
    }
}
