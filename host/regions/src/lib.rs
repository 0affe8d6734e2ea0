//! Regions: which there are, which an account uses, and that its credentials are
//! in place there.
//!
//! [`Regions`] holds the regions, [`Attachments`] how accounts use them. The
//! [`Reconciler`] keeps one credential in one region as it should be, and
//! [`engine`] is the loop that has it do so. Where credentials are put is known
//! by the port [`Target`] alone.

#![forbid(unsafe_code)]

mod administer;
mod attach;
mod attachments;
mod audience;
mod change;
mod command;
mod dependents;
mod detach;
pub mod engine;
mod ensure;
pub mod keys;
mod login;
mod model;
mod plan;
mod reconcile;
mod settings;
mod show;
mod target;
mod walk;

use std::sync::Arc;

use async_trait::async_trait;
use bursar_credentials::Credentials;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{NodeId, Reference};
use bursar_kernel::nodes::Nodes;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Account, Caller, Error, Kernel, Kind, Ports, Right, Violation};
use uuid::Uuid;

pub use attachments::{AccountRegion, Attachments};
pub use command::{AttachRegion, ChosenLogin, CreateRegion, UpdateRegion};
pub use dependents::RegionDependents;
pub use ensure::{Ensured, NotInPlace, OnProgress, Progress};
pub use model::{
    Attachment, Attempt, DriftPolicy, Failure, LoginReference, Mode, OnDetach, Pair, Region, RemoteLocation, SyncStatus,
};
pub use plan::{Plan, PlanAction, PlanItem};
pub use reconcile::{ReconcileOptions, Reconciled, Reconciler};
pub use settings::{Setting, SettingsSchema};
pub use show::RegionView;
pub use target::{Login, Owner, Parcel, Removal, Seen, Target, TargetError, TargetKind, Targets};
pub use walk::{Extent, Walk};

/// What regions need of the world beside the kernel's ports.
#[derive(Clone)]
pub struct RegionPorts {
    /// The kinds of targets.
    pub targets: Arc<dyn Targets>,
    /// Who else works on this store, and whose work was cut off.
    pub nodes: Arc<Nodes>,
    /// Calls of one region's target at once.
    pub concurrency: usize,
}

/// Regions as operators define them.
pub struct Regions {
    kernel: Kernel,
    credentials: Arc<Credentials>,
    reconciler: Arc<Reconciler>,
}

impl Regions {
    /// Regions of these credentials. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, credentials: Arc<Credentials>, reconciler: Arc<Reconciler>) -> Self {
        Self { kernel: kernel.clone(), credentials, reconciler }
    }

    /// The kinds of targets a region can have.
    #[must_use]
    pub fn targets(&self) -> &'static [TargetKind] {
        self.reconciler.ports().targets.kinds()
    }

    /// Whether the caller may watch what changes in an account.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] also for a token that is narrowed: what is published is of
    /// everything.
    pub async fn watch(&self, caller: &Caller, account: &Reference) -> Result<Account, Error> {
        let authorizer = &self.kernel.authorizer;
        let account = authorizer.authorize(caller, account, Right::List, Action::RegionRead).await?;
        if caller.scope.is_everything() {
            return Ok(account);
        }
        let event = authorizer.event(caller, Action::RegionRead, Outcome::Denied);
        self.kernel.journal.record(Event { account: Some(account.id), ..event }).await?;
        Err(Error::new(Kind::Denied, "a narrowed token cannot watch: events tell of everything in the account"))
    }
}

impl RegionPorts {
    /// Knows no kind of target.
    #[must_use]
    pub fn none(ports: &Ports) -> Self {
        let nowhere = NodeId(Uuid::nil());
        let nodes = Nodes::alone(ports.store.clone(), ports.clock.clone(), nowhere, Uuid::nil(), "");
        Self { targets: Arc::new(NoTargets), nodes: Arc::new(nodes), concurrency: 1 }
    }
}

struct NoTargets;

#[async_trait]
impl Targets for NoTargets {
    fn kinds(&self) -> &'static [TargetKind] {
        &[]
    }

    fn judge(&self, _: &str, _: &SecretJson) -> Vec<Violation> {
        Vec::new()
    }

    async fn open(&self, _: Uuid, _: &Region, _: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
        Err(TargetError::Failed("this build has no targets".to_owned()))
    }
}
