//! The active plugins, replaced as a whole: a call ends with the component it
//! began with, whatever changes meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, PoisonError, RwLock};

use bursar_kernel::plugin::{Decisions, PluginError, PluginStatus};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;

use crate::archive::{Archive, Index};
use crate::cache::Cache;
use crate::engine::{self, EngineMode};
use crate::inventory::Inventory;
use crate::load::{ComponentOrigin, Loaded, Loader, RawComponent};
use crate::reported::Reported;
use crate::sandbox::Sandboxes;
use crate::selection::{ArchiveRequest, Selection, SelectionPolicy, select_active};
use crate::watch::Folders;
use crate::{Approval, Error, Observer, PluginEvent, PluginHostConfig, imports};

/// The loaded plugins and the engine that runs them.
pub struct PluginHost {
    pub(crate) sandboxes: Arc<Sandboxes>,
    pub(crate) registry: Arc<Registry>,
    /// What is known of the operator's folders.
    pub(crate) folders: Arc<Mutex<Folders>>,
    mode: EngineMode,
}

/// Facts about an active plugin besides its manifest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PluginInfo {
    /// The type's id.
    pub id: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The contract it was built for: `0.1.0`.
    pub contract_version: String,
    /// `built-in`, or the file.
    pub source: String,
    /// Interfaces it exports: `form`, `materializer`, `generator`, `prober`,
    /// `minter`, `dns01`.
    pub interfaces: Vec<&'static str>,
    /// Interfaces it imports, with their versions.
    pub imports: Vec<String>,
    /// Size of the component.
    pub size_bytes: u64,
    /// Whether its code came from the cache instead of the compiler.
    pub from_cache: bool,
}

impl PluginHost {
    /// Starts the engine and loads every plugin: built-in ones, and the files of
    /// the folders in the order given, by name. A file with a built-in type's id
    /// and a higher version replaces it. A plugin that fails any check becomes a
    /// status and an event, never an error.
    ///
    /// # Errors
    ///
    /// [`Error`], when the host itself cannot run.
    pub async fn load(config: PluginHostConfig) -> Result<(Self, Vec<PluginEvent>), Error> {
        if config.approval == Approval::SignedOnly && config.trusted_keys.is_empty() {
            return Err(Error::NoTrustedKey);
        }
        let (engine, mode) = engine::start(&config.limits)?;
        let sandboxes = Arc::new(Sandboxes::new(engine.clone(), config.limits, config.network));
        refuse_own_folder(&config.folders, config.archive_dir.as_deref())?;
        let (archive, index) = Archive::open(config.archive_dir, &config.cache_key)?;
        let loader = Arc::new(Loader {
            sandboxes: Arc::clone(&sandboxes),
            linker: imports::linker(&engine).map_err(|error| Error::Engine(error.to_string()))?,
            cache: Cache::open(&engine, config.cache_dir, &config.cache_key)?,
            archive,
            approval: config.approval,
            trusted_keys: config.trusted_keys,
            compiler: config.compiler,
            compilations: Arc::new(tokio::sync::Semaphore::new(1)),
        });
        let policy = SelectionPolicy { approval: config.approval, granted_derives: config.granted_derives };
        let registry = Arc::new(Registry::new(loader, policy, config.decisions, index));
        registry.read_decisions().await.map_err(Error::Decisions)?;
        registry.load_built_ins(config.built_ins).await;
        let mut folders = Folders::open(config.folders)?;
        folders.load(&registry, config.start_wait).await;
        registry.select_active().await;
        let events = registry.drain();
        let folders = Arc::new(Mutex::new(folders));
        Ok((Self { sandboxes, registry, folders, mode }, events))
    }

    /// Where the memory of sandboxes comes from, for `/healthz`.
    #[must_use]
    pub fn engine_mode(&self) -> EngineMode {
        self.mode
    }

