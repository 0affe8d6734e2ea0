//! Loads a plugin from its file: admits it, compiles it or takes it from the
//! cache, lets it describe itself in the sandbox, and checks that description.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bursar_kernel::plugin::{Ability, BUILT_IN, CredentialType, Derived, Manifest, Permissions, PluginError};
use bursar_schema::pointer::is_within;
use serde_json::Value;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};

use crate::admission::{self, Admitted, ComponentLimits};
use crate::archive::Archive;
use crate::cache::{Cache, Found};
use crate::compile::{CancelOnDrop, Cancellation, Compiler};
use crate::failures::Attempt;
use crate::form::Form;
use crate::imports::SandboxState;
use crate::limits::Call;
use crate::manifest::parse_manifest;
use crate::sandbox::{Behalf, Sandboxes, Turns};
use crate::signature::{Signed, check_signature};
use crate::text::{MAX_DESCRIPTION_BYTES, MAX_JSON_BYTES, parse_json, sentence};
use crate::{Approval, TrustedKey, v0_1};

/// Where a component comes from.
#[derive(Clone, Debug)]
pub(crate) enum ComponentOrigin {
    BuiltIn(&'static str),
    File(PathBuf),
    /// An earlier content of that file.
    Archive(PathBuf),
}

impl ComponentOrigin {
    pub(crate) fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn(_))
    }

    /// The file of an operator's folder.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(file) | Self::Archive(file) => Some(file),
        }
    }

    /// Its name until its id is known.
    fn stem(&self) -> String {
        match self {
            Self::BuiltIn(name) => (*name).to_owned(),
            Self::File(file) | Self::Archive(file) => {
                file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
        }
    }
}

impl fmt::Display for ComponentOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(_) => f.write_str(BUILT_IN),
            Self::File(file) | Self::Archive(file) => file.display().fmt(f),
        }
    }
}

/// A plugin that passed every check. Cheap to clone: a change of its permissions
/// makes a new one.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) kind: Arc<CredentialType>,
    pub(crate) component: Arc<v0_1::Component>,
    pub(crate) form: Arc<Form>,
    pub(crate) turns: Turns,
    /// Public pointers that `check` may fill.
    pub(crate) derives: Vec<String>,
    pub(crate) source: ComponentOrigin,
    /// Whether its code came from the cache.
    pub(crate) from_cache: bool,
    /// What it asks for.
    pub(crate) permissions: Permissions,
    /// One for each variant.
    pub(crate) templates: Arc<[Value]>,
    /// What it imports.
    pub(crate) imports: Arc<[String]>,
    pub(crate) size_bytes: u64,
    /// Who signed it.
    pub(crate) signed: Signed,
    /// The text of that signature.
    pub(crate) signature: Option<String>,
}

/// A component to be loaded.
pub(crate) struct RawComponent {
    pub(crate) source: ComponentOrigin,
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) signature: Option<String>,
}

/// A plugin that failed a check.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) contract_version: String,
    pub(crate) source: ComponentOrigin,
    pub(crate) reason: String,
}

/// What loading needs.
pub(crate) struct Loader {
    pub(crate) sandboxes: Arc<Sandboxes>,
    pub(crate) linker: Linker<SandboxState>,
    pub(crate) cache: Cache,
    pub(crate) archive: Archive,
    pub(crate) approval: Approval,
    pub(crate) trusted_keys: Vec<TrustedKey>,
    /// Compiles the components of folders.
    pub(crate) compiler: Compiler,
    /// One compilation at a time: each uses every core.
    pub(crate) compilations: Arc<Semaphore>,
}

impl Rejection {
    /// A file that could not be read.
    pub(crate) fn unread(source: ComponentOrigin, reason: String) -> Self {
        let id = source.stem();
        Self { id, version: String::new(), digest: String::new(), contract_version: String::new(), source, reason }
    }
}

impl Loader {
    /// Takes one component through every step.
    pub(crate) async fn load(self: Arc<Self>, component_file: RawComponent) -> Result<Loaded, Box<Rejection>> {
        let mut rejection = Box::new(Rejection::unread(component_file.source.clone(), String::new()));
        match self.steps(component_file, &mut rejection).await {
            Ok(loaded) => Ok(loaded),
            Err(reason) => {
                rejection.reason = reason;
                Err(rejection)
            }
        }
    }

