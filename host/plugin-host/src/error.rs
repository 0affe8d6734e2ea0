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
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The code cache cannot be created.
    #[error("the plugin cache {path} cannot be used")]
    Cache {
        /// As configured.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The archive of components cannot be created.
    #[error("the folder of kept plugins {path} cannot be used")]
    Archive {
        /// As configured.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The operator's folder is where the host keeps what it has seen.
    #[error("the plugin folder {0} is where Bursar keeps components: put plugins into another one")]
    FolderIsArchive(PathBuf),
    /// What operators decided cannot be read.
    #[error("what was decided about plugins cannot be read")]
    Decisions(#[source] bursar_kernel::Error),
    /// Only signed plugins are wanted, and nobody's signature counts.
    #[error("only signed plugins are to be accepted, and no key is trusted")]
    NoTrustedKey,
}
