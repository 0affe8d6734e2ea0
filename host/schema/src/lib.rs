//! Validates JSON input against JSON Schema: plugin forms, API bodies and
//! settings of regions.
//!
//! Start at [`Schema::check`]. It reports every violation at once, each with the
//! pointer at the field to fix, a stable code and a sentence that never quotes
//! the value, and it locates the secrets (`writeOnly`). [`Input`] selects the
//! codes and the nouns. The dialect is described in `schemas/form-schema.md`.
//!
//! Third-party schemas are compiled within bounds (`bounds`). Unknown here:
//! plugins, HTTP and every credential type.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod bounds;
mod component;
mod error;
mod explain;
mod input;
mod nesting;
pub mod pointer;
mod schema;
mod secrets;
mod wording;

pub use error::{CheckError, SchemaError};
pub use input::Input;
pub use nesting::{MAX_DEPTH, depth};
pub use schema::{MAX_FORM_BYTES, Report, Schema};
pub use wording::sentence;
