//! A plugin's `tests/*.json`: what a case may say, and whether an outcome is
//! what it says.
//!
//! Start at [`load`], which reads a folder, and at [`Case`]. Who runs a case
//! hands the outcome to [`Case::judge`]; who runs one that uses the network also
//! plays its [`Script`] and asks that whether all went as written. The format is
//! described in `plugins/README.md` and, for editors, in
//! `schemas/plugin-cases.json`.
//!
//! Deliberately unknown here: how a plugin is run. The SDK runs cases against
//! the functions themselves, `bursar plugin check` against the component, in
//! whatever language it was written. What a case holds is test data: nothing is
//! masked in what this crate says.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod case;
mod compare;
mod exchange;
mod judge;
mod load;
mod members;
mod script;

pub use case::{Call, Case, Context, Failure, Kind, Place, Txt};
pub use exchange::{Answer, Exchange, Request, WireFailure};
pub use load::{Error, Labelled, load};
pub use script::{Script, Sent};
