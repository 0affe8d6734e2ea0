//! What an author wants to know of a plugin before anybody trusts it: whether a
//! broker would take the component, whether its cases hold, and whether a secret
//! given to it stays where it belongs.
//!
//! Start at [`check`]. It loads one component into the real plugin host, with a
//! wire that leads nowhere: what would go over the network is compared with the
//! cases, or answered by a server that repeats all it got. Then it looks at
//! everything the plugin says. The language of the plugin does not matter.
//!
//! All of this is on test data, so unlike a broker it shows what it finds: the
//! lines a plugin logged, the texts it failed with, the secrets it was given.
//!
//! Deliberately unknown here: a broker, its store and its accounts, and every
//! credential type.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod admission;
mod bench;
#[cfg(test)]
mod broken_host;
mod cases;
mod coverage;
mod limits;
mod outcome;
mod report;
mod secrets;
mod stability;
mod subject;
mod wire;

use std::path::PathBuf;

pub use report::{Area, Finding, Level, Plugin, Report};
pub use subject::{Lookup, Subject};

/// Why a plugin could not be looked at. What is wrong with the plugin itself is
/// in its [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// A file of cases that is none.
    #[error(transparent)]
    Cases(#[from] bursar_plugin_cases::Error),
    /// A file of the folder that is not JSON.
    #[error("{0}: {1}")]
    Json(PathBuf, #[source] serde_json::Error),
    /// The plugin host cannot run here.
    #[error(transparent)]
    Host(#[from] bursar_plugin_host::Error),
}

/// Looks at a plugin from all sides. `cache_dir` keeps compiled code from check
/// to check; without it nothing stays.
///
/// # Errors
///
/// See [`Error`].
pub async fn check(subject: &Subject, cache_dir: Option<PathBuf>) -> Result<Report, Error> {
    let mut report = Report::default();
    let cases = subject.cases()?;
    let Some(bench) = admission::admit(subject, &cases, cache_dir, &mut report).await? else {
        return Ok(report);
    };
    cases::replay(&bench, &cases, &mut report).await;
    coverage::check(&bench.kind, &cases, &mut report);
    stability::check(&bench, &cases, &mut report).await;
    secrets::check(&bench, &cases, &mut report).await;
    limits::check(&bench, &mut report);
    Ok(report)
}
