//! What credentials are found by: selectors in a normal form, so that equal is
//! equal, and the matching rules of each kind.

mod host;
mod image;
mod term;

pub use host::Host;
pub use image::Image;
pub use term::Term;
