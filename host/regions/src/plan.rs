//! What a sync would do, without doing it.

use std::collections::BTreeMap;

use bursar_credentials::{Credential, Found};
use bursar_kernel::audit::Action;
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::{Account, Caller, Error, Right, codec};
use futures::{StreamExt as _, stream};

use crate::attachments::CHUNK;
use crate::reconcile::{Assignment, Desired, Spec};
use crate::show::no_such_region;
use crate::{
    Attachment, Attachments, Mode, OnDetach, Owner, Pair, Region, Seen, SyncStatus, Target, TargetError, keys,
};

/// What would be done in a region, credential by credential.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The region's name.
    pub region: String,
    /// In the order of the credentials.
    pub items: Vec<PlanItem>,
}

/// What would be done about one credential.
#[derive(Clone, Debug)]
pub struct PlanItem {
    /// Its id.
    pub id: CredentialId,
    /// Its name.
    pub credential: String,
    /// What.
    pub action: PlanAction,
    /// Where, in the target's words.
    pub place: Option<String>,
    /// What a person should know.
    pub message: Option<String>,
}

/// What would be done.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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

impl PlanAction {
    /// Every action.
    pub const ALL: [Self; 7] =
        [Self::Create, Self::Update, Self::Delete, Self::Unchanged, Self::Foreign, Self::Drifted, Self::Unknown];

    /// The wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Unchanged => "unchanged",
            Self::Foreign => "foreign",
            Self::Drifted => "drifted",
            Self::Unknown => "unknown",
        }
    }
}

/// An action, where, and what a person should know.
type Foreseen = (PlanAction, Option<String>, Option<String>);

