//! Taking away what is ours.

use bursar_kernel::Error;
use bursar_kernel::audit::{Action, Event};
use bursar_kernel::keys::{Table, of_credential};
use bursar_kernel::store::{Batch, Expect};
use serde_json::json;

use super::desired::REMOVAL;
use super::execute::Session;
use super::{ReconcileContext, Reconciled, Reconciler};
use crate::{Owner, Removal, Target, TargetError};

impl Reconciler {
    /// Removes a pair from everywhere: the intent, the calls, the outcome.
    pub(super) async fn remove(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &mut Session<'_>,
    ) -> Result<Reconciled, Error> {
        if let Err(open) = session.acquire(self, context.options.ignore_backoff).await {
            return self.keep_off(context, &open, REMOVAL).await;
        }
        let target = match self.gateway.open_target(&context.assignment.region).await? {
            Ok(target) => target,
            Err(error) => return self.fail(context, &error, REMOVAL, None).await,
        };
        context.status = self.intended(&context.status, REMOVAL);
        let event = self.removal_event(context, 0);
        // One that is restored meanwhile stays.
        let credential = context.found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.revision));
        let key = of_credential(Table::Credential, context.pair.account, context.pair.credential);
        self.commit_intent(context, Batch::default().require(key, credential), event).await?;
        let answer = self.remove_locations(context, &*target, 0).await;
        session.report(self, &answer);
        match answer {
            Ok(()) => self.release(context, "removed").await,
            Err(error) => self.fail(context, &error, REMOVAL, None).await,
        }
    }

    /// That all locations but the newest `spared` are to be removed: on record
    /// before the target hears of it.
    pub(super) fn removal_event(&self, context: &ReconcileContext<'_>, spared: usize) -> Event {
        let locations = &context.status.locations;
        let old = &locations[..locations.len().saturating_sub(spared)];
        let places: Vec<&str> = old.iter().map(|location| location.place.as_str()).collect();
        context.event(self, Action::RegionRemove, json!({ "places": places }))
    }

    /// Removes from all locations but the newest `spared`, oldest first.
    pub(super) async fn remove_locations(
        &self,
        context: &mut ReconcileContext<'_>,
        target: &dyn Target,
        spared: usize,
    ) -> Result<(), TargetError> {
        while context.status.locations.len() > spared {
            let old = context.status.locations[0].clone();
            let removal = Removal {
                owner: Owner {
                    account_name: old.account_name,
                    ..self.gateway.owner(&context.assignment, context.pair, &old.credential_name)
                },
                idempotency_key: self.idempotency_key(context, Some(&old.place)),
            };
            let removing = target.remove(&old.place, &removal, old.receipt.as_ref());
            self.gateway.call(&context.assignment.region, removing).await?;
            context.status.locations.remove(0);
        }
        Ok(())
    }
}