    /// Lets `observer` see every call from now on, including what a broker never
    /// keeps. Only for checking a plugin with test data.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.sandboxes.observe(observer);
    }

    /// Facts of the active plugin with this id.
    #[must_use]
    pub fn info(&self, id: &str) -> Option<PluginInfo> {
        self.registry.published().active.get(id).map(|loaded| loaded.info())
    }

    /// Waits for events, in order. Each is returned once.
    pub async fn events(&self) -> Vec<PluginEvent> {
        loop {
            let arrived = self.registry.arrived.notified();
            let events = self.registry.drain();
            if !events.is_empty() {
                return events;
            }
            arrived.await;
        }
    }

    /// Events that were not returned yet.
    #[must_use]
    pub fn pending_events(&self) -> Vec<PluginEvent> {
        self.registry.drain()
    }

    /// Reads the operators' decisions and applies them at once. If they cannot be
    /// read, the next scan tries again.
    pub(crate) async fn refresh(&self) {
        if let Err(error) = self.registry.read_decisions().await {
            tracing::warn!(%error, "the decisions about plugins could not be read; trying again");
        }
        self.registry.select_active().await;
    }

    /// The plugin that serves now.
    pub(crate) fn loaded(&self, id: &str) -> Result<Arc<Loaded>, PluginError> {
        let published = self.registry.published();
        // It may have been removed since the caller found it.
        let gone = || PluginError::Unavailable("the plugin is no longer loaded".to_owned());
        published.active.get(id).cloned().ok_or_else(gone)
    }

    /// Every plugin that serves now.
    pub(crate) fn active(&self) -> Vec<Arc<Loaded>> {
        self.registry.published().active.values().cloned().collect()
    }

    pub(crate) fn statuses(&self) -> Vec<PluginStatus> {
        self.registry.published().statuses.clone()
    }
}

/// The plugins to choose from, the current selection, and its events.
pub(crate) struct Registry {
    pub(crate) loader: Arc<Loader>,
    policy: SelectionPolicy,
    decisions: Arc<dyn Decisions>,
    inventory: Mutex<Inventory>,
    published: RwLock<Arc<Published>>,
    reported: StdMutex<Reported>,
    outbox: StdMutex<Vec<PluginEvent>>,
    arrived: Notify,
}

/// What callers see.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) active: BTreeMap<String, Arc<Loaded>>,
    pub(crate) statuses: Vec<PluginStatus>,
}

impl Registry {
    fn new(loader: Arc<Loader>, policy: SelectionPolicy, decisions: Arc<dyn Decisions>, index: Index) -> Self {
        Self {
            loader,
            policy,
            decisions,
            inventory: Mutex::new(Inventory { index, ..Inventory::default() }),
            published: RwLock::default(),
            reported: StdMutex::default(),
            outbox: StdMutex::default(),
            arrived: Notify::new(),
        }
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the operators' decisions; true if any changed.
    pub(crate) async fn read_decisions(&self) -> Result<bool, bursar_kernel::Error> {
        let all = self.decisions.all().await?;
        let decisions = all.into_iter().map(|decision| (decision.plugin.clone(), decision)).collect();
        let mut inventory = self.inventory.lock().await;
        let changed = inventory.decisions != decisions;
        inventory.decisions = decisions;
        Ok(changed)
    }

    /// Changes the inventory and selects again.
    pub(crate) async fn change(&self, change: impl FnOnce(&mut Inventory)) {
        let mut inventory = self.inventory.lock().await;
        change(&mut inventory);
        self.select_active_in(&mut inventory).await;
    }

    /// Changes the inventory; the next selection takes it into account.
    pub(crate) async fn prepare(&self, change: impl FnOnce(&mut Inventory)) {
        change(&mut *self.inventory.lock().await);
    }

    /// Selects again.
    pub(crate) async fn select_active(&self) {
        self.select_active_in(&mut *self.inventory.lock().await).await;
    }

    async fn select_active_in(&self, inventory: &mut Inventory) {
        let mut selection = loop {
            let selection = select_active(inventory, &self.policy);
            let unseen =
                selection.requested.iter().find(|requested| !inventory.fetched.contains_key(&requested.kept.digest));
            let Some(requested) = unseen else { break selection };
            let outcome = self.fetch(requested).await;
            inventory.fetched.insert(requested.kept.digest.clone(), outcome);
        };
        let events = self.reported.lock().unwrap_or_else(PoisonError::into_inner).news(&selection, inventory);
        if inventory.adopt(&selection) {
            self.save(inventory.index.clone(), inventory.present()).await;
            // Predecessors come from the index, which has just changed.
            selection = select_active(inventory, &self.policy);
        }
        events.iter().for_each(PluginEvent::log);
        let is_news = !events.is_empty();
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
        let Selection { active, statuses, .. } = selection;
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Published { active, statuses });
        if is_news {
            self.arrived.notify_waiters();
        }
    }

