//! Why the host itself cannot start. A bad plugin is never a reason: it becomes
//! a status.

use std::io;
use std::path::PathBuf;

/// Why [`PluginHost::load`](crate::PluginHost::load) failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine cannot run on this machine, neither pooled nor on demand.
    #[error("the plugin engine cannot start: {0}")]
    Engine(String),
    /// A configured folder cannot be read.
    #[error("the plugin folder {path} cannot be read")]
    Folder {
        /// As configured.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The code cache cannot be created.
    #[error("the plugin cache {path} cannot be used")]
    Cache {
        /// As configured.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The archive of components cannot be created.
    #[error("the plugin archive {path} cannot be used")]
    Archive {
        /// As configured.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A plugin folder is the host's own archive.
    #[error("the plugin folder {0} is Bursar's own archive: put plugins into another folder")]
    FolderIsArchive(PathBuf),
    /// The operators' decisions cannot be read.
    #[error("the decisions about plugins cannot be read")]
    Decisions(#[source] bursar_kernel::Error),
    /// Only signed plugins are accepted, but no key is trusted.
    #[error("only signed plugins are accepted, but no key is trusted: set plugins.trusted_keys")]
    NoTrustedKey,
}
