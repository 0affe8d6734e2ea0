use bursar_kernel::clock::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Artifact, Selector};

/// What a consumer uses in a slot.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// Who: kind and name.
    pub consumer: String,
    /// Where.
    pub slot: String,
    /// What.
    pub credential: BoundCredential,
    /// Who chose it.
    pub by: String,
    /// Since when something is bound there.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Since when this is.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// As much of a bound credential as those may know who pick.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundCredential {
    /// Never changes.
    pub id: Uuid,
    /// Its name now.
    pub name: String,
    /// Its type's id.
    pub r#type: String,
    /// When it was deleted: nothing is resolved until it is restored.
    #[schema(format = DateTime, required)]
    pub deleted_at: Option<String>,
}

/// What is to be used.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutBinding {
    /// Id or name of a credential whose type is used in the slot.
    pub credential: String,
}

/// What a consumer asks for.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// Who: kind and name.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,31}:.{1,253}$")]
    pub consumer: String,
    /// Where.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,63}$")]
    pub slot: String,
    /// One of the `formats` of the credential's type; absent: the credential is
    /// named and not handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// The image that is to be pulled.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveImage {
    /// As for `docker pull`: short forms of Docker Hub, ports, tags and digests.
    pub image: String,
    /// One of the `formats` of the credential's type; absent: the credential is
    /// named and not handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// The credential that answers.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Resolved {
    /// Which.
    pub credential: ResolvedCredential,
    /// Why this one.
    pub source: Source,
    /// What it was found by, for an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// In which format, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its files in that format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Vec<Artifact>>,
}

/// As much of a credential as those may know who use it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ResolvedCredential {
    /// Never changes.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its type's id.
    pub r#type: String,
    /// Of its data.
    pub version: u32,
}

/// Why a credential is the answer.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The consumer is bound to it.
    Binding,
    /// Nothing is bound, and it is the account's default.
    Default,
    /// It is for the image's registry.
    Image,
}

/// Who depends on a credential, and who has used it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CredentialUsage {
    /// What it is bound to, by consumer.
    pub bindings: Vec<UsingBinding>,
    /// Its last uses of the last ninety days, the latest first.
    pub uses: Vec<CredentialUse>,
    /// Whether it is its account's default, so that whoever chose nothing uses
    /// it.
    pub default: bool,
}

/// A binding, as its credential tells it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct UsingBinding {
    /// Who.
    pub consumer: String,
    /// Where.
    pub slot: String,
    /// The binding's path.
    pub url: String,
}

/// The last use in one way.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialUse {
    /// How.
    pub protocol: UseProtocol,
    /// When, to the minute.
    #[schema(format = DateTime)]
    pub last_used_at: String,
    /// For whom, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// By whom.
    pub actor: String,
    /// Whether it was the answer as the account's default, since nothing was
    /// bound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
}

/// How a credential was used.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UseProtocol {
    /// Secrets were shown.
    Reveal,
    /// Files were handed out.
    Materialize,
    /// A consumer asked for what it uses in a slot.
    Resolve,
    /// It was found for an image.
    ResolveImage,
    /// The live service was asked.
    Probe,
    /// DNS records were changed.
    Dns,
}

impl From<bursar_bindings::BindingView> for Binding {
    fn from(bursar_bindings::BindingView { binding, credential, .. }: bursar_bindings::BindingView) -> Self {
        Self {
            consumer: binding.place.consumer.to_string(),
            slot: binding.place.slot.to_string(),
            credential: BoundCredential {
                id: credential.id.0,
                name: credential.name,
                r#type: credential.type_id,
                deleted_at: credential.deleted_at.map(rfc3339),
            },
            by: binding.by,
            created_at: rfc3339(binding.created_at),
            updated_at: rfc3339(binding.updated_at),
        }
    }
}

impl From<bursar_bindings::Resolved> for Resolved {
    fn from(resolved: bursar_bindings::Resolved) -> Self {
        let (format, artifacts) = resolved.files.map(|files| (files.format, files.artifacts)).unzip();
        Self {
            credential: ResolvedCredential {
                id: resolved.credential.id.0,
                name: resolved.credential.name,
                r#type: resolved.credential.type_id,
                version: resolved.credential.version,
            },
            source: match resolved.source {
                bursar_bindings::Source::Binding => Source::Binding,
                bursar_bindings::Source::Default => Source::Default,
                bursar_bindings::Source::Image => Source::Image,
            },
            selector: resolved.selector.map(Selector::from),
            format,
            artifacts: artifacts.map(|artifacts| artifacts.into_iter().map(Artifact::from).collect()),
        }
    }
}

impl From<bursar_bindings::Usage> for CredentialUsage {
    fn from(usage: bursar_bindings::Usage) -> Self {
        let bindings = usage.bindings.into_iter().map(|binding| UsingBinding {
            url: binding.url(),
            consumer: binding.place.consumer.to_string(),
            slot: binding.place.slot.to_string(),
        });
        let uses = usage.uses.into_iter().map(|used| CredentialUse {
            protocol: used.way.protocol.into(),
            last_used_at: rfc3339(used.last_used_at),
            consumer: used.way.consumer.map(|consumer| consumer.to_string()),
            actor: used.way.actor,
            fallback: used.way.fallback,
        });
        Self { bindings: bindings.collect(), uses: uses.collect(), default: usage.is_default }
    }
}

impl From<bursar_credentials::Protocol> for UseProtocol {
    fn from(protocol: bursar_credentials::Protocol) -> Self {
        match protocol {
            bursar_credentials::Protocol::Reveal => Self::Reveal,
            bursar_credentials::Protocol::Materialize => Self::Materialize,
            bursar_credentials::Protocol::Resolve => Self::Resolve,
            bursar_credentials::Protocol::ResolveImage => Self::ResolveImage,
            bursar_credentials::Protocol::Probe => Self::Probe,
            bursar_credentials::Protocol::Dns => Self::Dns,
        }
    }
}
