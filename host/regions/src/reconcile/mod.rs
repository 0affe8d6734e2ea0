//! Keeping one credential in one region as it should be: look, decide, act.
//!
//! [`Reconciler::reconcile`] is the heart. It looks at what is recorded, has
//! [`decide`] say what to do, and carries that out; where the decision needs to
//! know more, such as what is at the target, it finds out and decides again.
//!
//! A target is outside, so an action goes in three steps: the intent is committed
//! (an event, and the sync status with who is at it), the target is called, the
//! outcome is committed. What a crash leaves between the two commits is found by
//! its sync status and finished.

mod circuit_breaker;
mod content;
mod context;
pub(crate) mod decide;
mod desired;
mod execute;
mod gateway;
mod options;
mod outcome;
mod push;
mod records;
mod remove;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bursar_credentials::CredentialRecords;
use bursar_kernel::id::RegionId;
use bursar_kernel::{ATTEMPTS, Error, Kernel, Kind, Queues};
use futures::FutureExt as _;

use self::content::Materializer;
use self::context::ReconcileContext;
use self::decide::{Observation, decide};
pub(crate) use self::desired::{Desired, Spec};
use self::execute::Session;
use self::gateway::TargetGateway;
pub use self::options::{ReconcileOptions, Reconciled};
use self::outcome::Overtaken;
pub(crate) use self::records::Assignment;
use self::records::SyncRecords;
use crate::{Pair, RegionPorts, keys};

/// Brings credentials in regions to where they should be, whoever asks.
pub struct Reconciler {
    kernel: Kernel,
    credentials: CredentialRecords,
    ports: RegionPorts,
    pub(crate) records: SyncRecords,
    pub(crate) materializer: Materializer,
    pub(crate) gateway: TargetGateway,
    /// One reconciliation of a pair at a time.
    queues: Queues,
}

impl Reconciler {
    /// A reconciler over these ports. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, ports: RegionPorts) -> Self {
        Self {
            credentials: CredentialRecords::new(kernel.ports.clone()),
            records: SyncRecords::new(kernel, ports.targets.kinds()),
            materializer: Materializer::new(kernel),
            gateway: TargetGateway::new(kernel, &ports),
            kernel: kernel.clone(),
            ports,
            queues: Queues::default(),
        }
    }

    /// Brings one credential in one region to where it should be: puts it there,
    /// puts it right, removes it, or finds that there is nothing to do, which
    /// neither materializes nor sends anything.
    ///
    /// # Errors
    ///
    /// Where the store fails. What the target reports is in the answer and in the
    /// sync status.
    pub async fn reconcile(&self, pair: Pair, options: &ReconcileOptions) -> Result<Reconciled, Error> {
        let queue = self.queues.queue(&keys::placed(pair));
        let _turn = queue.lock().await;
        let mut options = options.clone();
        for _ in 0..ATTEMPTS {
            let reconciled = match AssertUnwindSafe(self.attempt(pair, &options)).catch_unwind().await {
                Ok(reconciled) => reconciled,
                Err(_) => self.broke_off(pair, &options).await,
            };
            match reconciled {
                // This node was taken for gone, and another one took over. What it
                // sent may have come after what the other one sent.
                Err(error) if error.source.as_ref().is_some_and(|source| source.is::<Overtaken>()) => {
                    options = options.verifying();
                }
                // Somebody else changed a part of it: look again.
                Err(error) if error.kind == Kind::Conflict => {}
                done => return done,
            }
        }
        Ok(Reconciled::Busy(self.kernel.ports.now()))
    }

    async fn attempt(&self, pair: Pair, options: &ReconcileOptions) -> Result<Reconciled, Error> {
        let (status, expect) = self.records.sync_status(pair).await?;
        let Some(assignment) = self.records.assignment(pair.account, pair.region).await? else {
            return self.forget_status(pair, &status, expect).await;
        };
        let found = self.credentials.get(pair.account, pair.credential).await?;
        let desired = self.desired(&assignment, found.as_ref().map(|found| &found.credential), &status);
        let breaker = self.gateway.breaker(pair.region);
        let mut session = Session::new(&breaker);
        let mut context = ReconcileContext { pair, assignment, found, options, status, expect };
        let mut observed = Observation::default();
        loop {
            let action = decide(&desired, &context.recorded(self), &observed);
            let done = self.execute(&mut context, &mut session, &desired, &mut observed, action).await?;
            if let Some(reconciled) = done {
                return Ok(reconciled);
            }
        }
    }

    /// How many pairs of a region may be on their way at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.ports.concurrency
    }

    /// Whether a region's target is down, as far as this process has found.
    #[must_use]
    pub fn is_down(&self, region: RegionId) -> bool {
        self.gateway.breaker(region).why_open().is_some()
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    pub(crate) fn ports(&self) -> &RegionPorts {
        &self.ports
    }

    /// What a reconciliation that panicked leaves: the pair in error, nobody at it.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub(super) async fn broke_off(&self, pair: Pair, options: &ReconcileOptions) -> Result<Reconciled, Error> {
        let error = self.gateway.defect(&pair.region.to_string());
        let (mut status, expect) = self.records.sync_status(pair).await?;
        let Some(assignment) = self.records.assignment(pair.account, pair.region).await? else {
            let due_at = self.kernel.ports.now();
            return Ok(Reconciled::Failed { due_at, message: error.to_string(), passing: false });
        };
        let found = self.credentials.get(pair.account, pair.credential).await?;
        let credential = found.as_ref().map(|found| &found.credential);
        let wish = || self.desired(&assignment, credential, &status).wish().to_owned();
        // It may have been this that panicked.
        let wish = catch_unwind(AssertUnwindSafe(wish)).unwrap_or_default();
        status.attempt = None;
        let mut context = ReconcileContext { pair, assignment, found, options, status, expect };
        self.fail(&mut context, &error, &wish, None).await
    }
}