    /// Fills in `known` along the way, in case a later step fails.
    async fn steps(self: Arc<Self>, component_file: RawComponent, known: &mut Rejection) -> Result<Loaded, String> {
        let RawComponent { source, bytes, signature } = component_file;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        known.digest = format!("sha256:{}", hex::encode(sha256));
        let size_bytes = bytes.len() as u64;

        let closed = |_| "the plugin host is shutting down".to_owned();
        let turn = Arc::clone(&self.compilations).acquire_owned().await.map_err(closed)?;
        let cancellation = CancelOnDrop(Cancellation::default());
        let (this, built_in, text, stopped) =
            (Arc::clone(&self), source.is_built_in(), signature.clone(), cancellation.0.clone());
        let (prepared, signed, bytes) = tokio::task::spawn_blocking(move || {
            let signed = if built_in { Signed::Not } else { this.check_signature(&bytes, text.as_deref())? };
            let admitted = this.admit(&bytes, built_in)?;
            let prepared = this.prepare(admitted, &bytes, sha256, built_in, &stopped)?;
            drop(turn);
            Ok::<_, String>((prepared, signed, bytes))
        })
        .await
        .map_err(|_| "the compiler gave up on it".to_owned())??;
        let Prepared { component, admitted: Admitted { contract_version, imports }, found } = prepared;
        known.contract_version.clone_from(&contract_version);

        let name = known.id.clone();
        let interview = Interview { loader: &self, component: &component, name: &name, turns: self.sandboxes.turns() };
        let manifest = interview.manifest().await?;
        known.id.clone_from(&manifest.id);
        known.version.clone_from(&manifest.version);
        check_abilities(&manifest, &component.interfaces())?;
        let form = interview.form().await?;
        let templates = interview.templates(&manifest, &form).await?;
        let turns = interview.turns;
        if matches!(source, ComponentOrigin::File(_)) {
            self.keep(known.digest.clone(), bytes).await;
        }

        let permissions = Permissions::of(&manifest);
        // A file's granted fields are added when it becomes active.
        let derives = if source.is_built_in() {
            manifest.derives.iter().map(|it| it.field().to_owned()).collect()
        } else {
            Vec::new()
        };
        let kind =
            CredentialType { schema: form.schema().clone(), digest: known.digest.clone(), contract_version, manifest };
        Ok(Loaded {
            kind: Arc::new(kind),
            component: Arc::new(component),
            form: Arc::new(form),
            turns,
            derives,
            source,
            from_cache: found == Found::Cached,
            permissions,
            templates: templates.into(),
            imports: imports.into(),
            size_bytes,
            signed,
            signature,
        })
    }

    /// Checks the signature under the operator's policy.
    fn check_signature(&self, bytes: &[u8], signature: Option<&str>) -> Result<Signed, String> {
        let signed = check_signature(&self.trusted_keys, bytes, signature)?;
        match (self.approval, &signed) {
            (Approval::SignedOnly, Signed::Not | Signed::Unchecked) => {
                Err("it is not signed, and only signed plugins are accepted: put its .minisig beside it".to_owned())
            }
            (Approval::SignedOnly, Signed::Unknown) => {
                Err("it is signed by a key that is not among plugins.trusted_keys".to_owned())
            }
            _ => Ok(signed),
        }
    }

    /// Archives the component. A failure only prevents a later rollback.
    async fn keep(self: &Arc<Self>, digest: String, bytes: Cow<'static, [u8]>) {
        let this = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || this.archive.put(&digest, &bytes)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "a plugin could not be archived: it cannot be rolled back to");
        }
    }

    /// Built-in components were measured when they were built.
    fn admit(&self, bytes: &[u8], built_in: bool) -> Result<Admitted, String> {
        let limits = self.sandboxes.limits();
        let shipped = ComponentLimits::default();
        let component = if built_in { &shipped } else { &limits.component };
        admission::admit(bytes, component, limits.memory_bytes as u64)
    }

    /// Prepares an admitted component for calls.
    fn prepare(
        &self,
        admitted: Admitted,
        bytes: &[u8],
        sha256: [u8; 32],
        built_in: bool,
        cancellation: &Cancellation,
    ) -> Result<Prepared, String> {
        let engine = self.sandboxes.engine();
        let clean = |error: wasmtime::Error| sentence(&format!("{error:#}"));
        let (component, found) = match self.cache.load(engine, sha256) {
            Some(component) => (component, Found::Cached),
            None => (self.compile(bytes, sha256, built_in, cancellation)?, Found::Compiled),
        };
        let pre = self.linker.instantiate_pre(&component).map_err(|error| {
            format!(
                "it needs something of contract {} that this Bursar does not have: {}",
                admitted.contract_version,
                clean(error)
            )
        })?;
        let component =
            v0_1::Component::new(pre).map_err(|error| format!("its form is not whole: {}", clean(error)))?;
        Ok(Prepared { component, admitted, found })
    }

    fn compile(
        &self,
        bytes: &[u8],
        sha256: [u8; 32],
        built_in: bool,
        cancellation: &Cancellation,
    ) -> Result<Component, String> {
        let (engine, limits) = (self.sandboxes.engine(), &self.sandboxes.limits().compilation);
        if built_in {
            let code = Compiler::InProcess.compile(engine, bytes, limits, cancellation);
            return code.and_then(|code| self.cache.take(engine, &code, sha256)).map_err(|error| error.to_string());
        }
        let attempt = Attempt::begin(&self.cache, sha256, limits)?;
        let code = self.compiler.compile(engine, bytes, limits, cancellation);
        match code.and_then(|code| self.cache.take(engine, &code, sha256)) {
            Ok(component) => {
                attempt.forget();
                Ok(component)
            }
            Err(error) => {
                let reason = error.to_string();
                attempt.ended(&error);
                Err(reason)
            }
        }
    }
}

