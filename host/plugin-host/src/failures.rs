//! Remembers components that could not be compiled, between starts: one that
//! exhausted the compiler would do so at every start.
//!
//! Each record is a file beside the compiled code, under the same key, with the
//! limits in force: under other limits the component is tried again. The file is
//! written before the compiler starts. If the broker itself dies meanwhile, as it
//! may when a whole container runs out of memory, the next start finds the
//! attempt; after two of them no third is made.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};

use crate::cache::{Cache, TAG_BYTES, write_whole};
use crate::compile::CompileError;
use crate::limits::CompilationLimits;

/// What is known about earlier attempts.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
struct AttemptRecord {
    /// The limits then in force.
    limits: String,
    /// How many attempts were begun.
    attempts: u32,
    /// How the last one ended; `None` if it was cut off.
    reason: Option<String>,
}

/// An attempt in progress. Dropping it leaves it on record.
pub(crate) struct Attempt<'a> {
    cache: &'a Cache,
    digest: [u8; 32],
    record: AttemptRecord,
}

impl<'a> Attempt<'a> {
    /// Records that the component is about to be compiled.
    ///
    /// # Errors
    ///
    /// Why the component is not tried again, and the cure.
    pub(crate) fn begin(cache: &'a Cache, digest: [u8; 32], limits: &CompilationLimits) -> Result<Self, String> {
        let limits = format!("{limits:?}");
        let known = read(cache, digest).filter(|record| record.limits == limits).unwrap_or_default();
        let reason = known.reason.or_else(|| {
            (known.attempts >= MAX_ATTEMPTS)
                .then(|| format!("it cannot be compiled: Bursar ended {} times on the way", known.attempts))
        });
        if let Some(reason) = reason {
            let cure = format!("to try again, delete {}", file_name(cache, digest));
            return Err(format!("{reason}; {cure}"));
        }
        let attempt =
            Self { cache, digest, record: AttemptRecord { limits, attempts: known.attempts + 1, reason: None } };
        attempt.write();
        Ok(attempt)
    }

    /// Deletes the record: the component was compiled.
    pub(crate) fn forget(self) {
        if let Some(file) = self.cache.file(self.digest, KIND) {
            // It does not exist if it could not be written.
            let _ = fs::remove_file(file);
        }
    }

    /// Records a final failure. An attempt that was cut off proves nothing and
    /// leaves the count of earlier attempts as it was.
    pub(crate) fn ended(mut self, error: &CompileError) {
        if !error.is_final() {
            self.record.attempts -= 1;
            return if self.record.attempts == 0 { self.forget() } else { self.write() };
        }
        self.record.reason = Some(error.to_string());
        self.write();
        if let Some(file) = self.cache.file(self.digest, KIND) {
            prune(file.parent().unwrap_or(&file));
        }
    }

    fn write(&self) {
        let Some(file) = self.cache.file(self.digest, KIND) else { return };
        // A record of texts and numbers is always JSON.
        let text = serde_json::to_vec(&self.record).unwrap_or_default();
        let tag = tag(self.cache, self.digest, &text);
        if let Err(error) = write_whole(&file, &[tag.as_ref(), &text]) {
            tracing::warn!(%error, "the attempt to compile a plugin could not be recorded");
        }
    }
}

/// A record that fails authentication is ignored.
fn read(cache: &Cache, digest: [u8; 32]) -> Option<AttemptRecord> {
    let bytes = fs::read(cache.file(digest, KIND)?).ok()?;
    let (theirs, text) = bytes.split_at_checked(TAG_BYTES)?;
    verify_slices_are_equal(tag(cache, digest, text).as_ref(), theirs).ok()?;
    serde_json::from_slice(text).ok()
}

/// The key authenticates compiled code too: the prefix keeps the two apart.
fn tag(cache: &Cache, digest: [u8; 32], text: &[u8]) -> aws_lc_rs::hmac::Tag {
    cache.tag(&[b"failed compilation\n", &digest, text])
}

