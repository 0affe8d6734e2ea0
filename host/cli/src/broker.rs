//! The composition root: where store, plugins and broker meet, and nothing else
//! knows of more than one of them.

mod built_in;
mod chain_upkeep;
mod counted;
mod lock;
mod membership;
mod operations;
mod plugin_trail;
mod regions;
mod storage;
mod storage_look;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bursar_approvals::StoredDecisions;
use bursar_broker::{Broker, BrokerParts};
use bursar_kernel::Ports;
use bursar_kernel::audit::{Action, Event};
use bursar_kernel::clock::{Clock as _, Entropy as _};
use bursar_kernel::id::NodeId;
use bursar_kernel::nodes::Nodes;
use bursar_plugin_host::{Compiler, CompilerProcess, PluginEvent, PluginHost, PluginHostConfig};
use bursar_regions::RegionPorts;
use bursar_server::Watchers;
use bursar_store::Ledger;
use bursar_targets::SystemTargets;
use serde_json::json;

use self::chain_upkeep::ChainUpkeep;
use self::counted::CountedPlugins;
pub(crate) use self::lock::DirectoryLock;
use self::membership::{Membership, Round};
use self::operations::InstallationOperations;
use self::plugin_trail::PluginTrail;
use self::regions::{Audience, Reconciling};
pub(crate) use self::storage::{open_failure, root_key_source, storage};
use crate::commands::COMPILE_PLUGIN;
use crate::config::{RootKey, Settings};
use crate::failure::Failure;
use crate::profile::write_private;
use crate::system::{SystemClock, SystemEntropy, SystemTimer};

/// Where the root key comes from, as an operator may change it.
type SharedRootKey = Arc<RwLock<RootKey>>;

/// A broker with all that it stands on.
pub(crate) struct Installation {
    /// The use cases.
    pub(crate) broker: Arc<Broker>,
    /// What the server offers beyond them.
    pub(crate) operations: Arc<InstallationOperations>,
    /// The operator token's file, if this start made the installation.
    pub(crate) new_token_file: Option<PathBuf>,
    /// Those who watch what changes, through the server.
    pub(crate) watchers: Arc<Watchers>,
    reconciling: Reconciling,
    plugin_trail: PluginTrail,
    chain_upkeep: ChainUpkeep,
    membership: Membership,
    root_key: SharedRootKey,
    ledger: Arc<Ledger>,
    _lock: DirectoryLock,
}

impl Installation {
    /// Opens the installation in the data dir, or makes it where there is none and
    /// nothing tells that there was one, or it is to be begun anew.
    ///
    /// # Errors
    ///
    /// Where another broker has it, a key is missing or wrong, or a part fails.
    pub(crate) async fn open(settings: &Settings, begin_anew: bool) -> Result<Self, Failure> {
        let lock = DirectoryLock::take(&settings.data_dir)?;
        let ledger = Arc::new(storage::open_or_create(settings, begin_anew).await?);
        let (plugins, events) = load_plugins(settings, &ledger).await?;
        let plugins = Arc::new(CountedPlugins::new(plugins));
        let audience = Audience::new();
        let nodes = Arc::new(nodes(settings, &ledger));
        let broker = Arc::new(Broker::new(BrokerParts {
            ports: Ports {
                store: ledger.clone(),
                blind: ledger.clone(),
                plugins: plugins.clone(),
                notices: Arc::new(audience.clone()),
                clock: Arc::new(SystemClock),
                timer: Arc::new(SystemTimer),
                entropy: Arc::new(SystemEntropy),
            },
            trail: ledger.clone(),
            regions: RegionPorts {
                targets: Arc::new(SystemTargets::default()),
                nodes: nodes.clone(),
                concurrency: settings.sync.concurrency,
            },
            dns_grants: settings.dns_grants.clone(),
            quotas: settings.quotas,
        }));
        let new_token_file = initialize(&broker, &settings.data_dir).await?;
        let start = json!({"version": env!("CARGO_PKG_VERSION")});
        broker.kernel.journal.record_system(Action::InstallationStart, start).await.map_err(domain)?;
        plugin_trail::record(&broker, &mut events.into()).await.map_err(domain)?;
        let chain_upkeep = ChainUpkeep::start(&ledger, settings.retention.clone());
        let plugin_trail = PluginTrail::start(&plugins, &broker, &audience);
        let root_key = Arc::new(RwLock::new(settings.root_key.clone()));
        let round = Round::new(nodes.clone(), ledger.clone(), audience.inbox(), root_key.clone());
        let membership = Membership::start(round).await;
        let reconciling = Reconciling::start(&broker, &audience, settings);
        let operations = Arc::new(InstallationOperations::new(ledger.clone(), plugins, nodes, root_key.clone()));
        let watchers = audience.watchers();
        Ok(Self {
            broker,
            operations,
            new_token_file,
            watchers,
            reconciling,
            plugin_trail,
            chain_upkeep,
            membership,
            root_key,
            ledger,
            _lock: lock,
        })
    }

