//! DNS records that answer challenges: put at a provider, cleaned up, and kept in a
//! ledger so that none is forgotten.
//!
//! A provider is outside, so a change goes in three steps: the intent is committed
//! (an event, the ledger's row, a lease on the record set), the plugin is called,
//! the outcome is committed. What a crash leaves in between is found by its row,
//! and the sweep cleans it up.

#![forbid(unsafe_code)]

mod change;
mod cleanup;
mod command;
mod dependents;
mod grants;
pub mod keys;
mod lease;
mod ledger;
mod present;
mod probe;
mod provider;
mod providers;
mod record;
mod request;
mod sweep;

use std::sync::Arc;

use bursar_credentials::Credentials;
use bursar_kernel::{Kernel, Queues};

pub use bursar_kernel::Fqdn;
pub use command::{CleanUpRecord, PresentRecord};
pub use dependents::DnsDependents;
pub use grants::{DnsGrants, NameRule};
pub use provider::id as provider_id;
pub use providers::DnsProviders;
pub use record::{DnsRecord, RecordState};
pub use sweep::SweepFailure;

/// The use cases of DNS records.
pub struct Dns {
    kernel: Kernel,
    credentials: Arc<Credentials>,
    /// What the operator granted of DNS names.
    grants: DnsGrants,
    /// Those of this process who change a record set.
    record_sets: Queues,
}

impl Dns {
    /// Records of these credentials. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, credentials: Arc<Credentials>, grants: DnsGrants) -> Self {
        Self { kernel: kernel.clone(), credentials, grants, record_sets: Queues::default() }
    }
}
