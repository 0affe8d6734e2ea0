//! Examines one file as a broker would, without a broker.

use std::path::Path;
use std::sync::Arc;

use bursar_kernel::plugin::{Manifest, Permissions};
use tokio::sync::Semaphore;

use crate::admission::Measure;
use crate::archive::Archive;
use crate::cache::Cache;
use crate::compile::Compiler;
use crate::folder::{read, stamp};
use crate::load::{ComponentOrigin, Loader, RawComponent};
use crate::sandbox::Sandboxes;
use crate::{Approval, Error, Limits, NetworkConfig, PluginInfo, Signed, TrustedKey, engine, imports};

/// A file that a broker would accept.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Its manifest.
    pub manifest: Manifest,
    /// What the host found out.
    pub info: PluginInfo,
    /// What it asks for.
    pub permissions: Permissions,
    /// Who signed it.
    pub signed: Signed,
}

/// Takes a file through every step that a broker takes before it is used.
///
/// # Errors
///
/// [`Error`], when the host itself cannot run. The inner error is the reason why
/// a broker would refuse the file.
pub async fn examine(file: &Path, trusted_keys: Vec<TrustedKey>) -> Result<Result<Examined, String>, Error> {
    let limits = Limits::default();
    let most_bytes = limits.component.of(Measure::Bytes);
    let (engine, _) = engine::start(&limits)?;
    let loader = Arc::new(Loader {
        sandboxes: Arc::new(Sandboxes::new(engine.clone(), limits, NetworkConfig::default())),
        linker: imports::linker(&engine).map_err(|error| Error::Engine(error.to_string()))?,
        cache: Cache::open(&engine, None, &[0; 32])?,
        archive: Archive::open(None, &[0; 32])?.0,
        approval: Approval::Ask,
        trusted_keys,
        compiler: Compiler::InProcess,
        compilations: Arc::new(Semaphore::new(1)),
    });
    let content = match read(file, &stamp(file), most_bytes) {
        Ok(Some(content)) => content,
        Ok(None) => return Ok(Err("it changed while it was read".to_owned())),
        Err(reason) => return Ok(Err(reason)),
    };
    let source = ComponentOrigin::File(file.to_owned());
    let component_file = RawComponent { source, bytes: content.bytes.into(), signature: content.signature };
    let outcome = loader.load(component_file).await.map_err(|rejection| rejection.reason);
    Ok(outcome.map(|loaded| Examined {
        manifest: loaded.kind.manifest.clone(),
        info: loaded.info(),
        permissions: loaded.permissions.clone(),
        signed: loaded.signed.clone(),
    }))
}
