//! The use cases, one public function each.
//!
//! All of them walk the same way: the caller is already authenticated, then
//! authorize, judge the input, ask the plugin, commit the change together with
//! its audit events, answer. What is read before the commit is guarded by
//! preconditions, so that two callers cannot both win.

mod accounts;
mod attempts;
mod authenticate;
mod authorize;
mod bindings;
mod codec;
mod credentials;
mod dns;
mod idempotency;
mod initialize;
mod members;
mod network;
mod page;
mod plugins;
mod queues;
mod quota;
mod refusal;
mod regions;
mod repeats;
mod sweep;
mod tokens;
mod trail;
mod types;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use uuid::Uuid;

pub use bindings::{BindingQuery, Resolved, Source};
pub use credentials::{Deletion, ListQuery, Materialized, Probed, Revealed};
pub use dns::SweepFailure;
pub use idempotency::{Created, IdempotencyKey};
pub use members::BindableChange;
pub use page::Page;
pub use plugins::StoredDecisions;
pub use regions::{
    AccountRegion, Ensured, Extent, Loose, OnProgress, Plan, PlanAction, PlanItem, Progress, RegionPorts, RegionView,
    Settled, Settling, Walk,
};
pub use tokens::{NewToken, TokenRequest};

use crate::audit::Trail;
use crate::clock::{Clock, Entropy, Timer};
use crate::dns::DnsGrants;
use crate::id::{AccountId, TokenId};
use crate::plugin::Plugins;
use crate::store::{Blind, Store};

/// The ports a broker reaches the world through.
#[derive(Clone)]
pub struct Ports {
    /// Storage.
    pub store: Arc<dyn Store>,
    /// The audit chain's reading side.
    pub trail: Arc<dyn Trail>,
    /// Keyed digests.
    pub blind: Arc<dyn Blind>,
    /// Credential types.
    pub plugins: Arc<dyn Plugins>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Waiting.
    pub timer: Arc<dyn Timer>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// The credential broker.
pub struct Broker {
    ports: Ports,
    /// Token uses that are not written yet: one commit a minute for all of
    /// them, not one a request.
    token_uses: Mutex<HashMap<(AccountId, TokenId), Timestamp>>,
    dns_grants: DnsGrants,
    record_sets: queues::Queues,
    /// Those who change the same record.
    writers: queues::Queues,
    regions: regions::Regions,
    quotas: crate::access::Quotas,
    counts: quota::Counts,
    /// Refusals that repeat what was recorded within the minute.
    repeats: repeats::Repeats,
}

impl Broker {
    /// A broker over these ports. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self {
            regions: regions::Regions::none(&ports),
            ports,
            token_uses: Mutex::default(),
            dns_grants: DnsGrants::default(),
            record_sets: queues::Queues::default(),
            writers: queues::Queues::default(),
            quotas: crate::access::Quotas::default(),
            counts: quota::Counts::default(),
            repeats: repeats::Repeats::default(),
        }
    }

    /// The same broker with what the operator granted of DNS names.
    #[must_use]
    pub fn with_dns_grants(self, dns_grants: DnsGrants) -> Self {
        Self { dns_grants, ..self }
    }

    /// The same broker with what each account may take.
    #[must_use]
    pub fn with_quotas(self, quotas: crate::access::Quotas) -> Self {
        Self { quotas, ..self }
    }

    /// The time, by the broker's clock.
    #[must_use]
    pub fn current_time(&self) -> Timestamp {
        self.now()
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn store(&self) -> &dyn Store {
        &*self.ports.store
    }

    fn blind(&self) -> &dyn Blind {
        &*self.ports.blind
    }

    fn plugins(&self) -> &dyn Plugins {
        &*self.ports.plugins
    }

    /// A new time-ordered id (RFC 9562, section 5.7).
    fn new_id(&self) -> Uuid {
        let mut random = [0_u8; 10];
        self.ports.entropy.fill(&mut random);
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// How often a use case that was overtaken reads again before it gives up.
const ATTEMPTS: usize = 16;

/// A credential's record in `table`.
fn keys_for(credential: &crate::credential::Credential, table: crate::keys::Table) -> Vec<u8> {
    crate::keys::of_credential(table, credential.account, credential.id)
}
