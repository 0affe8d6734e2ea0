use std::collections::BTreeMap;

use bursar_kernel::clock::rfc3339;
use bursar_kernel::plugin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::credential_type::{CredentialType, Format, Hints, Slot, Variant};

/// What to probe with.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// For a DNS provider's credential: where a record is to be written.
    /// Absent: anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
}

/// What a look at the live service found.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Probed {
    /// One sentence for a person.
    pub summary: String,
    /// Facts that the type tells.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it was looked.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A TXT record to be added.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PresentDnsRecord {
    /// Fully qualified: `_acme-challenge`, names below it, or what the operator
    /// granted; other alphabets in Punycode.
    #[schema(max_length = 254)]
    pub fqdn: String,
    /// Printable ASCII without quotes and backslashes.
    #[schema(min_length = 1, max_length = 255)]
    pub value: String,
    /// How long resolvers may keep it, in seconds; 60 unless told.
    #[schema(minimum = 1, maximum = 86400)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
}

/// A value of a TXT record to be removed.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanupDnsRecord {
    /// Fully qualified.
    #[schema(max_length = 254)]
    pub fqdn: String,
    /// The one value to be removed.
    #[schema(min_length = 1, max_length = 255)]
    pub value: String,
}

/// A record that a credential has put somewhere.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecord {
    /// Fully qualified, lower case, no trailing dot.
    pub fqdn: String,
    /// Its value.
    pub value: String,
    /// How long resolvers may keep it, in seconds.
    pub ttl_seconds: u32,
    /// How far it has come.
    pub state: DnsRecordState,
    /// Since when it is in that state.
    #[schema(format = DateTime)]
    pub since: String,
    /// Who brought it there.
    pub by: String,
}

/// How far a record has come.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DnsRecordState {
    /// Being added; if that was cut off, it is cleaned up.
    Presenting,
    /// The provider has it, but not yet at all of its servers.
    Pending,
    /// At the provider's servers.
    Present,
    /// Being removed; if that failed, it is tried again.
    Removing,
}

/// A DNS provider: a credential type that can answer DNS challenges.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct DnsProvider {
    /// The type's id without `dns-`.
    pub id: String,
    /// The type its credentials have.
    pub r#type: String,
    /// For people.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// What it groups under.
    pub category: String,
    /// The plugin's version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The name of one of the UI's icons, or nothing.
    pub icon: String,
    /// Who made it.
    pub publisher: String,
    /// Where to read more.
    pub documentation: String,
    /// What it can beyond form and formats.
    pub abilities: Vec<String>,
    /// Where its credentials are used.
    pub slots: Vec<Slot>,
    /// Presets of the form; the first is the default.
    pub variants: Vec<Variant>,
    /// What its credentials materialize to; the first is the default.
    pub formats: Vec<Format>,
    /// Texts of the violation codes that its checks of secrets answer with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub messages: BTreeMap<String, String>,
    /// Field order and grouping.
    pub hints: Hints,
    /// The form: JSON Schema 2020-12. Secret fields are `writeOnly`.
    #[schema(value_type = Object)]
    pub schema: Value,
}

impl From<bursar_credentials::Probed> for Probed {
    fn from(probed: bursar_credentials::Probed) -> Self {
        Self { summary: probed.summary, details: probed.details, at: rfc3339(probed.at) }
    }
}

impl From<bursar_dns::DnsRecord> for DnsRecord {
    fn from(record: bursar_dns::DnsRecord) -> Self {
        Self {
            fqdn: record.fqdn.to_string(),
            value: record.value,
            ttl_seconds: record.ttl_seconds,
            state: record.state.into(),
            since: rfc3339(record.since),
            by: record.by,
        }
    }
}

impl From<bursar_dns::RecordState> for DnsRecordState {
    fn from(state: bursar_dns::RecordState) -> Self {
        match state {
            bursar_dns::RecordState::Presenting => Self::Presenting,
            bursar_dns::RecordState::Pending => Self::Pending,
            bursar_dns::RecordState::Present => Self::Present,
            bursar_dns::RecordState::Removing => Self::Removing,
        }
    }
}

impl From<&plugin::CredentialType> for DnsProvider {
    fn from(of: &plugin::CredentialType) -> Self {
        let id = bursar_dns::provider_id(of).unwrap_or_default().to_owned();
        let of = CredentialType::from(of);
        Self {
            id,
            r#type: of.id,
            title: of.title,
            summary: of.summary,
            category: of.category,
            version: of.version,
            digest: of.digest,
            icon: of.icon,
            publisher: of.publisher,
            documentation: of.documentation,
            abilities: of.abilities,
            slots: of.slots,
            variants: of.variants,
            formats: of.formats,
            messages: of.messages,
            hints: of.hints,
            schema: of.schema,
        }
    }
}
