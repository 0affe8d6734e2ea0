//! Compiled code kept between starts, under a key.
//!
//! Loading compiled code is running it: a file that someone else could write
//! would be native code of theirs in this process. So each entry carries an
//! HMAC-SHA256 over the engine's settings, the component's digest and the code,
//! and the very bytes that were verified are the ones that are loaded. This is
//! the one module of the project with `unsafe` in it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::CompileError;
use crate::{Error, engine};

/// A folder of compiled components; without one everything is compiled anew.
pub(crate) struct Cache {
    folder: Option<PathBuf>,
    key: hmac::Key,
    /// Of everything that decides whether code fits this engine.
    settings: [u8; 32],
}

/// How a component was come by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    /// Compiled, because there was no entry or it was not ours.
    Compiled,
    /// Loaded from the cache.
    Cached,
}

impl Cache {
    /// Opens the folder, creating it for this user alone. `key` must be secret
    /// and the same from start to start.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] when the folder cannot be made.
    pub(crate) fn open(engine: &Engine, folder: Option<PathBuf>, key: &[u8; 32]) -> Result<Self, Error> {
        if let Some(folder) = &folder {
            create_private(folder).map_err(|source| Error::Cache { path: folder.clone(), source })?;
        }
        Ok(Self { folder, key: hmac::Key::new(hmac::HMAC_SHA256, key), settings: engine::settings(engine) })
    }

    /// The code of the component whose SHA-256 is `digest`. An entry that is
    /// missing, altered or made by another version counts as none.
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

    /// Takes over what was just compiled and keeps it for the next start.
    ///
    /// # Errors
    ///
    /// [`CompileError::Invalid`], when the engine does not take it.
    pub(crate) fn take(&self, engine: &Engine, code: &[u8], digest: [u8; 32]) -> Result<Component, CompileError> {
        let component = deserialize(engine, code).map_err(|error| CompileError::invalid(&error))?;
        if let Some(file) = self.file(digest, "cwasm")
            && let Err(error) = write_whole(&file, &[self.tag(&[&digest, code]).as_ref(), code])
        {
            tracing::warn!(%error, "compiled code could not be cached; the next start compiles again");
        }
        Ok(component)
    }

    /// Where something about a component is kept, if anything is.
    pub(crate) fn file(&self, digest: [u8; 32], kind: &str) -> Option<PathBuf> {
        let name = format!("{}-{}.{kind}", hex::encode(digest), hex::encode(&self.settings[..8]));
        self.folder.as_ref().map(|folder| folder.join(name))
    }

    /// Under the key and for this engine. All parts but the last have a fixed
    /// length, so nothing can shift.
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

/// Whole or not at all: written beside, then renamed.
pub(crate) fn write_whole(file: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut part = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(file))?;
    for bytes in parts {
        part.write_all(bytes)?;
    }
    part.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// Makes a folder for this user alone.
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
