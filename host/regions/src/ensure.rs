//! Having a region complete, now: before a first deployment there (S0-40), and
//! when somebody asks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_credentials::{Credential, View};
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::keys::{Table, of_account};
use bursar_kernel::{Account, Caller, Error, Kind, Right, SyncState, codec};
use futures::{StreamExt as _, stream};
use jiff::SignedDuration;
use serde_json::json;

use crate::administer::region_event;
use crate::attachments::{CHUNK, attached_to, not_attached};
use crate::show::is_within_scope;
use crate::{AttachRegion, Attachment, Attachments, Mode, Pair, ReconcileOptions, Reconciled, Region, keys};

/// How far it is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Credentials that were seen to.
    pub done: usize,
    /// All of them.
    pub total: usize,
    /// Where.
    pub region: String,
    /// The name of the one that was seen to last.
    pub credential: String,
    /// How that one stands.
    pub state: SyncState,
}

/// What is in place, and what is not.
#[derive(Clone, Debug)]
pub struct Ensured {
    /// The region's name.
    pub region: String,
    /// How many are in place.
    pub synced: usize,
    /// Those that are not.
    pub failed: Vec<NotInPlace>,
}

/// A credential that is not in place.
#[derive(Clone, Debug)]
pub struct NotInPlace {
    /// Its id.
    pub id: CredentialId,
    /// Its name.
    pub credential: String,
    /// Why, for a person.
    pub error: String,
}

impl Ensured {
    /// Whether everything is in place.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Who is told how far it is.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

impl Attachments {
    /// Has every credential of an account in place in a region before it
    /// returns, or names those that are not (S0-40). An account that does not
    /// use the region yet does from now on. What is in place is not touched.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where the region is paused or being emptied.
    pub async fn ensure(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<Ensured, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Sync, Action::RegionEnsure).await?;
        let region = self.regions.region_open_to(caller, &account, region).await?.region;
        takes_part(&region)?;
        let record = self.kernel.ports.store().get(&keys::attachment(account.id, region.id)).await?;
        let known: Option<Attachment> = record.as_ref().map(codec::decode).transpose()?;
        if known.as_ref().is_none_or(|attachment| attachment.detaching.is_some()) {
            self.decides_for_all(caller, &account, Action::RegionAttach).await?;
            let command = known.map(AttachRegion::from);
            self.commit_attachment(caller, &account, region.id, &command.unwrap_or_default(), None).await?;
        }
        let options = self.on_behalf_of(caller).eagerly();
        let ensured = self.reconcile_all(caller, &account, &region, &options, progress).await?;
        let detail = json!({ "synced": ensured.synced, "failed": ensured.failed.len() });
        let event = region_event(&self.kernel.authorizer, caller, Action::RegionEnsure, &region, detail);
        let outcome = if ensured.ready() { Outcome::Ok } else { Outcome::Failed };
        self.kernel.journal.record(Event { account: Some(account.id), outcome, ..event }).await?;
        Ok(ensured)
    }

