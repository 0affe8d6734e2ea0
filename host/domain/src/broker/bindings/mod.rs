//! Who uses which credential: bindings, and finding the credential that a
//! consumer, an image or a host wants.

mod bind;
mod certificates;
mod dependents;
mod image;
mod index;
mod list;
mod resolve;
mod scope;
mod uses;

pub use list::BindingQuery;
pub use resolve::{Resolved, Source};
