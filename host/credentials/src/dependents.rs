//! The port to what other areas hang on a credential: bindings, DNS records,
//! copies in regions. The composition root registers who answers.

use async_trait::async_trait;
use bursar_kernel::audit::Event;
use bursar_kernel::store::Batch;
use bursar_kernel::{Account, Caller, Consumer, Error};
use jiff::Timestamp;

use crate::{Credential, SyncRow};

/// An area that hangs something on credentials.
#[async_trait]
pub trait Dependents: Send + Sync {
    /// Whether one of `consumers` uses the credential, so that a token narrowed
    /// to them reaches it.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    async fn is_used_by(&self, _credential: &Credential, _consumers: &[Consumer]) -> Result<bool, Error> {
        Ok(false)
    }

    /// Adds what a view of each credential shows of this area; `extras` are in
    /// the order of `credentials`. `new` ones were created just now.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    async fn describe(
        &self,
        caller: &Caller,
        account: &Account,
        credentials: &[&Credential],
        extras: &mut [Extras],
        new: bool,
    ) -> Result<(), Error>;

    /// What the credential holds in this area now.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    async fn hold(&self, credential: &Credential) -> Result<Box<dyn Hold>, Error>;

    /// Whether the credential has to be taken out of other systems before it is
    /// purged.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    async fn must_be_withdrawn(&self, _credential: &Credential) -> Result<bool, Error> {
        Ok(false)
    }

    /// Takes a deleted credential out of other systems. `by` is whose wish it is.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Conflict`] with where it could not be removed,
    /// unless by force.
    async fn withdraw(&self, _by: &Event, _credential: &Credential, _force: bool) -> Result<(), Error> {
        Ok(())
    }
}

/// What a credential holds in one area, as it was when it was looked at.
pub trait Hold: Send + Sync {
    /// What forbids the removal, unless by force.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Conflict`] with everything in the way.
    fn permits(&self, credential: &Credential, removal: Removal) -> Result<(), Error>;

    /// Adds to the batch of a soft deletion that nothing was hung on the
    /// credential since.
    fn unchanged(&self, batch: Batch) -> Batch {
        batch
    }

    /// Adds what a deletion event tells of this area.
    fn note(&self, _event: &mut Event) {}

    /// Adds to the batch of a purge that all of it goes, and what the event tells
    /// of that. It may be committed before the rest, in parts.
    ///
    /// # Errors
    ///
    /// Where a record cannot be read.
    fn destroy(&mut self, batch: Batch, event: &mut Event) -> Result<Batch, Error>;

    /// Adds to the batch of a purge what goes with the credential itself: that
    /// nothing was hung on it since.
    fn conclude(&self, batch: Batch) -> Batch {
        batch
    }
}

/// How far a removal has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Removal {
    /// Softly, so that a restore brings it back.
    Deletion,
    /// For good: about to be withdrawn from other systems.
    PurgeBegins,
    /// For good: withdrawn.
    Purge,
}

/// What other areas add to a view.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Whether it is its type's default.
    pub is_default: bool,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// DNS records it still has somewhere; counted for deleted ones alone.
    pub records: usize,
    /// Consumers bound to it.
    pub consumers: usize,
    /// Its state in each region.
    pub sync: Vec<SyncRow>,
}
