//! A push: the intent, the call, the outcome.

use bursar_credentials::keys as credential_keys;
use bursar_kernel::audit::{Action, Event};
use bursar_kernel::keys::Table;
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Done, Error, SyncState, codec};
use serde_json::{Value, json};

use super::content::fingerprint;
use super::desired::Spec;
use super::execute::Session;
use super::{ReconcileContext, Reconciled, Reconciler};
use crate::{Parcel, RemoteLocation, SyncStatus, Target, TargetError, keys};

impl Reconciler {
    /// Pushes, from the intent to the outcome.
    pub(super) async fn push(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &mut Session<'_>,
        spec: &Spec,
        place: String,
        repairs: Option<&str>,
    ) -> Result<Reconciled, Error> {
        let (Some(materialized), Some(target), Some(found)) =
            (session.materialized.take(), session.target.clone(), context.found.clone())
        else {
            return Err(Error::not_found("credential"));
        };
        if repairs.is_some() {
            context.publish(self, Done::Drifted);
        }
        let before = context.status.clone();
        let repair = before.input == spec.input && !before.content.is_empty();
        context.status = self.intended(&before, &spec.input);
        let receipt = keep_in_sight(context, &place);
        let mut detail = json!({ "place": place });
        if let Some(what) = repairs {
            detail["repairs"] = json!(what);
        }
        let event = context.push_event(self, spec, Action::RegionPush, detail);
        let unchanged = credential_keys::for_credential(&found.credential, Table::Credential);
        let batch = Batch::default().require(unchanged, Expect::At(found.revision));
        self.commit_intent(context, batch, event).await?;

        let parcel = Parcel {
            owner: self.gateway.owner(&context.assignment, context.pair, found.credential.name.as_str()),
            type_id: found.credential.type_id.clone(),
            version: found.credential.version,
            formats: spec.formats.clone(),
            artifacts: materialized.artifacts,
            idempotency_key: self.idempotency_key(context, None),
        };
        let answer = self.gateway.call(&context.assignment.region, target.put(&place, &parcel, receipt.as_ref())).await;
        drop(parcel);
        session.report(self, &answer);
        match answer {
            Ok(receipt) => self.pushed(context, spec, &materialized.fingerprint, &*target, receipt, repair).await,
            // A target that refused has written nothing.
            Err(error @ TargetError::Foreign(_)) => {
                self.place_taken(context, spec, before, &place, &error, &*target).await
            }
            Err(error) => self.fail(context, &error, &spec.input, None).await,
        }
    }

    /// Commits that something is about to happen at the target, on what was read.
    pub(super) async fn commit_intent(
        &self,
        context: &mut ReconcileContext<'_>,
        batch: Batch,
        event: Event,
    ) -> Result<(), Error> {
        let batch = batch.put(keys::placed(context.pair), context.expect, codec::encode(&context.status)?);
        let batch = context.assignment.unchanged(batch).event(event);
        let revision = self.kernel.ports.store().commit(batch).await?;
        context.expect = Expect::At(revision);
        context.publish(self, Done::Began);
        Ok(())
    }

    /// The status that stands for the intent.
    pub(super) fn intended(&self, before: &SyncStatus, wish: &str) -> SyncStatus {
        let again = before.begun_for == wish;
        SyncStatus {
            state: SyncState::Syncing,
            begun: if again { before.begun } else { self.kernel.ports.new_id() },
            begun_for: wish.to_owned(),
            attempt: Some(self.claim()),
            ..before.clone()
        }
    }

    /// The same for each try of one push, or of the removal from one place, and
    /// for nothing else.
    pub(super) fn idempotency_key(&self, context: &ReconcileContext<'_>, removed: Option<&str>) -> String {
        let removed = removed.map(|place| format!("remove {place}")).unwrap_or_default();
        // A region's name is told to a receiver, and can change between two tries.
        let about = format!("{}\n{}\n{removed}", context.status.begun, context.region());
        fingerprint(&self.kernel.ports.blind().digest("sync-idempotency", about.as_bytes()))
    }

    /// Something else has the place. A renamed credential whose new place another
    /// credential of the account has, which may wait for our old one in turn, gives
    /// the old one up; else that is better than nothing.
    async fn place_taken(
        &self,
        context: &mut ReconcileContext<'_>,
        spec: &Spec,
        mut before: SyncStatus,
        place: &str,
        error: &TargetError,
        target: &dyn Target,
    ) -> Result<Reconciled, Error> {
        let is_elsewhere = before.locations.iter().any(|location| location.place != place);
        let known = before.failure.as_ref().filter(|failure| failure.wish == spec.input);
        // Once is enough: who has it is one of ours then or never.
        let looked_for = known.is_some_and(|failure| failure.reason == error.code());
        // Of a renamed account nothing stands where others of it are to go.
        let account_name = context.assignment.account.name.as_str();
        let renamed_itself = before.locations.iter().any(|old| old.place != place && old.account_name == account_name);
        if is_elsewhere && !looked_for && renamed_itself && self.records.is_held_by_another(context.pair, place).await?
        {
            let begun = std::mem::replace(&mut context.status, before);
            self.kernel.journal.record(self.removal_event(context, 0)).await?;
            let removed = self.remove_locations(context, target, 0).await;
            before = std::mem::replace(&mut context.status, begun);
            if let Err(error) = removed {
                return self.fail(context, &error, &spec.input, Some(&before)).await;
            }
            before.content.clear();
            before.input.clear();
        }
        self.fail(context, error, &spec.input, Some(&before)).await
    }
}

/// Makes `place` the newest of the pair's locations, and returns the receipt of
/// what is there. Whatever was put anywhere stays in sight until it is removed.
fn keep_in_sight(context: &mut ReconcileContext<'_>, place: &str) -> Option<Value> {
    let credential_name = context.credential_name();
    let locations = &mut context.status.locations;
    let known = locations.iter().position(|known| known.place == place);
    let receipt = known.and_then(|index| locations.remove(index).receipt);
    locations.push(RemoteLocation {
        place: place.to_owned(),
        account_name: context.assignment.account.name.to_string(),
        credential_name,
        receipt: receipt.clone(),
    });
    receipt
}
