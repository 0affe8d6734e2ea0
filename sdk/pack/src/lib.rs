//! Builds a plugin's folder into its component: what `bursar plugin build` and
//! `cargo xtask plugins` share.
//!
//! [`Folder`] describes a plugin's folder and its language. [`encode`] makes a
//! component of a Rust guest's core module, and [`remap_flags`] keep this
//! machine's folders out of it; [`python_command`] builds a Python plugin.
//! [`admit`] checks the component, and [`place`] puts it in place.
//!
//! This crate runs nothing and prints nothing; its callers do.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod component;
mod folder;
mod place;
mod python;
mod rust;

pub use component::{Interfaces, admit, encode};
pub use folder::{Folder, Language};
pub use place::place;
pub use python::python_command;
pub use rust::{BuildFolders, named_in, remap_flags};

use std::io;
use std::path::PathBuf;

/// Why a folder is not a plugin, or its component not one that a host would
/// load.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is missing, or cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The manifest is not JSON.
    #[error("{0}: {1}")]
    Manifest(PathBuf, serde_json::Error),
    /// The manifest has no valid id.
    #[error("{0}: `id` must match ^[a-z][a-z0-9-]{{0,63}}$")]
    Id(PathBuf),
    /// The folder has no file that says how to build it.
    #[error("{0} has neither Cargo.toml (Rust), package.json (JavaScript) nor plugin.py (Python)")]
    Language(PathBuf),
    /// The contract has no world with all of these interfaces.
    #[error("no world of the contract has {0}; write the plugin in Rust, which needs no world")]
    World(String),
    /// Not a component, or not a module that can become one.
    #[error("not a component: {0}")]
    Component(String),
    /// The component does not export `form`.
    #[error("exports no `form`: a Rust plugin calls `export_type!` for its type")]
    NoForm,
    /// The component imports what no host offers.
    #[error("imports `{0}`; a plugin may import only `bursar:plugin/` interfaces{1}")]
    Import(String, &'static str),
}
