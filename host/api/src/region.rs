use bursar_kernel::clock::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Change, SecretObject};

/// A kind of target: what a region can be.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionTarget {
    /// What `target` of a region names.
    pub id: String,
    /// For people.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Whether a credential can be its `login`.
    pub takes_login: bool,
    /// What can be set.
    pub settings: Vec<TargetSetting>,
}

/// A setting of a kind of target.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct TargetSetting {
    /// Its name in `settings`.
    pub name: String,
    /// What it is, with its default.
    pub about: String,
    /// Whether it is never shown again.
    pub secret: bool,
    /// Whether a region needs it.
    pub required: bool,
    /// Whether it decides where things are: it is changed only while nothing is
    /// there.
    pub moves: bool,
}

/// A region to be made.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRegion {
    /// A slug, unique in the installation.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    pub name: String,
    /// For people.
    #[schema(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A kind of target: see `/v1/region-targets`.
    pub target: String,
    /// The kind's settings.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SecretObject>,
    /// The credential that signs the broker in there, where the settings do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<RegionLogin>,
    /// What to do about what others changed there; `repair` unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// The accounts that may use it, by name or id; null for every account. To
    /// the others it does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// Changes to a region: a merge patch (RFC 7396). An absent secret setting keeps
/// its value.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchRegion {
    /// A new name.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub name: Change<String>,
    /// A new title.
    #[schema(value_type = Option<String>, max_length = 255)]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub title: Change<String>,
    /// Settings to change; null removes one.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub settings: Change<SecretObject>,
    /// Another sign-in; null for one among the settings.
    #[schema(value_type = Option<RegionLogin>)]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub login: Change<RegionLogin>,
    /// What to do about what others changed there.
    #[schema(value_type = Option<DriftPolicy>)]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub drift: Change<DriftPolicy>,
    /// The accounts that may use it from now on, by name or id; null for every
    /// account. While others use it, only by force.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub accounts: Change<Vec<String>>,
    /// The present kind of target: not part of the description, and accepted as no
    /// change.
    #[schema(ignore)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A credential of the broker's that signs it in somewhere.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionLogin {
    /// Whose; the account's name. An id will do in a request, and is told where
    /// the account is gone.
    pub account: String,
    /// Which; the credential's name, in the same way.
    pub credential: String,
}

/// A place that credentials are kept in, for the whole installation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Region {
    /// Never changes.
    pub id: Uuid,
    /// Unique in the installation.
    pub name: String,
    /// For people.
    pub title: String,
    /// Its kind of target.
    pub target: String,
    /// The kind's settings without the secret ones.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// JSON Pointers of the secret settings it has.
    pub secret_settings: Vec<String>,
    /// The credential that signs the broker in there, where that is one.
    #[schema(required)]
    pub login: Option<RegionLogin>,
    /// What is done about what others changed there.
    pub drift: DriftPolicy,
    /// Whether it takes part.
    pub mode: RegionMode,
    /// Names of the accounts that may use it; null for every account.
    #[schema(required)]
    pub accounts: Option<Vec<String>>,
    /// Why it cannot be reached now, as far as this broker knows.
    #[schema(required)]
    pub unreachable: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When an operator last changed it.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A region as those see it who may use it but not run it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionRow {
    /// Never changes.
    pub id: Uuid,
    /// Unique in the installation.
    pub name: String,
    /// For people.
    pub title: String,
    /// Its kind of target.
    pub target: String,
    /// What is done about what others changed there.
    pub drift: DriftPolicy,
    /// Whether it takes part.
    pub mode: RegionMode,
    /// Why it cannot be reached now, as far as this broker knows.
    #[schema(required)]
    pub unreachable: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When an operator last changed it.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// As much of a region as the caller may see.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RegionItem {
    /// For operators.
    Whole(Box<Region>),
    /// For those who use it.
    Row(Box<RegionRow>),
}

/// What is done where somebody changed what we put in a region.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DriftPolicy {
    /// It is put right.
    Repair,
    /// It is told, and left until somebody asks for a sync.
    Report,
}

/// Whether a region takes part.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RegionMode {
    /// It is kept in place.
    Active,
    /// Nothing is changed there.
    Paused,
    /// What is ours there is removed, and nothing put.
    Draining,
}

/// Whether a region's target can be reached.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct RegionCheck {
    /// Whether it answers and lets the broker in.
    pub reachable: bool,
    /// Why not.
    #[schema(required)]
    pub error: Option<String>,
}

impl From<bursar_regions::TargetKind> for RegionTarget {
    fn from(kind: bursar_regions::TargetKind) -> Self {
        let setting = |setting: &bursar_regions::Setting| TargetSetting {
            name: setting.name.clone(),
            about: setting.about.clone(),
            secret: setting.secret,
            required: setting.required,
            moves: setting.moves,
        };
        Self {
            id: kind.id.to_owned(),
            title: kind.title.to_owned(),
            summary: kind.summary.to_owned(),
            takes_login: kind.takes_login,
            settings: kind.settings.iter().map(setting).collect(),
        }
    }
}

impl From<bursar_regions::RegionView> for RegionItem {
    /// The region's own settings hold secrets: they are dropped here.
    fn from(view: bursar_regions::RegionView) -> Self {
        let row = RegionRow {
            id: view.region.id.0,
            name: view.region.name.to_string(),
            title: view.region.title,
            target: view.region.target,
            drift: view.region.drift.into(),
            mode: view.region.mode.into(),
            unreachable: view.down,
            created_at: rfc3339(view.region.created_at),
            updated_at: rfc3339(view.region.updated_at),
        };
        if !view.full {
            return Self::Row(Box::new(row));
        }
        Self::Whole(Box::new(Region {
            id: row.id,
            name: row.name,
            title: row.title,
            target: row.target,
            settings: view.settings,
            secret_settings: view.secret_settings,
            login: view.login.map(|(account, credential)| RegionLogin { account, credential }),
            drift: row.drift,
            mode: row.mode,
            accounts: view.accounts,
            unreachable: row.unreachable,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }))
    }
}

impl From<bursar_regions::DriftPolicy> for DriftPolicy {
    fn from(policy: bursar_regions::DriftPolicy) -> Self {
        match policy {
            bursar_regions::DriftPolicy::Repair => Self::Repair,
            bursar_regions::DriftPolicy::Report => Self::Report,
        }
    }
}

impl From<bursar_regions::Mode> for RegionMode {
    fn from(mode: bursar_regions::Mode) -> Self {
        match mode {
            bursar_regions::Mode::Active => Self::Active,
            bursar_regions::Mode::Paused => Self::Paused,
            bursar_regions::Mode::Draining => Self::Draining,
        }
    }
}

impl From<Result<(), bursar_regions::TargetError>> for RegionCheck {
    fn from(found: Result<(), bursar_regions::TargetError>) -> Self {
        Self { reachable: found.is_ok(), error: found.err().map(|error| error.to_string()) }
    }
}