    /// From now on, where the root key is looked for.
    ///
    /// # Errors
    ///
    /// Where it cannot be read from there.
    pub(crate) fn take_root_key_from(&self, root_key: &RootKey) -> Result<(), Failure> {
        self.ledger.set_root_key_source(root_key_source(root_key)?);
        *self.root_key.write().unwrap_or_else(PoisonError::into_inner) = root_key.clone();
        Ok(())
    }

    /// Closes the store, so that the next start finds nothing to repair.
    pub(crate) async fn close(self) {
        self.reconciling.stop().await;
        self.plugin_trail.stop().await;
        self.chain_upkeep.stop().await;
        self.membership.stop().await;
        self.ledger.close().await;
    }
}

/// This node: a file is locked by its one broker, a database has as many as like.
fn nodes(settings: &Settings, ledger: &Arc<Ledger>) -> Nodes {
    let mut process = [0; 16];
    SystemEntropy.fill(&mut process);
    let process = uuid::Builder::from_random_bytes(process).into_uuid();
    let (node, clock) = (NodeId(ledger.node()), Arc::new(SystemClock));
    let begin = if settings.database_url.is_none() { Nodes::alone } else { Nodes::sharing };
    begin(ledger.clone(), clock, node, process, env!("CARGO_PKG_VERSION"))
}

async fn load_plugins(settings: &Settings, ledger: &Arc<Ledger>) -> Result<(PluginHost, Vec<PluginEvent>), Failure> {
    let compiler = CompilerProcess::of_this_program(&[COMPILE_PLUGIN])
        .map_err(|error| Failure::io("find out which program this is", error))?;
    let config = PluginHostConfig {
        built_ins: built_in::plugins(),
        folders: settings.plugin_folders.clone(),
        cache_dir: Some(settings.data_dir.join("plugin-cache")),
        archive_dir: Some(settings.data_dir.join("plugins")),
        approval: settings.approval,
        trusted_keys: settings.trusted_keys.clone(),
        decisions: Arc::new(StoredDecisions::new(ledger.clone())),
        cache_key: *ledger.derive_key("plugin code cache"),
        granted_derives: settings.granted_derives.clone(),
        limits: settings.plugin_limits.clone(),
        compiler: Compiler::Process(compiler),
        start_wait: settings.plugin_start_wait,
        network: settings.network.clone(),
    };
    PluginHost::load(config).await.map_err(|error| Failure::Failed(chain(&error)))
}

/// Gives a new installation its account and operator token. The token's file is
/// there before the token is valid: a crash in between loses nothing.
async fn initialize(broker: &Broker, data_dir: &Path) -> Result<Option<PathBuf>, Failure> {
    if broker.installation.is_initialized().await.map_err(domain)? {
        return Ok(None);
    }
    let token = broker.installation.propose_operator_token();
    let file = data_dir.join(TOKEN_FILE);
    write_private(&file, token.expose().as_bytes(), true)
        .map_err(|error| Failure::io(format!("write {}", file.display()), error))?;
    if broker.installation.initialize(&token).await.map_err(domain)? {
        return Ok(Some(file));
    }
    // Another node was first; this token was never valid.
    let _ = std::fs::remove_file(&file);
    Ok(None)
}

/// An event of the broker's own, or of a tool on its data dir.
pub(crate) fn system_event(action: Action) -> Event {
    Event::system(SystemClock.now(), action)
}

/// An error with its causes, for whoever started the process.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let said = deeper.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = deeper.source();
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn domain(error: bursar_kernel::Error) -> Failure {
    Failure::Failed(chain(&error))
}

/// In the data dir.
pub(crate) const TOKEN_FILE: &str = "operator-token";
