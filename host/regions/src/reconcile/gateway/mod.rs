//! The way to the targets: opened with their logins, called behind a fence, kept
//! from while they are down.

mod calls;
mod login;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_credentials::{Credential, CredentialRecords};
use bursar_kernel::Kernel;
use bursar_kernel::id::{CredentialId, RegionId};
use uuid::Uuid;

use super::Assignment;
use super::circuit_breaker::CircuitBreaker;
use crate::{Login, Owner, Pair, Region, RegionPorts, TargetKind, Targets};

/// The way to the targets of all regions.
pub(crate) struct TargetGateway {
    kernel: Kernel,
    records: CredentialRecords,
    targets: Arc<dyn Targets>,
    concurrency: usize,
    breakers: Mutex<HashMap<RegionId, Arc<CircuitBreaker>>>,
    /// The logins in use, with the version they are of.
    logins: Mutex<HashMap<RegionId, (CredentialId, u32, Login)>>,
}

impl TargetGateway {
    pub(super) fn new(kernel: &Kernel, ports: &RegionPorts) -> Self {
        Self {
            records: CredentialRecords::new(kernel.ports.clone()),
            kernel: kernel.clone(),
            targets: ports.targets.clone(),
            concurrency: ports.concurrency,
            breakers: Mutex::default(),
            logins: Mutex::default(),
        }
    }

    pub(crate) fn kind_of(&self, region: &Region) -> Option<&'static TargetKind> {
        self.targets.kinds().iter().find(|kind| kind.id == region.target)
    }

    pub(crate) fn breaker(&self, region: RegionId) -> Arc<CircuitBreaker> {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.entry(region).or_insert_with(|| Arc::new(CircuitBreaker::new(self.concurrency))).clone()
    }

    /// Drops what is kept of a region that is gone.
    pub(crate) fn forget(&self, region: RegionId) {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
    }

    /// The owner that a target is told of.
    pub(crate) fn owner(&self, assignment: &Assignment, pair: Pair, credential_name: &str) -> Owner {
        Owner {
            installation: self.installation_id(),
            account: pair.account,
            account_name: assignment.account.name.to_string(),
            credential: pair.credential,
            credential_name: credential_name.to_owned(),
        }
    }

    /// Tells this installation from others at a target. Public: it stands in
    /// what is put there.
    fn installation_id(&self) -> Uuid {
        let digest = self.kernel.ports.blind().digest("installation-id", b"");
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
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
}