    /// Looks at everything an account has in a region, and puts right what is
    /// not.
    ///
    /// # Errors
    ///
    /// Not found where the account does not use the region; [`Kind::Conflict`]
    /// where it is paused or being emptied.
    pub async fn sync(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<Ensured, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Sync, Action::CredentialSync).await?;
        let region = self.regions.find_region(caller, region).await?.region;
        let record =
            self.kernel.ports.store().get(&keys::attachment(account.id, region.id)).await?.ok_or_else(not_attached)?;
        if codec::decode::<Attachment>(&record)?.detaching.is_some() {
            return Err(not_attached());
        }
        takes_part(&region)?;
        let options = self.on_behalf_of(caller).eagerly().verifying().repairing();
        self.reconcile_all(caller, &account, &region, &options, progress).await
    }

    /// The same in every region that the account uses and that takes part.
    ///
    /// # Errors
    ///
    /// Where the caller may not, or the store fails.
    pub async fn sync_account(
        &self,
        caller: &Caller,
        account: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<Vec<Ensured>, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Sync, Action::CredentialSync).await?;
        let options = self.on_behalf_of(caller).eagerly().verifying().repairing();
        let mut all = Vec::new();
        for (region, attachment, _) in attached_to(self.kernel.ports.store(), account.id).await? {
            let active = region.mode == Mode::Active && attachment.detaching.is_none();
            if active && is_within_scope(caller, &region) {
                all.push(self.reconcile_all(caller, &account, &region, &options, progress).await?);
            }
        }
        Ok(all)
    }

    /// Pushes a credential again to every region in use that takes part (S0-39):
    /// what is there is looked at, and put right. How it went is in its rows.
    ///
    /// # Errors
    ///
    /// Not found, deleted, or the caller lacks the right.
    pub async fn sync_credential(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
    ) -> Result<View, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Sync, Action::CredentialSync).await?;
        let found = self.credentials.find_live(caller, &account, credential).await?;
        let options = self.on_behalf_of(caller).eagerly().verifying().repairing();
        let mut used = attached_to(self.kernel.ports.store(), account.id).await?;
        used.retain(|(region, _, _)| is_within_scope(caller, region));
        let id = found.credential.id;
        let pairs =
            used.into_iter().map(|(region, _, _)| Pair { account: account.id, credential: id, region: region.id });
        let mut reconciling =
            stream::iter(pairs).map(|pair| self.reconcile_patiently(pair, &options)).buffer_unordered(REGIONS);
        while let Some(reconciled) = reconciling.next().await {
            reconciled?;
        }
        drop(reconciling);
        let found = self.credentials.find(caller, &account, &Reference::Id(id.0)).await?;
        self.credentials.view(caller, &account, found).await
    }

    pub(crate) fn on_behalf_of(&self, caller: &Caller) -> ReconcileOptions {
        ReconcileOptions::by(self.kernel.authorizer.event(caller, Action::CredentialSync, Outcome::Ok))
    }

    async fn reconcile_all(
        &self,
        caller: &Caller,
        account: &Account,
        region: &Region,
        options: &ReconcileOptions,
        progress: OnProgress<'_>,
    ) -> Result<Ensured, Error> {
        let credentials = self.concerned(caller, account, region).await?;
        let total = credentials.len();
        // Whether somebody has waited for the region in vain: once is enough.
        let in_vain = AtomicBool::new(false);
        let in_vain = &in_vain;
        let mut reconciling = stream::iter(credentials)
            .map(|(id, name)| async move {
                let pair = Pair { account: account.id, credential: id, region: region.id };
                if in_vain.load(Ordering::Relaxed) && self.reconciler.is_down(region.id) {
                    return (id, name, self.reconciler.reconcile(pair, &options.clone().patiently()).await);
                }
                let reconciled = self.reconcile_patiently(pair, options).await;
                in_vain.fetch_or(self.reconciler.is_down(region.id), Ordering::Relaxed);
                (id, name, reconciled)
            })
            .buffer_unordered(self.reconciler.concurrency());
        let mut ensured = Ensured { region: region.name.to_string(), synced: 0, failed: Vec::new() };
        let mut done = 0;
        while let Some((id, name, reconciled)) = reconciling.next().await {
            done += 1;
            // What cannot be read of one is no reason to leave the others.
            let reconciled = match reconciled {
                Err(error) if error.kind == Kind::Internal => {
                    Reconciled::Failed { due_at: self.kernel.ports.now(), message: error.message, passing: false }
                }
                reconciled => reconciled?,
            };
            let (state, error) = match reconciled {
                Reconciled::Unchanged | Reconciled::Pushed => (SyncState::Synced, None),
                Reconciled::Left => (SyncState::NotSynced, Some("the region was paused meanwhile".to_owned())),
                // Its type is not to be there.
                Reconciled::Removed | Reconciled::Detached => (SyncState::NotSynced, None),
                Reconciled::Drifted => (SyncState::Drifted, Some("somebody changed it there: sync it".to_owned())),
                Reconciled::Busy(_) => (SyncState::Syncing, Some("another process is at it: try again".to_owned())),
                Reconciled::KeptOff { message, .. } | Reconciled::Failed { message, .. } => {
                    (SyncState::Error, Some(message))
                }
            };
            ensured.synced += usize::from(state == SyncState::Synced);
            progress(Progress { done, total, region: ensured.region.clone(), credential: name.clone(), state });
            ensured.failed.extend(error.map(|error| NotInPlace { id, credential: name, error }));
        }
        ensured.failed.sort_by(|a, b| a.credential.cmp(&b.credential));
        Ok(ensured)
    }

    /// Settles a pair for somebody who waits: what may go better by itself is
    /// tried a few times.
    async fn reconcile_patiently(&self, pair: Pair, options: &ReconcileOptions) -> Result<Reconciled, Error> {
        let (mut tries, since) = (0, self.kernel.ports.now());
        loop {
            let reconciled = self.reconciler.reconcile(pair, options).await?;
            let again = match &reconciled {
                Reconciled::Failed { passing, .. } => *passing,
                Reconciled::KeptOff { .. } => true,
                Reconciled::Busy(_) => {
                    // It ends, or its node does, and then it is ours.
                    if self.kernel.ports.now().duration_since(since) > BUSY_PATIENCE {
                        return Ok(reconciled);
                    }
                    self.kernel.ports.timer.sleep(FIRST_PAUSE).await;
                    continue;
                }
                _ => false,
            };
            tries += 1;
            if !again || tries > RETRIES {
                return Ok(reconciled);
            }
            let pause = self.kernel.ports.jittered(FIRST_PAUSE * 2_u32.pow(tries)).max(FIRST_PAUSE / 2);
            self.kernel.ports.timer.sleep(pause).await;
        }
    }

    /// Ids and names of an account's live credentials that the caller reaches and
    /// that are to be in a region, or still are.
    async fn concerned(
        &self,
        caller: &Caller,
        account: &Account,
        region: &Region,
    ) -> Result<Vec<(CredentialId, String)>, Error> {
        let record =
            self.kernel.ports.store().get(&keys::attachment(account.id, region.id)).await?.ok_or_else(not_attached)?;
        let attachment: Attachment = codec::decode(&record)?;
        let mut live = Vec::new();
        let mut after = Vec::new();
        loop {
            let records =
                self.kernel.ports.store().scan(&of_account(Table::Credential, account.id), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(live) };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                if credential.deleted_at.is_some() || !self.credentials.is_within_scope(caller, &credential).await? {
                    continue;
                }
                let pair = Pair { account: account.id, credential: credential.id, region: region.id };
                if self.reconciler.belongs_there(&attachment, region, &credential.type_id)
                    || self.kernel.ports.store().get(&keys::placed(pair)).await?.is_some()
                {
                    live.push((credential.id, credential.name.to_string()));
                }
            }
        }
    }
}

fn takes_part(region: &Region) -> Result<(), Error> {
    let what = match region.mode {
        Mode::Active => return Ok(()),
        Mode::Paused => "is paused: resume it first",
        Mode::Draining => "is being emptied: resume it first",
    };
    Err(Error::new(Kind::Conflict, format_args!("region `{}` {what}", region.name)))
}

const REGIONS: usize = 16;
const RETRIES: u32 = 3;
/// Longer than a node takes to be taken for gone, and than most pushes.
const BUSY_PATIENCE: SignedDuration = SignedDuration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
