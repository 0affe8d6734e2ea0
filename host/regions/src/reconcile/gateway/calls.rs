//! Calls of a target, fenced. A target is made of libraries that meet whatever an
//! operator wrote and whatever another system answers; one that hangs or panics
//! is an error of its region, reported in the row like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Notice, Violation};
use futures::FutureExt as _;
use futures::future::{Either, select};

use super::TargetGateway;
use crate::{Login, Owner, Region, Target, TargetError};

impl TargetGateway {
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
        self.call(region, self.targets.open(self.installation_id(), region, login)).await
    }

    /// See [`crate::Targets::judge`].
    pub(crate) fn complaints(&self, target: &str, settings: &SecretJson) -> Vec<Violation> {
        let judged = catch_unwind(AssertUnwindSafe(|| self.targets.judge(target, settings)));
        judged.unwrap_or_else(|_| {
            self.kernel.ports.tell(&Notice::Defect { region: target.to_owned() });
            let message = "These settings make the target fail, which is a defect: tell those who make Bursar, with the \
                           line in the log, and give them in another form.";
            vec![Violation::new("", "unusable", message)]
        })
    }

    /// A panic, as the row reports it.
    pub(in crate::reconcile) fn defect(&self, region: &str) -> TargetError {
        self.kernel.ports.tell(&Notice::Defect { region: region.to_owned() });
        TargetError::Failed("a part of Bursar broke off, which is a defect: its log says where".to_owned())
    }
}

/// No call of a target is waited for longer; targets give up well before.
const CALL: Duration = Duration::from_secs(90);
