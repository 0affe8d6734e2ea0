//! What a sync would do, without doing it.

use futures::{StreamExt as _, stream};

use super::super::credentials::Found;
use super::super::{Broker, codec};
use super::Settling;
use super::attachments::CHUNK;
use super::push::Errand;
use super::wanted::{Ground, Put, Wanted};
use crate::Error;
use crate::access::{Account, Caller, Right};
use crate::audit::Action;
use crate::credential::Credential;
use crate::id::{CredentialId, Reference};
use crate::keys::{self, Table};
use crate::region::{Attachment, Mode, OnDetach, Pair, Placement, Region, Seen, Target, TargetError};

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

impl Broker {
    /// What a sync of a region would do about each of an account's credentials.
    /// It looks at the target and changes nothing. Of a region that the account
    /// does not use, or that is paused, it tells what would be if it were.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, or the store fails. What the target says is
    /// in the plan.
    pub async fn plan_region(&self, caller: &Caller, account: &Reference, region: &Reference) -> Result<Plan, Error> {
        let account = self.authorize(caller, account, Right::Sync, Action::RegionRead).await?;
        let region = self.region_open_to(caller, &account, region).await?.region;
        let ground = self.supposed_ground(&account, &region).await?;
        let target = self.open_target(&region).await?;
        let credentials = self.all_credentials(caller, &account).await?;
        let how = Settling::by_itself(self);
        let (ground, target, how) = (&ground, &target, &how);
        let items: Vec<Result<Option<PlanItem>, Error>> = stream::iter(credentials)
            .map(|found| async move {
                let (id, credential) = (found.credential.id, found.credential.name.to_string());
                let foreseen = self.foresee(ground, found, target.as_deref(), how).await?;
                Ok(foreseen.map(|(action, place, message)| PlanItem { id, credential, action, place, message }))
            })
            .buffered(self.region_concurrency())
            .collect()
            .await;
        let items = items.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Plan { region: region.name.to_string(), items })
    }

    /// The ground as it would be if the account used the region and it took
    /// part.
    async fn supposed_ground(&self, account: &Account, region: &Region) -> Result<Ground, Error> {
        let mut ground = self.ground(account.id, region.id).await?.ok_or_else(super::show::no_such_region)?;
        let attachment = ground.attachment.take().unwrap_or_else(|| {
            let attachment = Attachment {
                account: account.id,
                region: region.id,
                formats: std::collections::BTreeMap::new(),
                types: None,
                on_detach: OnDetach::default(),
                detaching: None,
                attached_at: self.now(),
            };
            (attachment, 0)
        });
        ground.attachment = Some(attachment);
        if ground.region.mode == Mode::Paused {
            ground.region.mode = Mode::Active;
        }
        Ok(ground)
    }

    async fn all_credentials(&self, caller: &Caller, account: &Account) -> Result<Vec<Found>, Error> {
        let mut all = Vec::new();
        let mut after = Vec::new();
        loop {
            let records = self.store().scan(&keys::of_account(Table::Credential, account.id), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(all) };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                if self.is_within_scope(caller, &credential).await? {
                    all.push(Found { credential, revision: record.revision });
                }
            }
        }
    }

    /// What would be done about one credential; `None` where it is nowhere and
    /// is to be nowhere.
    async fn foresee(
        &self,
        ground: &Ground,
        found: Found,
        target: Result<&dyn Target, &TargetError>,
        how: &Settling,
    ) -> Result<Option<Foreseen>, Error> {
        let pair = Pair { account: ground.account.id, credential: found.credential.id, region: ground.region.id };
        let record = self.store().get(&keys::placed(pair)).await?;
        let placement: Placement = record.as_ref().map(codec::decode).transpose()?.unwrap_or_default();
        let put = match self.wanted(ground, Some(&found.credential), &placement) {
            Wanted::Anything | Wanted::AsItIs => return Ok(Some((PlanAction::Unchanged, None, None))),
            Wanted::Gone { keep } => {
                let place = placement.places.last().map(|place| place.place.clone());
                let action = if keep { PlanAction::Unchanged } else { PlanAction::Delete };
                return Ok(place.map(|place| (action, Some(place), keep.then(|| "it is left there".to_owned()))));
            }
            Wanted::Unclear(error) => return Ok(Some((PlanAction::Unknown, None, Some(error.to_string())))),
            Wanted::Put(put) => put,
        };
        let target = match target {
            Ok(target) => target,
            Err(error) => return Ok(Some((PlanAction::Unknown, None, Some(error.to_string())))),
        };
        let owner = self.owner(ground, pair, found.credential.name.as_str());
        let place = match self.place(&ground.region, target, &owner) {
            Ok(place) => place,
            Err(error) => return Ok(Some((PlanAction::Unknown, None, Some(error.to_string())))),
        };
        let gate = self.regions.gate(ground.region.id);
        let seen = match gate.pass(|| self.now(), false).await {
            Err(open) => Err(open.error),
            Ok(pass) => {
                let seen = self.call(&ground.region, target.look(&place, &owner)).await;
                pass.tell(&seen, self.now(), |most| self.jittered(most));
                seen
            }
        };
        let errand = Errand::new(pair, ground.clone(), Some(found), how);
        let (action, message) = self.compare(&errand, &placement, &put, &place, seen).await?;
        Ok(Some((action, Some(place), message)))
    }

    async fn compare(
        &self,
        errand: &Errand<'_>,
        placement: &Placement,
        put: &Put,
        place: &str,
        seen: Result<Seen, TargetError>,
    ) -> Result<(PlanAction, Option<String>), Error> {
        let wanted = if placement.is_settled(&put.input) {
            placement.content.clone()
        } else {
            match self.content(errand, put).await? {
                Ok(content) => content.fingerprint().to_owned(),
                Err(error) => return Ok((PlanAction::Unknown, Some(error.to_string()))),
            }
        };
        let here = placement.places.iter().any(|known| known.place == place);
        let same_form = placement.form.is_empty() || placement.form == put.form;
        // What we last put there, where nothing has been begun since.
        let ours = (here && placement.begun_for.is_empty()).then_some(placement.content.as_str());
        Ok(match seen {
            Ok(Seen::Nothing) if ours.is_some() => (PlanAction::Drifted, Some("somebody removed it".to_owned())),
            Ok(Seen::Nothing) => (PlanAction::Create, None),
            Ok(Seen::Ours(files)) => {
                let there = self.content_fingerprint(&files);
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
