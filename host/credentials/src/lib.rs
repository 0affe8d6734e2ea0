//! The life of a credential: created, changed, restored, revealed, handed out,
//! probed, deleted.
//!
//! This area knows nobody above it. What other areas hang on a credential, such
//! as bindings or copies in regions, reaches it through the port [`Dependents`].

#![forbid(unsafe_code)]

mod command;
mod create;
mod default;
mod defaults;
mod delete;
mod dependents;
mod find;
mod form;
mod index;
pub mod keys;
mod list;
mod live;
mod materialize;
mod model;
mod outbound;
mod probe;
mod records;
mod repointing;
mod restore;
mod reveal;
pub mod selector;
mod status;
mod types;
mod update;
mod usage;
mod uses;
mod versions;
mod view;

use std::sync::Arc;

use bursar_kernel::{Kernel, Notice, Ports};

pub use command::{CreateCredential, MAX_LABEL_BYTES, MAX_LABELS, UpdateCredential, parse_credential_name};
pub use defaults::Defaults;
pub use delete::{Deletion, Deletions};
pub use dependents::{Dependents, Extras, Hold, Removal};
pub use form::Forms;
pub use index::Match;
pub use list::ListCredentials;
pub use materialize::Materialized;
pub use model::{Credential, MadeBy, Version, VersionAction};
pub use outbound::{Outbound, Patience, RESERVED, bounded, deadline};
pub use probe::{Probed, ask};
pub use records::{CredentialRecords, Found, not_found};
pub use reveal::Revealed;
pub use status::{Status, Warning};
pub use types::CredentialTypes;
pub use usage::{Protocol, Use, Way};
pub use uses::Uses;
pub use view::{SyncRow, VersionView, View};

/// The use cases of credentials.
pub struct Credentials {
    kernel: Kernel,
    records: CredentialRecords,
    forms: Forms,
    defaults: Defaults,
    uses: Uses,
    dependents: Vec<Arc<dyn Dependents>>,
}

impl Credentials {
    /// Credentials with what other areas hang on them. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, dependents: Vec<Arc<dyn Dependents>>) -> Self {
        let ports = &kernel.ports;
        Self {
            records: CredentialRecords::new(ports.clone()),
            forms: Forms::new(ports.clone()),
            defaults: Defaults::new(ports.clone()),
            uses: Uses::new(ports.clone()),
            kernel: kernel.clone(),
            dependents,
        }
    }

    /// The records as stored, whoever asks.
    #[must_use]
    pub fn records(&self) -> &CredentialRecords {
        &self.records
    }

    /// What is noted of uses.
    #[must_use]
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// The forms of the loaded types.
    #[must_use]
    pub fn forms(&self) -> &Forms {
        &self.forms
    }
}

/// Publishes a change of a credential.
pub(crate) fn announce(ports: &Ports, credential: &Credential, change: &'static str) {
    let (account, name) = (credential.account, credential.name.to_string());
    ports.tell(&Notice::Credential { account, credential: credential.id, name, change });
}
