//! The clouds of Azure and their addresses.

use serde::{Deserialize, Serialize};

/// A cloud, by its name in cert-manager and the Azure tools.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) enum Cloud {
    #[default]
    #[serde(rename = "AzurePublicCloud")]
    Public,
    #[serde(rename = "AzureChinaCloud")]
    China,
    #[serde(rename = "AzureUSGovernmentCloud")]
    UsGovernment,
}

/// A cloud's addresses, and the manifest's names for its token.
pub(crate) struct Place {
    pub(crate) login: &'static str,
    pub(crate) resource_manager: &'static str,
    /// What the token is for.
    pub(crate) scope: &'static str,
    pub(crate) endpoint: &'static str,
    pub(crate) token: &'static str,
    /// lego's name.
    pub(crate) short: &'static str,
}

impl Cloud {
    /// As `azure-mgmt-core` has them, and MSAL the hosts to sign in at.
    pub(crate) fn place(self) -> Place {
        match self {
            Self::Public => Place {
                login: "https://login.microsoftonline.com",
                resource_manager: "https://management.azure.com",
                scope: "https://management.azure.com/.default",
                endpoint: "public",
                token: "public-token",
                short: "public",
            },
            Self::China => Place {
                login: "https://login.chinacloudapi.cn",
                resource_manager: "https://management.chinacloudapi.cn",
                scope: "https://management.chinacloudapi.cn/.default",
                endpoint: "china",
                token: "china-token",
                short: "china",
            },
            Self::UsGovernment => Place {
                login: "https://login.microsoftonline.us",
                resource_manager: "https://management.usgovcloudapi.net",
                scope: "https://management.core.usgovcloudapi.net/.default",
                endpoint: "us-government",
                token: "us-government-token",
                short: "usgovernment",
            },
        }
    }
}
