//! A plugin's `tests/*.json`: the format of a case, and whether an outcome is
//! the expected one.
//!
//! Start at [`load`], which reads a folder, and at [`Case`]. A runner passes
//! the outcome to [`Case::judge`]; for a case that uses the network it also
//! plays the [`Script`] and asks whether every exchange happened. The format is
//! described in `plugins/README.md` and, for editors, in
//! `schemas/plugin-cases.json`.
//!
//! This crate does not know how a plugin is run. The SDK runs cases against the
//! functions themselves, `bursar plugin check` against the component in any
//! language. A case holds test data, so messages mask nothing.

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
