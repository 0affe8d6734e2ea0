//! From a file to a plugin that may be called: read, admit, compile or fetch
//! from the cache, then let it describe itself in the sandbox and hold it to
//! what it said.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bursar_domain::plugin::{Ability, CredentialType, Manifest, PluginError};
use serde_json::Value;
use wasmtime::component::Linker;

use crate::cache::{Cache, Found};
use crate::form::FormSchema;
use crate::imports::State;
use crate::limits::{Call, Limits};
use crate::manifest::parse_manifest;
use crate::names::is_within;
use crate::sandbox::{Sandboxes, Turns};
use crate::text::{MAX_DESCRIPTION_BYTES, MAX_JSON_BYTES, parse_json, sentence};
use crate::{Error, NetworkConfig, admission, v0_1};

/// What [`PluginHost::load`](crate::PluginHost::load) needs to know.
pub struct PluginHostConfig {
    /// Components inside the binary: a name for messages, and the bytes.
    pub built_ins: Vec<(&'static str, Cow<'static, [u8]>)>,
    /// Folders whose `*.wasm` files are plugins too.
    pub folders: Vec<PathBuf>,
    /// Where compiled code is kept between starts.
    pub cache_dir: Option<PathBuf>,
    /// Authenticates the cache: secret, and the same from start to start.
    pub cache_key: [u8; 32],
    /// Which of the pointers under `derives` each type of a folder may fill.
    /// Those of built-in types are granted.
    pub granted_derives: BTreeMap<String, Vec<String>>,
    /// Bounds of each call.
    pub limits: Limits,
    /// What the operator says of the network plane.
    pub network: NetworkConfig,
}

/// Something that happened to a plugin, for the log and the audit trail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PluginEvent {
    /// It is active.
    Loaded {
        /// The type's id.
        id: String,
        /// Its version.
        version: String,
        /// `sha256:<hex>`.
        digest: String,
        /// `built-in`, or the file.
        source: String,
        /// The version of the built-in plugin whose place it took.
        replaces: Option<String>,
    },
    /// It is not, and why.
    Rejected {
        /// The type's id, or the file's stem where it could not be described.
        id: String,
        /// `sha256:<hex>`; empty where the file could not be read.
        digest: String,
        /// `built-in`, or the file.
        source: String,
        /// For the operator.
        reason: String,
    },
}

/// Where a component comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    BuiltIn(&'static str),
    File(PathBuf),
}

impl Source {
    pub(crate) fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn(_))
    }

    /// What to call it while it has not said its id.
    fn stem(&self) -> String {
        match self {
            Self::BuiltIn(name) => (*name).to_owned(),
            Self::File(file) => file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(_) => f.write_str("built-in"),
            Self::File(file) => file.display().fmt(f),
        }
    }
}

/// A plugin that passed.
pub(crate) struct Loaded {
    pub(crate) kind: Arc<CredentialType>,
    pub(crate) component: v0_1::Component,
    pub(crate) form: FormSchema,
    pub(crate) turns: Turns,
    /// Public pointers that `check` may fill.
    pub(crate) derives: Vec<String>,
    pub(crate) source: Source,
    /// Whether its code came from the cache.
    pub(crate) from_cache: bool,
}

/// A plugin that did not.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) contract_version: String,
    pub(crate) source: Source,
    pub(crate) reason: String,
}

/// What loading needs.
pub(crate) struct Loader {
    pub(crate) sandboxes: Arc<Sandboxes>,
    pub(crate) linker: Linker<State>,
    pub(crate) cache: Cache,
    pub(crate) granted_derives: BTreeMap<String, Vec<String>>,
}

