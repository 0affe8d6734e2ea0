//! Checks a plugin for its author before anybody trusts it: whether a broker
//! would accept the component, whether its cases hold, and whether secrets given
//! to it stay where they belong.
//!
//! Start at [`check`]. It loads one component into the real plugin host, with a
//! transport that leads nowhere: requests are compared with the cases, or
//! answered by a server that echoes everything it receives. Then it inspects
//! everything the plugin said. The language of the plugin does not matter.
//!
//! All of this uses test data. Unlike a broker it therefore shows what it finds:
//! the lines a plugin logged, the texts it failed with, the secrets it was given.
//!
//! Unknown here: a broker, its store and its accounts, and every credential type.

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

/// Why a plugin could not be checked. Faults of the plugin itself are in its
/// [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// An invalid file of cases.
    #[error(transparent)]
    Cases(#[from] bursar_plugin_cases::Error),
    /// A file of the folder that is not JSON.
    #[error("{0}: {1}")]
    Json(PathBuf, #[source] serde_json::Error),
    /// The plugin host cannot run here.
    #[error(transparent)]
    Host(#[from] bursar_plugin_host::Error),
}

/// Checks a plugin in every respect. `cache_dir` keeps compiled code between
/// checks; without it nothing is kept.
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
