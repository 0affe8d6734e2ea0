//! From a plugin's folder to its component: what `bursar plugin build` and
//! `cargo xtask plugins` have in common.
//!
//! [`Folder`] says what a folder holds and in which language; [`encode`] makes a
//! component of a Rust guest's core module; [`python_command`] is how a Python
//! one is built, [`remap_flags`] what
//! keeps this machine's folders out of a Rust one; [`admit`] reads what came of it, and [`place`] puts it where it
//! belongs.
//!
//! This crate runs nothing and prints nothing: its callers do, each in its way.

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

/// Why a folder is no plugin, or its component not one that a host would take.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is not there or cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The manifest is not JSON.
    #[error("{0}: {1}")]
    Manifest(PathBuf, serde_json::Error),
    /// The manifest has no id that could name a file.
    #[error("{0}: `id` must match ^[a-z][a-z0-9-]{{0,63}}$")]
    Id(PathBuf),
    /// Nothing says how to build it.
    #[error("{0} has neither Cargo.toml (Rust), package.json (JavaScript) nor plugin.py (Python)")]
    Language(PathBuf),
    /// The contract has no world with all of these interfaces.
    #[error("no world of the contract has {0}; write the plugin in Rust, which needs none")]
    World(String),
    /// Not a module that could be made a component, or not a component.
    #[error("not a component: {0}")]
    Component(String),
    /// Nothing in it says what it is.
    #[error("exports no `form`: a Rust plugin calls `export_type!` for its type")]
    NoForm,
    /// It would ask for what no host offers.
    #[error("imports `{0}`; a plugin may import `bursar:plugin/` interfaces alone{1}")]
    Import(String, &'static str),
}
