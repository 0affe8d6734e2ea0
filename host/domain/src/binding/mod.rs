//! Who uses which credential where: consumers and slots, the bindings between
//! them and credentials, and the terms by which credentials are found.

mod consumer;
mod host;
mod image;
mod model;
mod term;
mod usage;

pub use consumer::{Consumer, Place, Slot};
pub use host::Host;
pub use image::Image;
pub(crate) use model::url;
pub use model::{Binding, BindingView, CredentialInSlot};
pub use term::Term;
pub use usage::{Protocol, Usage, Use, Way};
