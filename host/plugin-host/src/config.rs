//! What the host is told at its start.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::plugin::{Decision, Decisions};

use crate::{Approval, Compiler, Limits, NetworkConfig, TrustedKey};

/// What [`PluginHost::load`](crate::PluginHost::load) needs to know.
pub struct PluginHostConfig {
    /// Components inside the binary: a name for messages, and the bytes.
    pub built_ins: Vec<(&'static str, Cow<'static, [u8]>)>,
    /// Folders whose `*.wasm` files are plugins too.
    pub folders: Vec<PathBuf>,
    /// Where compiled code is kept between starts.
    pub cache_dir: Option<PathBuf>,
    /// Where the components in force, and those before them, are kept. Without
    /// it there is no rollback, and a bad file at a start leaves nothing.
    pub archive_dir: Option<PathBuf>,
    /// Authenticates cache and archive: secret, and the same from start to
    /// start.
    pub cache_key: [u8; 32],
    /// Which plugins of the folders need an operator's word.
    pub approval: Approval,
    /// Whose signatures count.
    pub trusted_keys: Vec<TrustedKey>,
    /// What operators decided so far and decide later.
    pub decisions: Arc<dyn Decisions>,
    /// Which of the fields under `derives` each type of a folder may fill, in the
    /// words of [`bursar_kernel::plugin::Derived`], beside those that were
    /// approved. Those of built-in types are granted.
    pub granted_derives: BTreeMap<String, Vec<String>>,
    /// Bounds of each component, of its compilation, and of each call.
    pub limits: Limits,
    /// What compiles the components of folders.
    pub compiler: Compiler,
    /// How long a start waits for what has to be compiled. The rest follows while
    /// the host already serves, as a file that is dropped in later.
    pub start_wait: Duration,
    /// What the operator says of the network plane.
    pub network: NetworkConfig,
}

impl PluginHostConfig {
    /// No plugins, nothing kept, nothing decided: to be filled in, by tools and
    /// tests that have no installation behind them.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self {
            built_ins: Vec::new(),
            folders: Vec::new(),
            cache_dir: None,
            archive_dir: None,
            cache_key: [0; 32],
            approval: Approval::default(),
            trusted_keys: Vec::new(),
            decisions: Arc::new(Undecided),
            granted_derives: BTreeMap::new(),
            limits: Limits::default(),
            compiler: Compiler::InProcess,
            start_wait: Duration::from_mins(10),
            network: NetworkConfig::default(),
        }
    }
}

struct Undecided;

#[async_trait]
impl Decisions for Undecided {
    async fn all(&self) -> Result<Vec<Decision>, bursar_kernel::Error> {
        Ok(Vec::new())
    }
}