    async fn fetch(&self, requested: &ArchiveRequest) -> Result<Arc<Loaded>, String> {
        let (loader, digest) = (Arc::clone(&self.loader), requested.kept.digest.clone());
        let read = tokio::task::spawn_blocking(move || loader.archive.get(&digest)).await;
        let Ok(Some(bytes)) = read else { return Err("it is not kept here".to_owned()) };
        let signature = requested.kept.signature.clone();
        let component_file = RawComponent { source: requested.source(), bytes: bytes.into(), signature };
        let outcome = Arc::clone(&self.loader).load(component_file).await;
        outcome.map(Arc::new).map_err(|rejection| {
            let (id, reason) = (&rejection.id, &rejection.reason);
            tracing::warn!(plugin = id, reason, "an archived plugin can no longer be loaded");
            rejection.reason.clone()
        })
    }

    async fn save(&self, index: Index, present: BTreeSet<String>) {
        let loader = Arc::clone(&self.loader);
        let saved = tokio::task::spawn_blocking(move || loader.archive.save(&index, &present)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "the index of active plugins could not be saved");
        }
    }

    async fn load_built_ins(&self, built_ins: Vec<(&'static str, std::borrow::Cow<'static, [u8]>)>) {
        let mut tasks = JoinSet::new();
        for (place, (name, bytes)) in built_ins.into_iter().enumerate() {
            let component_file = RawComponent { source: ComponentOrigin::BuiltIn(name), bytes, signature: None };
            let loader = Arc::clone(&self.loader);
            tasks.spawn(async move { (place, loader.load(component_file).await) });
        }
        let mut outcomes = tasks.join_all().await;
        outcomes.sort_by_key(|(place, _)| *place);
        self.prepare(|inventory| {
            for (_, outcome) in outcomes {
                match outcome {
                    Ok(loaded) => inventory.build_in(loaded),
                    Err(rejection) => inventory.broken_built_ins.push(*rejection),
                }
            }
        })
        .await;
    }

    fn drain(&self) -> Vec<PluginEvent> {
        std::mem::take(&mut *self.outbox.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Archived components would otherwise count as the operator's files.
fn refuse_own_folder(folders: &[PathBuf], archive: Option<&Path>) -> Result<(), Error> {
    let Some(archive) = archive.and_then(|archive| archive.canonicalize().ok()) else { return Ok(()) };
    match folders.iter().find(|folder| folder.canonicalize().is_ok_and(|folder| folder == archive)) {
        Some(folder) => Err(Error::FolderIsArchive(folder.clone())),
        None => Ok(()),
    }
}

impl Loaded {
    pub(crate) fn info(&self) -> PluginInfo {
        PluginInfo {
            id: self.kind.manifest.id.clone(),
            digest: self.kind.digest.clone(),
            contract_version: self.kind.contract_version.clone(),
            source: self.source.to_string(),
            interfaces: self.component.interfaces(),
            imports: self.imports.to_vec(),
            size_bytes: self.size_bytes,
            from_cache: self.from_cache,
        }
    }
}
