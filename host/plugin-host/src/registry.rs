//! Which plugins there are, and how each fares.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_domain::plugin::{Ability, PluginStatus, State as PluginState};
use tokio::task::JoinSet;

use crate::cache::Cache;
use crate::engine::{self, EngineMode};
use crate::load::{Loaded, Loader, PluginEvent, PluginHostConfig, Rejection, Source, files};
use crate::sandbox::Sandboxes;
use crate::{Error, Observer, imports};

/// The loaded plugins and the engine that runs them.
pub struct PluginHost {
    pub(crate) sandboxes: Arc<Sandboxes>,
    pub(crate) active: BTreeMap<String, Arc<Loaded>>,
    statuses: Vec<PluginStatus>,
    mode: EngineMode,
}

/// What is known of an active plugin beside its manifest.
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
    /// Whether its code came from the cache instead of the compiler.
    pub from_cache: bool,
}

impl PluginHost {
    /// Starts the engine and loads every plugin: built-in ones first, then the
    /// folders in the order given, files by name. A file of the id of a
    /// built-in type and a higher version takes its place. A plugin that fails
    /// any check becomes a status and an event, never an error.
    ///
    /// # Errors
    ///
    /// [`Error`], when the host itself cannot run.
    pub async fn load(config: PluginHostConfig) -> Result<(Self, Vec<PluginEvent>), Error> {
        let (engine, mode) = engine::start(&config.limits)?;
        let sandboxes = Arc::new(Sandboxes::new(engine.clone(), config.limits, config.network));
        let loader = Arc::new(Loader {
            sandboxes: Arc::clone(&sandboxes),
            linker: imports::linker(&engine).map_err(|error| Error::Engine(error.to_string()))?,
            cache: Cache::open(&engine, config.cache_dir, &config.cache_key)?,
            granted_derives: config.granted_derives,
        });

        let mut sources: Vec<_> =
            config.built_ins.into_iter().map(|(name, bytes)| (Source::BuiltIn(name), Some(bytes))).collect();
        for folder in &config.folders {
            sources.extend(files(folder)?.into_iter().map(|file| (Source::File(file), None)));
        }
        let mut tasks = JoinSet::new();
        for (place, (source, bytes)) in sources.into_iter().enumerate() {
            let loader = Arc::clone(&loader);
            tasks.spawn(async move { (place, loader.load(source, bytes).await) });
        }
        let mut outcomes = tasks.join_all().await;
        outcomes.sort_by_key(|(place, _)| *place);

        let mut choice = Choice::default();
        for (_, outcome) in outcomes {
            match outcome {
                Ok(candidate) => choice.take(candidate),
                Err(rejection) => choice.reject(*rejection),
            }
        }
        let (active, statuses, events) = choice.settle();
        Ok((Self { sandboxes, active, statuses, mode }, events))
    }

    /// Where the memory of sandboxes comes from, for `/healthz`.
    #[must_use]
    pub fn engine_mode(&self) -> EngineMode {
        self.mode
    }

    /// Lets `observer` hear of every call from now on, and of what a broker never
    /// keeps: for the check of a plugin on test data, and nothing else.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.sandboxes.observe(observer);
    }

    /// Facts of the active plugin with this id.
    #[must_use]
    pub fn info(&self, id: &str) -> Option<PluginInfo> {
        let loaded = self.active.get(id)?;
        Some(PluginInfo {
            id: id.to_owned(),
            digest: loaded.kind.digest.clone(),
            contract_version: loaded.kind.contract_version.clone(),
            source: loaded.source.to_string(),
            interfaces: loaded.component.interfaces(),
            from_cache: loaded.from_cache,
        })
    }

    pub(crate) fn statuses(&self) -> Vec<PluginStatus> {
        self.statuses.clone()
    }
}

/// Who gets an id that several claim.
#[derive(Default)]
struct Choice {
    active: BTreeMap<String, Loaded>,
    /// Versions of built-in types that a file took the place of.
    replaced: BTreeMap<String, String>,
    rejected: Vec<Rejection>,
}