struct Prepared {
    component: v0_1::Component,
    admitted: Admitted,
    found: Found,
}

/// The questions that a plugin answers once, at load.
struct Interview<'a> {
    loader: &'a Loader,
    component: &'a v0_1::Component,
    name: &'a str,
    turns: Turns,
}

impl Interview<'_> {
    async fn manifest(&self) -> Result<Manifest, String> {
        let (session, mut store) = self.open(Call::Describe).await?;
        session.run(self.component.check_types(&mut store)).await.map_err(|error| failed("instantiating", &error))?;
        let (session, mut store) = self.open(Call::Describe).await?;
        let text =
            session.run(self.component.describe(&mut store)).await.map_err(|error| failed("describe", &error))?;
        parse_manifest(&text)
    }

    async fn form(&self) -> Result<Form, String> {
        let (session, mut store) = self.open(Call::Schema).await?;
        let text = session.run(self.component.schema(&mut store)).await.map_err(|error| failed("schema", &error))?;
        let schema =
            parse_json(&text, MAX_DESCRIPTION_BYTES).map_err(|rule| format!("its form's schema is refused: {rule}"))?;
        // Compiling patterns can take a while.
        let compiled = tokio::task::spawn_blocking(move || Form::compile(schema)).await;
        compiled.unwrap_or_else(|_| Err("its form's schema cannot be compiled".to_owned()))
    }

    async fn templates(&self, manifest: &Manifest, form: &Form) -> Result<Vec<Value>, String> {
        let mut templates = Vec::new();
        let variants = manifest.variants.iter().map(|variant| Some(variant.id.as_str()));
        for variant in std::iter::once(None).chain(variants) {
            let name = variant.unwrap_or("default");
            let (session, mut store) = self.open(Call::Template).await?;
            let text = session
                .run(self.component.template(&mut store, variant))
                .await
                .map_err(|error| failed("template", &error))?
                .map_err(|_| format!("it has no template for its variant {name}"))?;
            let template =
                parse_json(&text, MAX_JSON_BYTES).map_err(|rule| format!("the template {name} is refused: {rule}"))?;
            let report = form.check(&template).map_err(|error| failed("template", &error))?;
            let wrong = report.violations.iter().find(|violation| !awaits_input(&template, &violation.pointer));
            if let Some(violation) = wrong {
                return Err(format!(
                    "the template {name} does not fit the form: {} at {}",
                    violation.code,
                    sentence(if violation.pointer.is_empty() { "/" } else { &violation.pointer })
                ));
            }
            templates.push(template);
        }
        Ok(templates)
    }

    async fn open(&self, call: Call) -> Result<(crate::sandbox::Session<'_>, wasmtime::Store<SandboxState>), String> {
        self.loader
            .sandboxes
            .open(self.name, &self.turns, call, Behalf::BROKER)
            .await
            .map_err(|error| failed(call.as_str(), &error))
    }
}

fn failed(step: &str, error: &PluginError) -> String {
    match error {
        PluginError::Failed(reason) => format!("{step} {reason}"),
        other => format!("{step}: {other}"),
    }
}

/// Whether a template leaves a place for a person to fill in: it, or something in
/// it, is empty or a `<placeholder>`. A missing place is not one.
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
    let fields = || manifest.derives.iter().map(Derived::field);
    let nested = fields().any(|one| fields().any(|two| one != two && is_within(one, two)));
    if nested { Err("its manifest derives a field inside another".to_owned()) } else { Ok(()) }
}
