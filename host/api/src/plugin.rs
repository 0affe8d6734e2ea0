use std::collections::BTreeMap;

use bursar_kernel::clock::rfc3339;
use bursar_kernel::plugin;
use bursar_kernel::plugin::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A plugin and how it fares.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plugin {
    /// Its id, or its file's stem where it could not be described.
    pub id: String,
    /// `credential-type` or `dns-provider`.
    pub kind: String,
    /// Its version; empty where it could not be described.
    pub version: String,
    /// `sha256:<hex>` of the component; empty where it could not be read.
    pub digest: String,
    /// The contract it was built for; empty where unknown.
    pub contract_version: String,
    /// How it fares.
    pub state: PluginState,
    /// Why it is in that state; of an active one, what an operator should know.
    #[schema(required)]
    pub reason: Option<String>,
    /// `built-in`, or the file.
    pub source: String,
    /// The trusted key that signed it.
    #[schema(required)]
    pub signed_by: Option<String>,
    /// What it asks for, in words that go on after "it may".
    pub permissions: Vec<String>,
    /// Hosts it asks for.
    pub wanted_hosts: Vec<HostWish>,
    /// Where it asks to send secrets.
    pub placements: Vec<Placement>,
    /// Endpoints from which it asks for tokens that it does not see.
    pub token_endpoints: Vec<TokenEndpoint>,
    /// Public fields that it asks to fill from a secret.
    pub derives: Vec<String>,
    /// Hosts it may reach now.
    pub granted_hosts: Vec<String>,
    /// What an operator granted this id.
    #[schema(required)]
    pub grant: Option<PluginGrant>,
    /// From what was granted to what it asks for; null where they are the same.
    #[schema(required)]
    pub permission_diff: Option<PermissionDiff>,
    /// What a rollback would put in force.
    #[schema(required)]
    pub previous_digest: Option<String>,
    /// The version of that.
    #[schema(required)]
    pub previous_version: Option<String>,
    /// Whether it is in force by a rollback.
    pub pinned: bool,
}

/// A host a plugin wants to reach.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct HostWish {
    /// Which; `{/field}` is the host in that field.
    pub host: String,
    /// Why.
    pub reason: String,
}

/// Where a secret may go.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// The secret: a pointer into the data, or the name of a captured token.
    pub secret: String,
    /// To which host.
    pub host: String,
    /// With which methods; empty for any.
    pub methods: Vec<String>,
    /// What the path must start with.
    pub path_prefix: String,
    /// `header:authorization`, `query:key`, `body`, `body:/client_secret`, `key`.
    pub place: String,
}

/// An endpoint that answers with a token.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenEndpoint {
    /// The plugin's name for it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What is captured, and the plugin never sees: name to path in the answer.
    pub capture: BTreeMap<String, String>,
    /// What of the answer the plugin sees.
    pub expose: BTreeMap<String, String>,
    /// Where what is captured may go.
    pub placements: Vec<Placement>,
}

/// What an operator granted.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginGrant {
    /// Who.
    pub by: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// The component that was looked at.
    pub digest: String,
    /// The same in words that go on after "it may".
    pub permissions: Vec<String>,
    /// Hosts to reach.
    pub hosts: Vec<String>,
    /// Where secrets may go.
    pub placements: Vec<Placement>,
    /// Endpoints to get tokens from.
    pub token_endpoints: Vec<TokenEndpoint>,
    /// Public fields to fill from a secret.
    pub derives: Vec<String>,
}

/// What changes between what was granted and what is asked for.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionDiff {
    /// Asked for and not granted, in words.
    pub added: Vec<String>,
    /// Granted and not asked for, in words.
    pub removed: Vec<String>,
    /// The former.
    pub asks: Permissions,
    /// The latter.
    pub drops: Permissions,
}