impl Choice {
    fn take(&mut self, candidate: Loaded) {
        let manifest = &candidate.kind.manifest;
        let Some(present) = self.active.get(&manifest.id) else {
            self.active.insert(manifest.id.clone(), candidate);
            return;
        };
        let (id, version) = (manifest.id.clone(), manifest.version.clone());
        let present_version = present.kind.manifest.version.clone();
        let reason = if !present.source.is_built_in() || candidate.source.is_built_in() {
            format!("{id} {present_version} is already loaded from {}", present.source)
        } else if is_higher(&version, &present_version) {
            self.replaced.insert(id.clone(), present_version);
            self.active.insert(id, candidate);
            return;
        } else {
            format!("version {version} is not higher than the built-in {present_version}")
        };
        self.rejected.push(Rejection {
            id,
            version,
            digest: candidate.kind.digest.clone(),
            contract_version: candidate.kind.contract_version.clone(),
            source: candidate.source,
            reason,
        });
    }

    fn reject(&mut self, rejection: Rejection) {
        self.rejected.push(rejection);
    }

    fn settle(self) -> (BTreeMap<String, Arc<Loaded>>, Vec<PluginStatus>, Vec<PluginEvent>) {
        let mut events = Vec::new();
        let mut statuses = Vec::new();
        for (id, loaded) in &self.active {
            let replaces = self.replaced.get(id).cloned();
            let source = loaded.source.to_string();
            let (version, digest) = (loaded.kind.manifest.version.clone(), loaded.kind.digest.clone());
            tracing::info!(plugin = id, version, digest, source, from_cache = loaded.from_cache, "plugin loaded");
            events.push(PluginEvent::Loaded { id: id.clone(), version, digest, source, replaces });
            statuses.push(active_status(loaded));
        }
        for rejection in self.rejected {
            let source = rejection.source.to_string();
            tracing::warn!(plugin = rejection.id, source, reason = rejection.reason, "plugin rejected");
            events.push(PluginEvent::Rejected {
                id: rejection.id.clone(),
                digest: rejection.digest.clone(),
                source: source.clone(),
                reason: rejection.reason.clone(),
            });
            statuses.push(rejected_status(rejection));
        }
        statuses.sort_by(|a, b| (&a.id, &a.source).cmp(&(&b.id, &b.source)));
        let active = self.active.into_iter().map(|(id, loaded)| (id, Arc::new(loaded))).collect();
        (active, statuses, events)
    }
}

/// Semantic precedence; a manifest's version is known to parse.
fn is_higher(version: &str, than: &str) -> bool {
    match (semver::Version::parse(version), semver::Version::parse(than)) {
        (Ok(version), Ok(than)) => version.cmp_precedence(&than).is_gt(),
        _ => false,
    }
}

fn active_status(loaded: &Loaded) -> PluginStatus {
    let manifest = &loaded.kind.manifest;
    let kind = if manifest.has(Ability::Dns01) { "dns-provider" } else { "credential-type" };
    PluginStatus {
        id: manifest.id.clone(),
        kind: kind.to_owned(),
        version: manifest.version.clone(),
        digest: loaded.kind.digest.clone(),
        contract_version: loaded.kind.contract_version.clone(),
        state: PluginState::Active,
        reason: None,
        source: loaded.source.to_string(),
        wanted_hosts: manifest.hosts.clone(),
        granted_hosts: Vec::new(),
    }
}

fn rejected_status(rejection: Rejection) -> PluginStatus {
    PluginStatus {
        id: rejection.id,
        kind: "credential-type".to_owned(),
        version: rejection.version,
        digest: rejection.digest,
        contract_version: rejection.contract_version,
        state: PluginState::Rejected,
        reason: Some(rejection.reason),
        source: rejection.source.to_string(),
        wanted_hosts: Vec::new(),
        granted_hosts: Vec::new(),
    }
}
