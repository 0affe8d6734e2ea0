//! Use cases about regions: which there are, which an account uses, and that
//! its credentials are in place there.
//!
//! [`Broker::settle_pair`] is the heart: it brings one credential in one region to
//! where it should be, whoever asks. A target is outside, so a push goes in
//! three steps: the intent is committed (an event, and the placement with who
//! is at it), the target is called, the outcome is committed. What a crash
//! leaves between the two commits is found by its placement and finished.

mod administer;
mod attach;
mod attachments;
mod audience;
mod call;
mod conclude;
mod ensure;
mod gate;
mod open;
mod plan;
mod push;
mod settle;
mod show;
mod walk;
mod wanted;
mod withdraw;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use uuid::Uuid;

pub use attachments::AccountRegion;
pub use ensure::{Ensured, Loose, OnProgress, Progress};
pub use plan::{Plan, PlanAction, PlanItem};
pub use settle::{Settled, Settling};
pub use show::RegionView;
pub use walk::{Extent, Walk};
pub(super) use withdraw::places_of;

use self::gate::Gate;
use super::queues::Queues;
use super::{Broker, Ports};
use crate::access::{Account, Caller, Right};
use crate::audit::{Action, Outcome};
use crate::credential::Credential;
use crate::id::{CredentialId, NodeId, Reference, RegionId};
use crate::nodes::Nodes;
use crate::region::{Login, Notice, Notices, Region, Target, TargetError, TargetKind, Targets};
use crate::secret::SecretJson;
use crate::{Error, Kind, Violation};

/// What a broker needs to deal with regions.
#[derive(Clone)]
pub struct RegionPorts {
    /// The kinds of targets.
    pub targets: Arc<dyn Targets>,
    /// Who wants to know what changes.
    pub notices: Arc<dyn Notices>,
    /// Who else works on this store, and whose work was cut off.
    pub nodes: Arc<Nodes>,
    /// Calls of one region's target at once.
    pub concurrency: usize,
}

/// What the broker keeps of regions beside the store.
pub(super) struct Regions {
    ports: RegionPorts,
    gates: Mutex<HashMap<RegionId, Arc<Gate>>>,
    /// One settling of a pair at a time.
    queues: Queues,
    /// The sign-ins in use, with the version they are of.
    logins: Mutex<HashMap<RegionId, (CredentialId, u32, Login)>>,
}

impl Regions {
    /// Knows no kind of target and tells nobody.
    pub(super) fn none(ports: &Ports) -> Self {
        let nowhere = NodeId(Uuid::nil());
        let nodes = Nodes::alone(ports.store.clone(), ports.clock.clone(), nowhere, Uuid::nil(), "");
        Self::new(RegionPorts {
            targets: Arc::new(NoTargets),
            notices: Arc::new(NoTargets),
            nodes: Arc::new(nodes),
            concurrency: 1,
        })
    }

    fn new(ports: RegionPorts) -> Self {
        Self { ports, gates: Mutex::default(), queues: Queues::default(), logins: Mutex::default() }
    }

    fn gate(&self, region: RegionId) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(region).or_insert_with(|| Arc::new(Gate::new(self.ports.concurrency))).clone()
    }

    /// The region is gone.
    fn forget(&self, region: RegionId) {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
    }

    fn login_of(&self, region: RegionId, credential: &Credential) -> Option<Login> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, version, login) = logins.get(&region)?;
        ((*id, *version) == (credential.id, credential.version)).then(|| login.clone())
    }

    fn keep_login(&self, region: RegionId, credential: &Credential, login: Login) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.insert(region, (credential.id, credential.version, login));
    }
}

impl Broker {
    /// The same broker with regions.
    #[must_use]
    pub fn with_regions(self, ports: RegionPorts) -> Self {
        Self { regions: Regions::new(ports), ..self }
    }

    /// Tells those who want to know.
    pub(super) fn tell(&self, notice: &Notice) {
        self.regions.ports.notices.tell(notice);
    }

    /// Tells them of a credential.
    pub(super) fn tell_credential(&self, credential: &Credential, change: &'static str) {
        let (account, name) = (credential.account, credential.name.to_string());
        self.tell(&Notice::Credential { account, credential: credential.id, name, change });
    }

    /// Whether the caller may watch what changes in an account.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::Denied`] also for a token that is narrowed: what is told
    /// is of everything.
    pub async fn watch(&self, caller: &Caller, account: &Reference) -> Result<Account, Error> {
        let account = self.authorize(caller, account, Right::List, Action::RegionRead).await?;
        if caller.scope.is_everything() {
            return Ok(account);
        }
        let mut event = self.event(caller, Action::RegionRead, Outcome::Denied);
        event.account = Some(account.id);
        self.record(event).await?;
        Err(Error::new(Kind::Denied, "a narrowed token cannot watch: events tell of everything in the account"))
    }

    fn kind_of(&self, region: &Region) -> Option<&'static TargetKind> {
        self.regions.ports.targets.kinds().iter().find(|kind| kind.id == region.target)
    }

    /// Tells this installation from others at a target. Public: it stands in
    /// what is put there.
    fn installation_id(&self) -> Uuid {
        let digest = self.blind().digest("installation-id", b"");
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
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

impl Notices for NoTargets {
    fn tell(&self, _: &Notice) {}
}
