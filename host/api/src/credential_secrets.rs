use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bursar_kernel::plugin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Which secrets to show.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// JSON Pointers; absent for all secret fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

/// Secrets.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Revealed {
    /// Only the fields asked for, in their places.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The version they are of.
    pub version: u32,
}

/// In which form to hand a credential out.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Materialize {
    /// One of the type's `formats`; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A credential in the form its user expects.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Materialized {
    /// In which format.
    pub format: String,
    /// Of which version.
    pub version: u32,
    /// At least one.
    pub artifacts: Vec<Artifact>,
}

/// A file.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// A plain file name.
    pub name: String,
    /// The content's media type.
    pub media_type: String,
    /// How `content` is written down here.
    pub encoding: Encoding,
    /// The content; always secret.
    pub content: String,
    /// Whether to mask it on screens.
    pub sensitive: bool,
}

/// How an artifact's content is written down.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub enum Encoding {
    /// As it is.
    #[serde(rename = "utf-8")]
    Utf8,
    /// RFC 4648, section 4.
    #[serde(rename = "base64")]
    Base64,
}

impl From<bursar_credentials::Revealed> for Revealed {
    fn from(revealed: bursar_credentials::Revealed) -> Self {
        Self { data: revealed.data.expose().clone(), version: revealed.version }
    }
}

impl From<bursar_credentials::Materialized> for Materialized {
    fn from(materialized: bursar_credentials::Materialized) -> Self {
        let bursar_credentials::Materialized { format, version, artifacts } = materialized;
        Self { format, version, artifacts: artifacts.into_iter().map(Artifact::from).collect() }
    }
}

impl From<plugin::Artifact> for Artifact {
    /// Text as it is, anything else as base64.
    fn from(artifact: plugin::Artifact) -> Self {
        let (encoding, content) = match std::str::from_utf8(&artifact.content) {
            Ok(text) => (Encoding::Utf8, text.to_owned()),
            Err(_) => (Encoding::Base64, STANDARD.encode(&*artifact.content)),
        };
        Self { name: artifact.name, media_type: artifact.media_type, encoding, content, sensitive: artifact.sensitive }
    }
}
