//! Who uses which credential: consumers are bound to credentials in slots, and
//! whoever asks for a consumer, an image or a host finds its credential.

#![forbid(unsafe_code)]

mod bind;
mod certificates;
mod consumer_slot;
mod dependents;
mod image;
pub mod keys;
mod list;
mod model;
mod resolve;
mod scope;
mod usage;

use std::sync::Arc;

use bursar_credentials::Credentials;
use bursar_kernel::Kernel;

pub use consumer_slot::ConsumerSlot;
pub use dependents::BindingDependents;
pub use list::ListBindings;
pub use model::{Binding, BindingView, CredentialInSlot};
pub use resolve::{Resolved, Source};
pub use usage::Usage;

/// The use cases of bindings.
pub struct Bindings {
    kernel: Kernel,
    credentials: Arc<Credentials>,
    dependents: BindingDependents,
}

impl Bindings {
    /// Bindings to these credentials. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, credentials: Arc<Credentials>) -> Self {
        Self { kernel: kernel.clone(), credentials, dependents: BindingDependents::new(kernel.ports.clone()) }
    }
}
