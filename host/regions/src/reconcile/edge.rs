//! The edge to a target. A target is made of libraries that meet whatever an
//! operator wrote and whatever another system answers; one that hangs or panics
//! is an error of its region, reported in the row like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Error, Notice, Violation};
use futures::FutureExt as _;
use futures::future::{Either, select};

use super::{ReconcileContext, ReconcileOptions, Reconciled, Reconciler};
use crate::{Login, Owner, Pair, Region, Target, TargetError};

impl Reconciler {
    /// A call of a region's target, given up where it outlasts every limit of its
    /// own: what is reserved for it is reserved for so long and no longer.
    pub(crate) async fn call<T>(
        &self,
        region: &Region,
        call: impl Future<Output = Result<T, TargetError>> + Send,
    ) -> Result<T, TargetError> {
        let call = std::pin::pin!(AssertUnwindSafe(call).catch_unwind());
        match select(call, self.kernel.ports.timer.sleep(CALL)).await {
            Either::Left((Ok(answer), _)) => answer,
            // The panic's own text may hold what it was working on.
            Either::Left((Err(_), _)) => Err(self.defect(region.name.as_str())),
            Either::Right(_) => Err(TargetError::Unreachable("it did not answer in time".to_owned())),
        }
    }

    /// See [`Target::place`].
    pub(crate) fn place(&self, region: &Region, target: &dyn Target, owner: &Owner) -> Result<String, TargetError> {
        catch_unwind(AssertUnwindSafe(|| target.place(owner)))
            .unwrap_or_else(|_| Err(self.defect(region.name.as_str())))
    }

    /// See [`crate::Targets::open`].
    pub(super) async fn open_settings(
        &self,
        region: &Region,
        login: Option<Login>,
    ) -> Result<Arc<dyn Target>, TargetError> {
        self.call(region, self.ports.targets.open(self.installation_id(), region, login)).await
    }

    /// See [`crate::Targets::judge`].
    pub(crate) fn complaints(&self, target: &str, settings: &SecretJson) -> Vec<Violation> {
        let judged = catch_unwind(AssertUnwindSafe(|| self.ports.targets.judge(target, settings)));
        judged.unwrap_or_else(|_| {
            self.kernel.ports.tell(&Notice::Defect { region: target.to_owned() });
            let message = "These settings make the target fail, which is a defect: tell those who make Bursar, with the \
                           line in the log, and give them in another form.";
            vec![Violation::new("", "unusable", message)]
        })
    }

    /// What a reconciliation that panicked leaves: the pair in error, nobody at it.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub(super) async fn broke_off(&self, pair: Pair, options: &ReconcileOptions) -> Result<Reconciled, Error> {
        let error = self.defect(&pair.region.to_string());
        let (mut status, expect) = self.sync_status(pair).await?;
        let Some(assignment) = self.assignment(pair.account, pair.region).await? else {
            let due_at = self.kernel.ports.now();
            return Ok(Reconciled::Failed { due_at, message: error.to_string(), passing: false });
        };
        let found = self.records.get(pair.account, pair.credential).await?;
        let credential = found.as_ref().map(|found| &found.credential);
        let wish = || self.desired(&assignment, credential, &status).wish().to_owned();
        // It may have been this that panicked.
        let wish = catch_unwind(AssertUnwindSafe(wish)).unwrap_or_default();
        status.attempt = None;
        let mut context = ReconcileContext { pair, assignment, found, options, status, expect };
        self.fail(&mut context, &error, &wish, None).await
    }

    /// A panic, as the row reports it.
    fn defect(&self, region: &str) -> TargetError {
        self.kernel.ports.tell(&Notice::Defect { region: region.to_owned() });
        TargetError::Failed("a part of Bursar broke off, which is a defect: its log says where".to_owned())
    }
}

/// No call of a target is waited for longer; targets give up well before.
const CALL: Duration = Duration::from_secs(90);