fn file_name(cache: &Cache, digest: [u8; 32]) -> String {
    let file = cache.file(digest, KIND);
    let name = file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    format!("plugin-cache/{}", name.unwrap_or_default())
}

/// Bounds the number of records: write access to a plugin folder can create them.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut records: Vec<(std::time::SystemTime, PathBuf)> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == KIND))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    records.sort();
    for (_, path) in records.iter().rev().skip(MAX_RECORDS) {
        let _ = fs::remove_file(path);
    }
}

const KIND: &str = "failed";
/// One may have been cut off by chance.
const MAX_ATTEMPTS: u32 = 2;
const MAX_RECORDS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path, key: [u8; 32]) -> Cache {
        Cache::open(&crate::engine::compiler().unwrap(), Some(folder.to_owned()), &key).unwrap()
    }

    fn ended() -> CompileError {
        CompileError::Ended("it took too much".to_owned())
    }

    #[test]
    fn what_failed_is_not_tried_again_under_the_same_limits() {
        let folder = tempfile::tempdir().unwrap();
        let (first, limits) = (cache(folder.path(), [1; 32]), CompilationLimits::default());
        Attempt::begin(&first, [1; 32], &limits).unwrap().ended(&ended());

        let again = cache(folder.path(), [1; 32]);
        let reason = Attempt::begin(&again, [1; 32], &limits).err().unwrap();
        assert!(reason.starts_with("it cannot be compiled: it took too much; to try again, delete plugin-cache/0101"));
        Attempt::begin(&again, [2; 32], &limits).unwrap().forget();
        let wider = CompilationLimits { memory_bytes: 2 << 30, ..limits };
        Attempt::begin(&again, [1; 32], &wider).unwrap().forget();
        Attempt::begin(&again, [1; 32], &limits).unwrap();
    }

    #[test]
    fn what_took_the_broker_along_twice_is_not_tried_a_third_time() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, limits) = (cache(folder.path(), [1; 32]), CompilationLimits::default());
        for _ in 0..MAX_ATTEMPTS {
            drop(Attempt::begin(&cache, [1; 32], &limits).unwrap());
        }
        let reason = Attempt::begin(&cache, [1; 32], &limits).err().unwrap();
        assert!(reason.contains("Bursar ended 2 times on the way"), "{reason}");
    }

    #[test]
    fn what_was_cut_off_takes_nothing_from_earlier_attempts() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, limits) = (cache(folder.path(), [1; 32]), CompilationLimits::default());
        for _ in 0..MAX_ATTEMPTS {
            // As at a start that waits no longer, and goes on beside.
            Attempt::begin(&cache, [1; 32], &limits).unwrap().ended(&CompileError::Stopped);
            drop(Attempt::begin(&cache, [1; 32], &limits).unwrap());
        }
        assert!(Attempt::begin(&cache, [1; 32], &limits).is_err());
    }

    #[test]
    fn what_says_nothing_of_the_component_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, limits) = (cache(folder.path(), [1; 32]), CompilationLimits::default());
        for error in [CompileError::Stopped, CompileError::Unavailable("no process".to_owned())] {
            Attempt::begin(&cache, [1; 32], &limits).unwrap().ended(&error);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_record_of_somebody_else_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let limits = CompilationLimits::default();
        Attempt::begin(&cache(folder.path(), [2; 32]), [1; 32], &limits).unwrap().ended(&ended());
        let ours = cache(folder.path(), [1; 32]);
        Attempt::begin(&ours, [1; 32], &limits).unwrap().ended(&ended());
        // Of another component.
        fs::rename(ours.file([1; 32], KIND).unwrap(), ours.file([3; 32], KIND).unwrap()).unwrap();
        Attempt::begin(&ours, [3; 32], &limits).unwrap().forget();
    }

    #[test]
    fn only_the_newest_records_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MAX_RECORDS + 5 {
            fs::write(folder.path().join(format!("{number}.{KIND}")), "x").unwrap();
        }
        fs::write(folder.path().join("code.cwasm"), "x").unwrap();
        prune(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MAX_RECORDS + 1);
    }
}