impl Attachments {
    /// What a sync of a region would do about each of an account's credentials.
    /// It looks at the target and changes nothing. Of a region that the account
    /// does not use, or that is paused, it tells what would be if it were.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, or the store fails. What the target says is
    /// in the plan.
    pub async fn plan(&self, caller: &Caller, account: &Reference, region: &Reference) -> Result<Plan, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Sync, Action::RegionRead).await?;
        let region = self.regions.region_open_to(caller, &account, region).await?.region;
        let assignment = self.supposed(&account, &region).await?;
        let target = self.reconciler.gateway.open_target(&region).await?;
        let credentials = self.all_credentials(caller, &account).await?;
        let (assignment, target) = (&assignment, &target);
        let items: Vec<Result<Option<PlanItem>, Error>> = stream::iter(credentials)
            .map(|found| async move {
                let (id, credential) = (found.credential.id, found.credential.name.to_string());
                let foreseen = self.foresee(assignment, &found, target.as_deref()).await?;
                Ok(foreseen.map(|(action, place, message)| PlanItem { id, credential, action, place, message }))
            })
            .buffered(self.reconciler.concurrency())
            .collect()
            .await;
        let items = items.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Plan { region: region.name.to_string(), items })
    }

    /// The assignment as it would be if the account used the region and it took
    /// part.
    async fn supposed(&self, account: &Account, region: &Region) -> Result<Assignment, Error> {
        let assignment = self.reconciler.records.assignment(account.id, region.id).await?;
        let mut assignment = assignment.ok_or_else(no_such_region)?;
        assignment.attachment.get_or_insert_with(|| {
            let attachment = Attachment {
                account: account.id,
                region: region.id,
                formats: BTreeMap::new(),
                types: None,
                on_detach: OnDetach::default(),
                detaching: None,
                attached_at: self.kernel.ports.now(),
            };
            (attachment, 0)
        });
        if assignment.region.mode == Mode::Paused {
            assignment.region.mode = Mode::Active;
        }
        Ok(assignment)
    }

    async fn all_credentials(&self, caller: &Caller, account: &Account) -> Result<Vec<Found>, Error> {
        let (mut all, mut after) = (Vec::new(), Vec::new());
        while let Some((part, last)) = self.credentials.records().page(account.id, &after, CHUNK).await? {
            after = last;
            for found in part {
                if self.credentials.is_within_scope(caller, &found.credential).await? {
                    all.push(found);
                }
            }
        }
        Ok(all)
    }

    /// What would be done about one credential; `None` where it is nowhere and
    /// is to be nowhere.
    async fn foresee(
        &self,
        assignment: &Assignment,
        found: &Found,
        target: Result<&dyn Target, &TargetError>,
    ) -> Result<Option<Foreseen>, Error> {
        let reconciler = &self.reconciler;
        let credential = &found.credential;
        let pair = Pair { account: assignment.account.id, credential: credential.id, region: assignment.region.id };
        let record = self.kernel.ports.store().get(&keys::placed(pair)).await?;
        let status: SyncStatus = record.as_ref().map(codec::decode).transpose()?.unwrap_or_default();
        let unknown = |error: &TargetError| Some((PlanAction::Unknown, None, Some(error.to_string())));
        let spec = match reconciler.desired(assignment, Some(credential), &status) {
            Desired::Unmanaged | Desired::Keep => return Ok(Some((PlanAction::Unchanged, None, None))),
            Desired::Absent { keep } => {
                let place = status.locations.last().map(|location| location.place.clone());
                let action = if keep { PlanAction::Unchanged } else { PlanAction::Delete };
                return Ok(place.map(|place| (action, Some(place), keep.then(|| "it is left there".to_owned()))));
            }
            Desired::Undetermined(error) => return Ok(unknown(&error)),
            Desired::Present(spec) => spec,
        };
        let target = match target {
            Ok(target) => target,
            Err(error) => return Ok(unknown(error)),
        };
        let owner = reconciler.gateway.owner(assignment, pair, credential.name.as_str());
        let place = match reconciler.gateway.place(&assignment.region, target, &owner) {
            Ok(place) => place,
            Err(error) => return Ok(unknown(&error)),
        };
        let seen = self.look(assignment, target, &place, &owner).await;
        let (action, message) = self.compare(credential, &status, &spec, &place, seen).await?;
        Ok(Some((action, Some(place), message)))
    }

    async fn look(
        &self,
        assignment: &Assignment,
        target: &dyn Target,
        place: &str,
        owner: &Owner,
    ) -> Result<Seen, TargetError> {
        let ports = &self.kernel.ports;
        let breaker = self.reconciler.gateway.breaker(assignment.region.id);
        let permit = breaker.permit(|| ports.now(), false).await.map_err(|open| open.error)?;
        let seen = self.reconciler.gateway.call(&assignment.region, target.look(place, owner)).await;
        permit.report(&seen, ports.now(), |most| ports.jittered(most));
        seen
    }

    async fn compare(
        &self,
        credential: &Credential,
        status: &SyncStatus,
        spec: &Spec,
        place: &str,
        seen: Result<Seen, TargetError>,
    ) -> Result<(PlanAction, Option<String>), Error> {
        let wanted = if status.is_settled(&spec.input) {
            status.content.clone()
        } else {
            match self.reconciler.materializer.materialize(credential, spec).await? {
                Ok(materialized) => materialized.fingerprint,
                Err(error) => return Ok((PlanAction::Unknown, Some(error.to_string()))),
            }
        };
        let here = status.locations.iter().any(|known| known.place == place);
        let same_form = status.form.is_empty() || status.form == spec.form;
        // What we last put there, where nothing has been begun since.
        let ours = (here && status.begun_for.is_empty()).then_some(status.content.as_str());
        Ok(match seen {
            Ok(Seen::Nothing) if ours.is_some() => (PlanAction::Drifted, Some("somebody removed it".to_owned())),
            Ok(Seen::Nothing) => (PlanAction::Create, None),
            Ok(Seen::Ours(files)) => {
                let there = self.reconciler.materializer.content_fingerprint(&files);
                let as_left = ours.is_none_or(|ours| ours == there);
                match (there == wanted && same_form, as_left) {
                    (true, _) => (PlanAction::Unchanged, None),
                    (false, true) => (PlanAction::Update, None),
                    (false, false) => (PlanAction::Drifted, Some("somebody changed it".to_owned())),
                }
            }
            Ok(Seen::Foreign(whose)) => (PlanAction::Foreign, Some(whose)),
            Ok(Seen::CannotTell) => match ours {
                Some(ours) if ours == wanted && same_form => (PlanAction::Unchanged, None),
                Some(_) => (PlanAction::Update, None),
                None => (PlanAction::Create, Some("the target does not show what is there".to_owned())),
            },
            Err(error) => (PlanAction::Unknown, Some(error.to_string())),
        })
    }
}
