//! What every area of the broker stands on: ids, errors and the ports to the
//! world; callers and what they may do; commits that retry, audit events and
//! quotas.
//!
//! The kernel knows no area. Those that stand on it (`credentials`, `bindings`,
//! `dns`, `regions`, `access`, `approvals`) own their model, their commands and
//! their use cases; [`keys`] keeps the one register of tables.

#![forbid(unsafe_code)]

mod account;
pub mod audit;
mod authorizer;
mod caller;
pub mod clock;
pub mod codec;
mod consumer;
mod error;
mod fqdn;
pub mod id;
mod idempotency;
mod if_match;
pub mod integer;
mod journal;
pub mod keys;
mod name;
pub mod nodes;
mod notice;
mod operation;
pub mod page;
pub mod plugin;
mod ports;
mod queues;
mod quota;
mod quotas;
mod repeats;
mod retry;
mod role;
mod scope;
pub mod secret;
pub mod store;
mod submitted;
pub mod text;
mod trail;

pub use account::Account;
pub use authorizer::{Authorizer, denied};
pub use caller::{Authority, Caller, Permit, Request, TokenKind};
pub use consumer::{Consumer, Slot};
pub use error::{Conflict, Error, Kind, Violation, name_taken, overtaken};
pub use fqdn::Fqdn;
pub use idempotency::{Created, Idempotency, IdempotencyKey, gone};
pub use if_match::IfMatch;
pub use journal::Journal;
pub use name::{MAX_TITLE_CHARS, parse_name, validate_title};
pub use notice::{Done, Notice, Notices, PlacementNotice, SyncCount, SyncState};
pub use operation::{Demand, Operation};
pub use page::Page;
pub use ports::Ports;
pub use queues::Queues;
pub use quota::{Counted, QuotaCounts, Reservation};
pub use quotas::Quotas;
pub use retry::{ATTEMPTS, Retry};
pub use role::{Right, Role};
pub use scope::{Bindable, Scope, Scoped};
pub use submitted::Submitted;
pub use trail::AuditTrail;

use std::sync::Arc;

/// What every service is made of. Cheap to clone.
#[derive(Clone)]
pub struct Kernel {
    /// The world.
    pub ports: Ports,
    /// Commits and records.
    pub journal: Arc<Journal>,
    /// Decides what callers may do.
    pub authorizer: Arc<Authorizer>,
    /// How much each account has of what is limited.
    pub quotas: Arc<QuotaCounts>,
    /// Recognizes repeated requests.
    pub idempotency: Idempotency,
}

impl Kernel {
    /// A kernel over these ports. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports, quotas: Quotas) -> Self {
        let journal = Arc::new(Journal::new(ports.clone()));
        Self {
            authorizer: Arc::new(Authorizer::new(journal.clone())),
            quotas: Arc::new(QuotaCounts::new(ports.clone(), quotas)),
            idempotency: Idempotency::new(ports.clone()),
            journal,
            ports,
        }
    }
}
