use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::SyncState;

/// What is in place in a region, and what is not.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct EnsuredRegion {
    /// The region's name.
    pub region: String,
    /// Whether everything is in place.
    pub ready: bool,
    /// How many credentials are.
    pub synced: usize,
    /// Those that are not.
    pub failed: Vec<NotInPlace>,
}

/// A credential that is not in place.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct NotInPlace {
    /// Its name.
    pub credential: String,
    /// Its id.
    pub id: Uuid,
    /// Why.
    pub error: String,
}

/// What is in place in each region that an account uses.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct SyncedAccount {
    /// Whether everything is in place everywhere.
    pub ready: bool,
    /// Region by region; those that are paused or being emptied are left out.
    pub regions: Vec<EnsuredRegion>,
}

/// The data of the event `progress`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct SyncProgress {
    /// Credentials that were seen to.
    pub done: usize,
    /// All of them.
    pub total: usize,
    /// The region's name.
    pub region: String,
    /// The name of the credential that was seen to last.
    pub credential: String,
    /// How that one stands.
    pub state: SyncState,
}

/// What a sync would do in a region.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct RegionPlan {
    /// The region's name.
    pub region: String,
    /// How often each action occurs.
    pub summary: PlanSummary,
    /// Credential by credential.
    pub items: Vec<PlanItem>,
}

/// How often each action occurs in a plan.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct PlanSummary {
    /// To be put where nothing is.
    pub create: usize,
    /// To be replaced.
    pub update: usize,
    /// To be removed.
    pub delete: usize,
    /// As they should be.
    pub unchanged: usize,
    /// In the way of something that is not ours.
    pub foreign: usize,
    /// Changed by somebody else, to be put right.
    pub drifted: usize,
    /// Nothing can be said.
    pub unknown: usize,
}

/// What a sync would do about one credential.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct PlanItem {
    /// The credential's name.
    pub credential: String,
    /// The same, as the credential itself calls it.
    pub name: String,
    /// The credential's id.
    pub id: Uuid,
    /// What would be done.
    pub action: PlanAction,
    /// Where, in the target's words.
    #[schema(required)]
    pub place: Option<String>,
    /// What a person should know.
    #[schema(required)]
    pub message: Option<String>,
}

/// What would be done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlanAction {
    /// It would be put where nothing is.
    Create,
    /// What we put there would be replaced.
    Update,
    /// What we put there would be removed.
    Delete,
    /// It is as it should be.
    Unchanged,
    /// Something that is not ours is in the way: it would be left.
    Foreign,
    /// Somebody changed what we put there: it would be put right.
    Drifted,
    /// It cannot be said.
    Unknown,
}

impl From<bursar_regions::Ensured> for EnsuredRegion {
    fn from(ensured: bursar_regions::Ensured) -> Self {
        let ready = ensured.ready();
        let failed = ensured
            .failed
            .into_iter()
            .map(|bursar_regions::NotInPlace { id, credential, error }| NotInPlace { credential, id: id.0, error });
        Self { ready, region: ensured.region, synced: ensured.synced, failed: failed.collect() }
    }
}

impl From<Vec<bursar_regions::Ensured>> for SyncedAccount {
    fn from(ensured: Vec<bursar_regions::Ensured>) -> Self {
        let regions: Vec<_> = ensured.into_iter().map(EnsuredRegion::from).collect();
        Self { ready: regions.iter().all(|region| region.ready), regions }
    }
}

impl From<bursar_regions::Progress> for SyncProgress {
    fn from(step: bursar_regions::Progress) -> Self {
        let bursar_regions::Progress { done, total, region, credential, state } = step;
        Self { done, total, region, credential, state: state.into() }
    }
}

impl From<bursar_regions::Plan> for RegionPlan {
    fn from(plan: bursar_regions::Plan) -> Self {
        let items: Vec<_> = plan.items.into_iter().map(PlanItem::from).collect();
        Self { region: plan.region, summary: PlanSummary::of(&items), items }
    }
}

impl From<bursar_regions::PlanItem> for PlanItem {
    fn from(item: bursar_regions::PlanItem) -> Self {
        Self {
            credential: item.credential.clone(),
            name: item.credential,
            id: item.id.0,
            action: item.action.into(),
            place: item.place,
            message: item.message,
        }
    }
}

impl PlanSummary {
    fn of(items: &[PlanItem]) -> Self {
        let mut summary = Self::default();
        for item in items {
            *match item.action {
                PlanAction::Create => &mut summary.create,
                PlanAction::Update => &mut summary.update,
                PlanAction::Delete => &mut summary.delete,
                PlanAction::Unchanged => &mut summary.unchanged,
                PlanAction::Foreign => &mut summary.foreign,
                PlanAction::Drifted => &mut summary.drifted,
                PlanAction::Unknown => &mut summary.unknown,
            } += 1;
        }
        summary
    }
}

impl From<bursar_regions::PlanAction> for PlanAction {
    fn from(action: bursar_regions::PlanAction) -> Self {
        match action {
            bursar_regions::PlanAction::Create => Self::Create,
            bursar_regions::PlanAction::Update => Self::Update,
            bursar_regions::PlanAction::Delete => Self::Delete,
            bursar_regions::PlanAction::Unchanged => Self::Unchanged,
            bursar_regions::PlanAction::Foreign => Self::Foreign,
            bursar_regions::PlanAction::Drifted => Self::Drifted,
            bursar_regions::PlanAction::Unknown => Self::Unknown,
        }
    }
}
