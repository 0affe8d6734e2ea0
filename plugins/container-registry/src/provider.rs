//! Who runs a registry, and how its servers are called.

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
        match self {
            Self::DockerHub => Some("docker.io"),
            Self::Gcr => Some("gcr.io"),
            Self::Github => Some("ghcr.io"),
            Self::Gitlab => Some("registry.gitlab.com"),
            Self::DigitalOcean => Some("registry.digitalocean.com"),
            Self::Quay => Some("quay.io"),
            Self::Ecr | Self::Acr | Self::Harbor | Self::Artifactory | Self::Custom => None,
        }
    }

    /// The provider whose server this is; `Custom` for any other.
    pub(crate) fn of(server: &Server) -> Self {
        let host = server.host.as_str();
        let within = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
        match host {
            "ghcr.io" | "docker.pkg.github.com" => Self::Github,
            "registry.gitlab.com" => Self::Gitlab,
            "registry.digitalocean.com" => Self::DigitalOcean,
            "quay.io" => Self::Quay,
            _ if server.is_docker_hub() => Self::DockerHub,
            _ if within("gcr.io") || within("pkg.dev") => Self::Gcr,
            _ if within("ghe.com") => Self::Github,
            _ if within("jfrog.io") => Self::Artifactory,
            _ if AZURE_DOMAINS.into_iter().any(within) => Self::Acr,
            _ if is_amazon(host) => Self::Ecr,
            _ => Self::Custom,
        }
    }

    /// Whether the provider may have a server of this name. Those that people
    /// run themselves may have any, but for another provider's.
    pub(crate) fn may_run(self, server: &Server) -> bool {
        let host = server.host.as_str();
        match self {
            Self::Ecr => is_ecr_registry(host),
            Self::Acr => is_acr_registry(host),
            // GitHub Enterprise Server serves images at `containers.<host>`.
            Self::Github => Self::of(server) == self || host.starts_with("containers."),
            Self::DockerHub | Self::Gcr | Self::DigitalOcean => Self::of(server) == self,
            Self::Gitlab | Self::Harbor | Self::Artifactory | Self::Quay | Self::Custom => {
                matches!(Self::of(server), Self::Custom) || Self::of(server) == self
            }
        }
    }
}

/// Meant for Amazon, well-formed or not, so that a slip is told as one.
fn is_amazon(host: &str) -> bool {
    host.contains(".dkr.ecr") && AMAZON_DOMAINS.iter().any(|domain| host.ends_with(domain))
}

/// `<12 digits>.dkr.ecr[-fips].<region>.amazonaws.com[.cn]`.
fn is_ecr_registry(host: &str) -> bool {
    let Some(host) = AMAZON_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain)) else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let [account, "dkr", "ecr" | "ecr-fips", region] = labels[..] else { return false };
    account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && region.split('-').count() >= 3
        && region.ends_with(|last: char| last.is_ascii_digit())
}

/// `<name>.azurecr.io`: 5 to 50 letters and digits, and a dash before the hash
/// that newer registries carry.
fn is_acr_registry(host: &str) -> bool {
    let name = AZURE_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain)?.strip_suffix('.'));
    name.is_some_and(|name| {
        (5..=63).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

const AMAZON_DOMAINS: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];
const AZURE_DOMAINS: [&str; 3] = ["azurecr.io", "azurecr.cn", "azurecr.us"];