/// A set of permissions.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permissions {
    /// Hosts to reach.
    pub hosts: Vec<HostWish>,
    /// Where secrets go.
    pub placements: Vec<Placement>,
    /// Endpoints to get tokens from.
    pub token_endpoints: Vec<TokenEndpoint>,
    /// Public fields filled from a secret.
    pub derives: Vec<String>,
}

/// Which component a decision is about.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidePlugin {
    /// `sha256:<hex>`: the decision is refused if another component is there by
    /// now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// How a plugin fares.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// Being compiled.
    Compiling,
    /// Described, but waiting for a grant.
    Pending,
    /// In use.
    Active,
    /// An operator must look at a change.
    NeedsReview,
    /// Not usable.
    Rejected,
    /// Its file is gone.
    Removed,
}

impl From<plugin::PluginStatus> for Plugin {
    fn from(status: plugin::PluginStatus) -> Self {
        let permissions = status.permissions.words();
        let Permissions { hosts, placements, token_endpoints, derives } = status.permissions.into();
        Self {
            id: status.id,
            kind: status.kind,
            version: status.version,
            digest: status.digest,
            contract_version: status.contract_version,
            state: status.state.into(),
            reason: status.reason,
            source: status.source,
            signed_by: status.signed_by,
            permissions,
            wanted_hosts: hosts,
            placements,
            token_endpoints,
            derives,
            granted_hosts: status.granted_hosts,
            grant: status.grant.map(PluginGrant::from),
            permission_diff: status.permission_diff.map(PermissionDiff::from),
            previous_digest: status.previous.as_ref().map(|previous| previous.digest.clone()),
            previous_version: status.previous.map(|previous| previous.version),
            pinned: status.pinned,
        }
    }
}

impl From<plugin::Grant> for PluginGrant {
    fn from(grant: plugin::Grant) -> Self {
        let permissions = grant.permissions.words();
        let Permissions { hosts, placements, token_endpoints, derives } = grant.permissions.into();
        Self {
            by: grant.by,
            at: rfc3339(grant.at),
            digest: grant.digest,
            permissions,
            hosts: hosts.into_iter().map(|wish| wish.host).collect(),
            placements,
            token_endpoints,
            derives,
        }
    }
}

impl From<plugin::PermissionDiff> for PermissionDiff {
    fn from(diff: plugin::PermissionDiff) -> Self {
        Self {
            added: diff.added.words(),
            removed: diff.removed.words(),
            asks: diff.added.into(),
            drops: diff.removed.into(),
        }
    }
}

impl From<plugin::Permissions> for Permissions {
    fn from(permissions: plugin::Permissions) -> Self {
        let wishes = permissions.hosts.into_iter().map(|wish| HostWish { host: wish.host, reason: wish.reason });
        Self {
            hosts: wishes.collect(),
            placements: permissions.placements.into_iter().map(Placement::from).collect(),
            token_endpoints: permissions.token_endpoints.into_iter().map(TokenEndpoint::from).collect(),
            derives: permissions.derives.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<plugin::SecretInjection> for Placement {
    fn from(placement: plugin::SecretInjection) -> Self {
        Self {
            secret: placement.secret,
            host: placement.host,
            methods: placement.methods,
            path_prefix: placement.path_prefix,
            place: placement.place,
        }
    }
}

impl From<plugin::TokenEndpoint> for TokenEndpoint {
    fn from(endpoint: plugin::TokenEndpoint) -> Self {
        Self {
            name: endpoint.name,
            url: endpoint.url,
            capture: endpoint.capture,
            expose: endpoint.expose,
            placements: endpoint.placements.into_iter().map(Placement::from).collect(),
        }
    }
}

impl From<State> for PluginState {
    fn from(state: State) -> Self {
        match state {
            State::Compiling => Self::Compiling,
            State::Pending => Self::Pending,
            State::Active => Self::Active,
            State::NeedsReview => Self::NeedsReview,
            State::Rejected => Self::Rejected,
            State::Removed => Self::Removed,
        }
    }
}
