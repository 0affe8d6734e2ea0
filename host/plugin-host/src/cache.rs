//! Compiled code kept between starts, under a key.
//!
//! Loading compiled code is running it: a file that someone else could write
//! would be native code of theirs in this process. So each entry carries an
//! HMAC-SHA256 over the engine's settings, the component's digest and the code,
//! and the very bytes that were verified are the ones that are loaded. This is
//! the one module of the project with `unsafe` in it.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::Error;

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
        let mut settings = Sha256Hasher(Context::new(&SHA256));
        engine.precompile_compatibility_hash().hash(&mut settings);
        let mut digest = [0; 32];
        digest.copy_from_slice(settings.0.finish().as_ref());
        Ok(Self { folder, key: hmac::Key::new(hmac::HMAC_SHA256, key), settings: digest })
    }

    /// The component of `wasm`, whose SHA-256 is `digest`.
    ///
    /// # Errors
    ///
    /// The compiler's, when it is not a valid component.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        wasm: &[u8],
        digest: [u8; 32],
    ) -> wasmtime::Result<(Component, Found)> {
        let Some(folder) = &self.folder else {
            return Ok((Component::from_binary(engine, wasm)?, Found::Compiled));
        };
        let file = folder.join(format!("{}-{}.cwasm", hex::encode(digest), hex::encode(&self.settings[..8])));
        if let Some(component) = self.load(engine, &file, digest) {
            return Ok((component, Found::Cached));
        }
        let component = Component::from_binary(engine, wasm)?;
        let code = component.serialize()?;
        if let Err(error) = self.save(folder, &file, &code, digest) {
            tracing::warn!(%error, "compiled code could not be cached; the next start compiles again");
        }
        Ok((component, Found::Compiled))
    }

    /// An entry that is missing, altered or made by another version counts as
    /// none.
    #[expect(unsafe_code, reason = "loads machine code that this process wrote and signed")]
    fn load(&self, engine: &Engine, file: &Path, digest: [u8; 32]) -> Option<Component> {
        let entry = fs::read(file).ok()?;
        let (tag, code) = entry.split_at_checked(TAG_BYTES)?;
        if hmac::verify(&self.key, &self.signed(code, digest), tag).is_err() {
            tracing::warn!(file = %file.display(), "a cache entry failed authentication; compiling again");
            return None;
        }
        // SAFETY: `code` is what `Component::serialize` returned to a process
        // holding the key, for this digest and these settings: the tag over
        // exactly these bytes has just been verified, and they are not read
        // from the file again.
        match unsafe { Component::deserialize(engine, code) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, "a cache entry does not fit this engine; compiling again");
                None
            }
        }
    }

    /// Whole or not at all: written beside, then renamed.
    fn save(&self, folder: &Path, file: &Path, code: &[u8], digest: [u8; 32]) -> io::Result<()> {
        let tag = hmac::sign(&self.key, &self.signed(code, digest));
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        part.write_all(tag.as_ref())?;
        part.write_all(code)?;
        part.persist(file).map_err(|error| error.error)?;
        Ok(())
    }

    /// The first two parts have fixed lengths, so nothing can shift.
    fn signed(&self, code: &[u8], digest: [u8; 32]) -> Vec<u8> {
        [&self.settings[..], &digest[..], code].concat()
    }
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

/// The standard library's hasher may differ between builds; a digest does not.
struct Sha256Hasher(Context);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.clone().finish().as_ref()[..8]);
        u64::from_le_bytes(first)
    }
}

const TAG_BYTES: usize = 32;
