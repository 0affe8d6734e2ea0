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

mod assignment;
mod circuit_breaker;
mod content;
mod context;
pub(crate) mod decide;
mod desired;
mod edge;
mod execute;
mod login;
mod options;
mod outcome;
mod push;
mod remove;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_credentials::{Credential, CredentialRecords};
use bursar_kernel::id::{CredentialId, RegionId};
use bursar_kernel::{ATTEMPTS, Error, Kernel, Kind, Queues};
use futures::FutureExt as _;
use uuid::Uuid;

pub(crate) use self::assignment::Assignment;
use self::circuit_breaker::CircuitBreaker;
use self::context::ReconcileContext;
use self::decide::{Observation, decide};
pub(crate) use self::desired::{Desired, Spec};
use self::execute::Session;
pub use self::options::{ReconcileOptions, Reconciled};
use self::outcome::Overtaken;
use crate::{Login, Pair, Region, RegionPorts, TargetKind, keys};

/// Brings credentials in regions to where they should be, whoever asks.
pub struct Reconciler {
    kernel: Kernel,
    records: CredentialRecords,
    ports: RegionPorts,
    breakers: Mutex<HashMap<RegionId, Arc<CircuitBreaker>>>,
    /// One reconciliation of a pair at a time.
    queues: Queues,
    /// The sign-ins in use, with the version they are of.
    logins: Mutex<HashMap<RegionId, (CredentialId, u32, Login)>>,
}

impl Reconciler {
    /// A reconciler over these ports. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, ports: RegionPorts) -> Self {
        Self {
            records: CredentialRecords::new(kernel.ports.clone()),
            kernel: kernel.clone(),
            ports,
            breakers: Mutex::default(),
            queues: Queues::default(),
            logins: Mutex::default(),
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
        let (status, expect) = self.sync_status(pair).await?;
        let Some(assignment) = self.assignment(pair.account, pair.region).await? else {
            return self.forget_status(pair, &status, expect).await;
        };
        let found = self.records.get(pair.account, pair.credential).await?;
        let desired = self.desired(&assignment, found.as_ref().map(|found| &found.credential), &status);
        let breaker = self.breaker(pair.region);
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
        self.breaker(region).why_open().is_some()
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    pub(crate) fn ports(&self) -> &RegionPorts {
        &self.ports
    }

    pub(crate) fn kind_of(&self, region: &Region) -> Option<&'static TargetKind> {
        self.ports.targets.kinds().iter().find(|kind| kind.id == region.target)
    }

    pub(crate) fn breaker(&self, region: RegionId) -> Arc<CircuitBreaker> {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.entry(region).or_insert_with(|| Arc::new(CircuitBreaker::new(self.ports.concurrency))).clone()
    }

    /// Drops what is kept of a region that is gone.
    pub(crate) fn forget(&self, region: RegionId) {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
    }

    fn login_of(&self, region: RegionId, credential: &Credential) -> Option<Login> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, version, login) = logins.get(&region)?;
        ((*id, *version) == (credential.id, credential.version)).then(|| login.clone())
    }

    fn cache_login(&self, region: RegionId, credential: &Credential, login: Login) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.insert(region, (credential.id, credential.version, login));
    }

    /// Tells this installation from others at a target. Public: it stands in
    /// what is put there.
    fn installation_id(&self) -> Uuid {
        let digest = self.kernel.ports.blind().digest("installation-id", b"");
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}