/// The plugin files of a folder, in order of name: `*.wasm`, no dot-files.
///
/// # Errors
///
/// [`Error::Folder`] when it cannot be read.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Loader {
    /// Takes one component through every step.
    pub(crate) async fn load(
        self: Arc<Self>,
        source: Source,
        bytes: Option<Cow<'static, [u8]>>,
    ) -> Result<Loaded, Box<Rejection>> {
        let mut rejection = Box::new(Rejection {
            id: source.stem(),
            version: String::new(),
            digest: String::new(),
            contract_version: String::new(),
            source: source.clone(),
            reason: String::new(),
        });
        match self.steps(source, bytes, &mut rejection).await {
            Ok(loaded) => Ok(loaded),
            Err(reason) => {
                rejection.reason = reason;
                Err(rejection)
            }
        }
    }

    /// Fills in `known` on the way, for the case that a later step fails.
    async fn steps(
        self: Arc<Self>,
        source: Source,
        bytes: Option<Cow<'static, [u8]>>,
        known: &mut Rejection,
    ) -> Result<Loaded, String> {
        let most_bytes = self.sandboxes.limits().component_bytes;
        let bytes = match (bytes, &source) {
            (Some(bytes), _) => bytes,
            (None, Source::File(file)) => read(file, most_bytes)?.into(),
            (None, Source::BuiltIn(_)) => return Err("it has no bytes".to_owned()),
        };
        admission::check_bytes(&bytes, most_bytes)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        known.digest = format!("sha256:{}", hex::encode(sha256));

        let this = Arc::clone(&self);
        let (component, contract_version, found) = tokio::task::spawn_blocking(move || this.compile(&bytes, sha256))
            .await
            .map_err(|_| "the compiler gave up on it".to_owned())??;
        known.contract_version.clone_from(&contract_version);

        let name = known.id.clone();
        let interview = Interview { loader: &self, component: &component, name: &name, turns: self.sandboxes.turns() };
        let manifest = interview.manifest().await?;
        known.id.clone_from(&manifest.id);
        known.version.clone_from(&manifest.version);
        check_abilities(&manifest, &component.interfaces())?;
        let form = interview.form().await?;
        interview.templates(&manifest, &form).await?;
        let turns = interview.turns;

        let derives = if source.is_built_in() {
            manifest.derives.clone()
        } else {
            let granted = self.granted_derives.get(&manifest.id).map_or(&[][..], Vec::as_slice);
            manifest.derives.iter().filter(|pointer| granted.contains(pointer)).cloned().collect()
        };
        let kind =
            CredentialType { schema: form.schema().clone(), digest: known.digest.clone(), contract_version, manifest };
        let from_cache = found == Found::Cached;
        Ok(Loaded { kind: Arc::new(kind), component, form, turns, derives, source, from_cache })
    }

    fn compile(&self, bytes: &[u8], sha256: [u8; 32]) -> Result<(v0_1::Component, String, Found), String> {
        let engine = self.sandboxes.engine();
        let clean = |error: wasmtime::Error| sentence(&format!("{error:#}"));
        let (component, found) = self
            .cache
            .component(engine, bytes, sha256)
            .map_err(|error| format!("it does not compile: {}", clean(error)))?;
        let contract_version = admission::check_contract(engine, &component)?;
        let pre = self.linker.instantiate_pre(&component).map_err(|error| {
            format!(
                "it needs something of contract {contract_version} that this Bursar does not have: {}",
                clean(error)
            )
        })?;
        let component =
            v0_1::Component::new(pre).map_err(|error| format!("its form is not whole: {}", clean(error)))?;
        Ok((component, contract_version, found))
    }
}

/// The questions that a plugin answers once, in the sandbox, at load.
struct Interview<'a> {
    loader: &'a Loader,
    component: &'a v0_1::Component,
    name: &'a str,
    turns: Turns,
}

