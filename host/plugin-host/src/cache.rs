//! Caches compiled code between starts, authenticated by a key.
//!
//! Loading compiled code means running it: whoever could write a cache file would
//! run native code in this process. Each entry therefore carries an HMAC-SHA256
//! over the engine's settings, the component's digest and the code, and exactly
//! the bytes that were verified are loaded. This is the project's only module
//! with `unsafe`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::CompileError;
use crate::{Error, engine};

/// A folder of compiled components; without one everything is compiled again.
pub(crate) struct Cache {
    folder: Option<PathBuf>,
    key: hmac::Key,
    /// A digest of everything that decides whether code fits this engine.
    settings: [u8; 32],
}

/// Where a component's code came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    /// The compiler: there was no valid entry.
    Compiled,
    /// The cache.
    Cached,
}

impl Cache {
    /// Opens the folder, creating it for this user only. `key` must be secret and
    /// the same at every start.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] when the folder cannot be created.
    pub(crate) fn open(engine: &Engine, folder: Option<PathBuf>, key: &[u8; 32]) -> Result<Self, Error> {
        if let Some(folder) = &folder {
            create_private(folder).map_err(|source| Error::Cache { path: folder.clone(), source })?;
        }
        Ok(Self { folder, key: hmac::Key::new(hmac::HMAC_SHA256, key), settings: engine::settings(engine) })
    }

    /// The code of the component whose SHA-256 is `digest`. An entry that is
    /// altered or from another version is ignored.
    pub(crate) fn load(&self, engine: &Engine, digest: [u8; 32]) -> Option<Component> {
        let file = self.file(digest, "cwasm")?;
        let entry = fs::read(&file).ok()?;
        let (tag, code) = entry.split_at_checked(TAG_BYTES)?;
        if verify_slices_are_equal(self.tag(&[&digest, code]).as_ref(), tag).is_err() {
            tracing::warn!(file = %file.display(), "a cache entry failed authentication; compiling again");
            return None;
        }
        match deserialize(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, "a cache entry does not fit this engine; compiling again");
                None
            }
        }
    }

    /// Loads what was just compiled and caches it for the next start.
    ///
    /// # Errors
    ///
    /// [`CompileError::Invalid`], when the engine rejects it.
    pub(crate) fn take(&self, engine: &Engine, code: &[u8], digest: [u8; 32]) -> Result<Component, CompileError> {
        let component = deserialize(engine, code).map_err(|error| CompileError::invalid(&error))?;
        if let Some(file) = self.file(digest, "cwasm")
            && let Err(error) = write_whole(&file, &[self.tag(&[&digest, code]).as_ref(), code])
        {
            tracing::warn!(%error, "compiled code could not be cached; the next start compiles again");
        }
        Ok(component)
    }

    /// The file of this kind for a component; `None` without a folder.
    pub(crate) fn file(&self, digest: [u8; 32], kind: &str) -> Option<PathBuf> {
        let name = format!("{}-{}.{kind}", hex::encode(digest), hex::encode(&self.settings[..8]));
        self.folder.as_ref().map(|folder| folder.join(name))
    }

    /// A MAC under the key, for this engine. All parts but the last have a fixed
    /// length, which makes the input unambiguous.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.settings);
        for part in parts {
            context.update(part);
        }
        context.sign()
    }
}

#[expect(unsafe_code, reason = "loads machine code that this program made")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is what `Engine::precompile_component` returned, for these
    // settings, to this process, to one that it started from its own program a
    // moment ago, or to one that held the key: then the tag over exactly these
    // bytes has just been verified, and they are not read from the file again.
    unsafe { Component::deserialize(engine, code) }
}

/// Writes a file atomically: a temporary file, then a rename.
pub(crate) fn write_whole(file: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut part = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(file))?;
    for bytes in parts {
        part.write_all(bytes)?;
    }
    part.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// Creates a folder for this user only.
#[cfg(unix)]
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

pub(crate) const TAG_BYTES: usize = 32;
