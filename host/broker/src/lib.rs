//! The areas joined into one broker: what the server offers and the reconcile loop
//! drives. Nothing but wiring.
//!
//! Credentials know nobody above them; here they are told who hangs something on
//! them: bindings, DNS records, regions.

#![forbid(unsafe_code)]

use std::sync::Arc;

use bursar_access::{Accounts, Installation, Members, Tokens};
use bursar_approvals::Approvals;
use bursar_bindings::{BindingDependents, Bindings};
use bursar_credentials::{CredentialTypes, Credentials, Deletions, Dependents};
use bursar_dns::{Dns, DnsDependents, DnsGrants, DnsProviders};
use bursar_kernel::audit::Trail;
use bursar_kernel::{AuditTrail, Error, Kernel, Ports, Quotas};
use bursar_regions::{Attachments, Reconciler, RegionDependents, RegionPorts, Regions};

/// What a broker is made of.
pub struct BrokerParts {
    /// The world.
    pub ports: Ports,
    /// The audit chain's reading side.
    pub trail: Arc<dyn Trail>,
    /// Targets of regions, and the nodes that share the store.
    pub regions: RegionPorts,
    /// What the operator granted of DNS names.
    pub dns_grants: DnsGrants,
    /// What each account may have.
    pub quotas: Quotas,
}

/// The credential broker: one service for each area.
#[expect(missing_docs, reason = "each is documented by its type")]
pub struct Broker {
    pub kernel: Kernel,
    pub installation: Installation,
    pub accounts: Accounts,
    pub members: Members,
    pub tokens: Tokens,
    pub audit: AuditTrail,
    pub approvals: Approvals,
    pub types: CredentialTypes,
    pub credentials: Arc<Credentials>,
    /// Deleting, destroying and restoring them.
    pub deletions: Deletions,
    pub bindings: Bindings,
    pub dns: Dns,
    pub dns_providers: DnsProviders,
    pub regions: Arc<Regions>,
    /// How accounts use regions.
    pub attachments: Arc<Attachments>,
    pub reconciler: Arc<Reconciler>,
}

impl Broker {
    /// Joins the areas. Does no I/O.
    #[must_use]
    pub fn new(BrokerParts { ports, trail, regions, dns_grants, quotas }: BrokerParts) -> Self {
        let kernel = Kernel::new(ports, quotas);
        let ports = &kernel.ports;
        let reconciler = Arc::new(Reconciler::new(&kernel, regions));
        let dependents: Vec<Arc<dyn Dependents>> = vec![
            Arc::new(BindingDependents::new(ports.clone())),
            Arc::new(DnsDependents::new(ports.clone())),
            Arc::new(RegionDependents::new(reconciler.clone())),
        ];
        let credentials = Arc::new(Credentials::new(&kernel, dependents.clone()));
        let regions = Arc::new(Regions::new(&kernel, credentials.clone(), reconciler.clone()));
        let types = CredentialTypes::new(ports.clone());
        Self {
            installation: Installation::new(&kernel),
            accounts: Accounts::new(&kernel),
            members: Members::new(&kernel, credentials.clone()),
            tokens: Tokens::new(&kernel),
            audit: AuditTrail::new(&kernel, trail),
            approvals: Approvals::new(&kernel),
            dns_providers: DnsProviders::new(types.clone()),
            types,
            bindings: Bindings::new(&kernel, credentials.clone()),
            dns: Dns::new(&kernel, credentials.clone(), dns_grants),
            deletions: Deletions::new(&kernel, credentials.clone(), dependents),
            attachments: Arc::new(Attachments::new(&kernel, credentials.clone(), regions.clone(), reconciler.clone())),
            regions,
            credentials,
            reconciler,
            kernel,
        }
    }

    /// Deletes expired records: idempotency keys older than a day, and ways of use
    /// that nobody used for ninety. Returns how many.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let journal = &self.kernel.journal;
        let keys = self.kernel.idempotency.sweep(journal).await?;
        Ok(keys + self.credentials.uses().sweep(journal).await?)
    }
}
