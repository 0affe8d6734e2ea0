//! Inputs of real people that failed once, each by its id, and others of its
//! kind. `files` holds those that are files; keys and names in them were made
//! for these tests.
//!
//! | case | what | where |
//! |---|---|---|
//! | T1, T4, T7, T11e, T12f, T20 | certificates and keys | [`certificates`], and `plugins/tls-certificate/tests` |
//! | C1 | a byte order mark | [`text`] |
//! | - | registries: keys, API paths, aliases, ECR's hosts | [`registries`], and `plugins/container-registry/tests` |
//! | - | `env`, htpasswd | [`formats`], and `sdk/rust` |
//! | - | an Azure resource group of any alphabet | `dns::conformance`: the lab's group is one |
//! | - | Cloudflare zones that are not in use | `dns::inactive` |

mod certificates;
mod formats;
mod registries;
mod text;

use std::path::PathBuf;

use crate::support::server::workspace;

/// Where the file of a case is.
fn path(file: &str) -> PathBuf {
    workspace().join("tests/it/cases/files").join(file)
}

/// The text of a case's file.
fn read(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
