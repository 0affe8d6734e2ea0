//! The configuration of the host.

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
    /// Where active components and their predecessors are archived. Without it
    /// there is no rollback, and a plugin whose file is broken at a start is
    /// unavailable.
    pub archive_dir: Option<PathBuf>,
    /// Authenticates cache and archive: secret, and the same at every start.
    pub cache_key: [u8; 32],
    /// Which plugins of the folders need an operator's approval.
    pub approval: Approval,
    /// Keys whose signatures count.
    pub trusted_keys: Vec<TrustedKey>,
    /// The operators' decisions.
    pub decisions: Arc<dyn Decisions>,
    /// Fields under `derives` that each type of a folder may fill besides the
    /// approved ones, as [`bursar_kernel::plugin::Derived`] displays them. Built-in
    /// types may fill all of theirs.
    pub granted_derives: BTreeMap<String, Vec<String>>,
    /// Limits of each component, of its compilation, and of each call.
    pub limits: Limits,
    /// Compiles the components of folders.
    pub compiler: Compiler,
    /// How long a start waits for compilations. The rest follows while the host
    /// already serves, like a file that is added later.
    pub start_wait: Duration,
    /// Settings of the network plane.
    pub network: NetworkConfig,
}

impl PluginHostConfig {
    /// No plugins, nothing stored, nothing decided: a base for tools and tests
    /// without an installation.
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