impl Interview<'_> {
    async fn manifest(&self) -> Result<Manifest, String> {
        let (session, mut store) = self.open(Call::Describe).await?;
        session.run(self.component.check_types(&mut store)).await.map_err(|error| told("instantiating", &error))?;
        let (session, mut store) = self.open(Call::Describe).await?;
        let text = session.run(self.component.describe(&mut store)).await.map_err(|error| told("describe", &error))?;
        parse_manifest(&text)
    }

    async fn form(&self) -> Result<FormSchema, String> {
        let (session, mut store) = self.open(Call::Schema).await?;
        let text = session.run(self.component.schema(&mut store)).await.map_err(|error| told("schema", &error))?;
        let schema =
            parse_json(&text, MAX_DESCRIPTION_BYTES).map_err(|rule| format!("its form's schema is refused: {rule}"))?;
        FormSchema::compile(schema)
    }

    async fn templates(&self, manifest: &Manifest, form: &FormSchema) -> Result<(), String> {
        let variants = manifest.variants.iter().map(|variant| Some(variant.id.as_str()));
        for variant in std::iter::once(None).chain(variants) {
            let name = variant.unwrap_or("default");
            let (session, mut store) = self.open(Call::Template).await?;
            let text = session
                .run(self.component.template(&mut store, variant))
                .await
                .map_err(|error| told("template", &error))?
                .map_err(|_| format!("it has no template for its variant {name}"))?;
            let template =
                parse_json(&text, MAX_JSON_BYTES).map_err(|rule| format!("the template {name} is refused: {rule}"))?;
            let report = form.validate(&template).map_err(|error| told("template", &error))?;
            let wrong = report.violations.iter().find(|violation| !awaits_input(&template, &violation.pointer));
            if let Some(violation) = wrong {
                return Err(format!(
                    "the template {name} does not fit the form: {} at {}",
                    violation.code,
                    sentence(if violation.pointer.is_empty() { "/" } else { &violation.pointer })
                ));
            }
        }
        Ok(())
    }

    async fn open(&self, call: Call) -> Result<(crate::sandbox::Session<'_>, wasmtime::Store<State>), String> {
        self.loader
            .sandboxes
            .open(self.name, &self.turns, call, [0; 32])
            .await
            .map_err(|error| told(call.as_str(), &error))
    }
}

fn told(step: &str, error: &PluginError) -> String {
    match error {
        PluginError::Failed(reason) => format!("{step} {reason}"),
        other => format!("{step}: {other}"),
    }
}

/// Whether a template leaves the place to the person: it, or something in it,
/// is empty or a `<placeholder>`. A place that is missing is not left to anyone.
fn awaits_input(template: &Value, pointer: &str) -> bool {
    let Some(value) = template.pointer(pointer) else {
        return false;
    };
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || text.split_once('<').is_some_and(|(_, rest)| rest.contains('>')),
        Value::Array(items) => items.is_empty() || items.iter().any(|item| awaits_input(item, "")),
        Value::Object(fields) => fields.is_empty() || fields.values().any(|field| awaits_input(field, "")),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn check_abilities(manifest: &Manifest, interfaces: &[&str]) -> Result<(), String> {
    let needed = manifest.abilities.iter().filter_map(|ability| match ability {
        Ability::Probe => Some("prober"),
        Ability::Mint => Some("minter"),
        Ability::Generate => Some("generator"),
        Ability::Dns01 => Some("dns01"),
        Ability::Defaultable | Ability::AcmeOrder => None,
    });
    for interface in needed {
        if !interfaces.contains(&interface) {
            return Err(format!("its manifest lists an ability for which it would have to export {interface}"));
        }
    }
    // A pointer below another would make two grants of one field.
    let nested =
        manifest.derives.iter().any(|one| manifest.derives.iter().any(|two| one != two && is_within(one, two)));
    if nested { Err("its manifest derives a field inside another".to_owned()) } else { Ok(()) }
}

/// Reads a regular file of at most `most_bytes`.
fn read(file: &Path, most_bytes: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {}", error.kind());
    let opened = File::open(file).map_err(unreadable)?;
    let facts = opened.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if facts.len() > most_bytes {
        return Err(admission::too_large(facts.len(), most_bytes));
    }
    let mut bytes = Vec::new();
    opened.take(most_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
