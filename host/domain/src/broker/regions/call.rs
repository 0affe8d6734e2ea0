//! The edge to a target. A target is made of libraries that meet whatever an
//! operator wrote and whatever another system answers; one that hangs or panics
//! is an error of its region, told in the row like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};

use super::super::Broker;
use super::push::Errand;
use super::settle::{Known, Settled, Settling, waits_for};
use crate::Error;
use crate::Violation;
use crate::region::{Login, Notice, Owner, Pair, Placement, Region, Target, TargetError};
use crate::secret::SecretJson;

impl Broker {
    /// A call of a region's target, given up where it outlasts every limit of its
    /// own: what is reserved for it is reserved for so long and no longer.
    pub(super) async fn call<T>(
        &self,
        region: &Region,
        call: impl Future<Output = Result<T, TargetError>> + Send,
    ) -> Result<T, TargetError> {
        let call = std::pin::pin!(AssertUnwindSafe(call).catch_unwind());
        match select(call, self.ports.timer.sleep(CALL)).await {
            Either::Left((Ok(answer), _)) => answer,
            // The panic's own text may hold what it was working on.
            Either::Left((Err(_), _)) => Err(self.defect(region.name.as_str())),
            Either::Right(_) => Err(TargetError::Unreachable("it did not answer in time".to_owned())),
        }
    }

    /// See [`Target::place`].
    pub(super) fn place(&self, region: &Region, target: &dyn Target, owner: &Owner) -> Result<String, TargetError> {
        catch_unwind(AssertUnwindSafe(|| target.place(owner)))
            .unwrap_or_else(|_| Err(self.defect(region.name.as_str())))
    }

    /// See [`crate::region::Targets::open`].
    pub(super) async fn open_settings(
        &self,
        region: &Region,
        login: Option<Login>,
    ) -> Result<Arc<dyn Target>, TargetError> {
        self.call(region, self.regions.ports.targets.open(self.installation_id(), region, login)).await
    }

    /// See [`crate::region::Targets::judge`].
    pub(super) fn complaints(&self, target: &str, settings: &SecretJson) -> Vec<Violation> {
        let judged = catch_unwind(AssertUnwindSafe(|| self.regions.ports.targets.judge(target, settings)));
        judged.unwrap_or_else(|_| {
            self.tell(&Notice::Defect { region: target.to_owned() });
            let message = "These settings make the target fail, which is a defect: tell those who make Bursar, with the \
                           line in the log, and give them in another form.";
            vec![Violation::new("", "unusable", message)]
        })
    }

    /// What a settling that panicked leaves: the pair in error, nobody at it.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub(super) async fn broke_off(&self, pair: Pair, known: Known, how: &Settling) -> Result<Settled, Error> {
        let error = self.defect(&pair.region.to_string());
        let Some(ground) = self.ground(pair.account, pair.region).await? else {
            return Ok(Settled::Failed { due_at: self.now(), message: error.to_string(), passing: false });
        };
        let found = self.credential_of(pair).await?;
        let credential = found.as_ref().map(|found| &found.credential);
        let wish = || waits_for(&self.wanted(&ground, credential, &known.placement)).to_owned();
        // It may have been this that panicked.
        let wish = catch_unwind(AssertUnwindSafe(wish)).unwrap_or_default();
        let errand = Errand::new(pair, ground, found, how);
        let placement = Placement { attempt: None, ..known.placement };
        self.fail_pair(&errand, Known { placement, ..known }, &error, &wish, None).await
    }

    /// A panic, as the row tells it.
    fn defect(&self, region: &str) -> TargetError {
        self.tell(&Notice::Defect { region: region.to_owned() });
        TargetError::Failed("a part of Bursar broke off, which is a defect: its log says where".to_owned())
    }
}

/// No call of a target is waited for longer; targets give up well before.
const CALL: Duration = Duration::from_secs(90);
