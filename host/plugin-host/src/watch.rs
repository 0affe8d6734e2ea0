//! Watches the operator's folders. Notifications of the system only make it
//! quicker; it relies on a scan every two seconds, since network and overlay file
//! systems lose notifications.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::admission::Measure;
use crate::folder::{Stamp, read, scan};
use crate::load::{ComponentOrigin, RawComponent, Rejection};
use crate::registry::Registry;
use crate::{Error, PluginHost};

/// Stops watching when dropped.
#[derive(Debug)]
pub struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PluginHost {
    /// Watches the folders, and the operators' decisions on other nodes, until the
    /// returned guard is dropped.
    #[must_use]
    pub fn watch(&self) -> Watching {
        let (folders, registry) = (Arc::clone(&self.folders), Arc::downgrade(&self.registry));
        Watching(tokio::spawn(async move {
            let wakeup = Arc::new(Notify::new());
            let _watcher = notifications(&folders.lock().await.paths, Arc::clone(&wakeup));
            run(&folders, &registry, &wakeup).await;
        }))
    }
}

/// The folders and what was seen in them.
pub(crate) struct Folders {
    paths: Vec<PathBuf>,
    files: BTreeMap<(usize, PathBuf), Seen>,
    /// Folders that could not be read at the last scan.
    unreadable: Vec<PathBuf>,
}

struct Seen {
    /// At the last scan.
    last: Stamp,
    /// When its content was loaded.
    loaded: Option<Stamp>,
}

impl Folders {
    /// Checks that the folders can be read.
    ///
    /// # Errors
    ///
    /// [`Error::Folder`] when one of them cannot be read.
    pub(crate) fn open(paths: Vec<PathBuf>) -> Result<Self, Error> {
        for path in &paths {
            scan(path).map_err(|source| Error::Folder { path: path.clone(), source })?;
        }
        Ok(Self { paths, files: BTreeMap::new(), unreadable: Vec::new() })
    }

    /// Loads every file, without selecting yet. What is not done after `wait` is
    /// left to [`PluginHost::watch`]: one file must not delay all others.
    pub(crate) async fn load(&mut self, registry: &Arc<Registry>, wait: Duration) {
        self.scan(registry).await;
        if self.files.is_empty() {
            return;
        }
        tokio::time::sleep(SETTLE_TIME).await;
        let deadline = Instant::now() + wait;
        for (folder, path, stamp) in self.scan(registry).await.stable {
            registry.prepare(|inventory| inventory.compiling(folder, &path)).await;
            match timeout_at(deadline, load_file(registry, &path, &stamp)).await {
                Ok(Some(outcome)) => {
                    registry.prepare(|inventory| inventory.holds(folder, &path, outcome)).await;
                    self.loaded(folder, path, stamp);
                }
                Ok(None) => registry.prepare(|inventory| inventory.gone(folder, &path)).await,
                Err(_elapsed) => {
                    tracing::warn!(file = %path.display(), "this plugin is compiled after the start, since it takes too long");
                }
            }
        }
    }

    /// Loads files that changed and are stable; true if a file is still being
    /// written.
    async fn follow(&mut self, registry: &Arc<Registry>) -> bool {
        let Scan { stable, mut changing } = self.scan(registry).await;
        for (folder, path, stamp) in stable {
            registry.change(|inventory| inventory.compiling(folder, &path)).await;
            match load_file(registry, &path, &stamp).await {
                Some(outcome) => {
                    registry.change(|inventory| inventory.holds(folder, &path, outcome)).await;
                    self.loaded(folder, path, stamp);
                }
                None => changing = true,
            }
        }
        changing
    }

    /// Scans every folder. A changed file is stable when it looks as at the last
    /// scan.
    async fn scan(&mut self, registry: &Arc<Registry>) -> Scan {
        let paths = self.paths.clone();
        let seen = tokio::task::spawn_blocking(move || paths.iter().map(|path| scan(path)).collect::<Vec<_>>()).await;
        let mut outcome = Scan { stable: Vec::new(), changing: false };
        for (folder, seen) in seen.into_iter().flatten().enumerate() {
            let Some(files) = self.readable(folder, seen) else { continue };
            let present: BTreeMap<PathBuf, Stamp> = files.into_iter().collect();
            let gone: Vec<PathBuf> = (self.files.keys())
                .filter(|(of, path)| *of == folder && !present.contains_key(path))
                .map(|(_, path)| path.clone())
                .collect();
            for path in gone {
                self.files.remove(&(folder, path.clone()));
                registry.change(|inventory| inventory.gone(folder, &path)).await;
            }
            for (path, stamp) in present {
                self.compare(folder, path, stamp, &mut outcome);
            }
        }
        outcome
    }

    fn compare(&mut self, folder: usize, path: PathBuf, stamp: Stamp, outcome: &mut Scan) {
        let Some(seen) = self.files.get_mut(&(folder, path.clone())) else {
            self.files.insert((folder, path), Seen { last: stamp, loaded: None });
            outcome.changing = true;
            return;
        };
        let is_stable = seen.last == stamp;
        seen.last = stamp.clone();
        if seen.loaded.as_ref() == Some(&stamp) {
            return;
        }
        if is_stable {
            outcome.stable.push((folder, path, stamp));
        } else {
            outcome.changing = true;
        }
    }

    /// Logs once that a folder cannot be read, and keeps its plugins: a disk may be
    /// away for a moment.
    fn readable(
        &mut self,
        folder: usize,
        seen: std::io::Result<Vec<(PathBuf, Stamp)>>,
    ) -> Option<Vec<(PathBuf, Stamp)>> {
        let path = &self.paths[folder];
        match seen {
            Ok(files) => {
                self.unreadable.retain(|unreadable| unreadable != path);
                Some(files)
            }
            Err(error) => {
                if !self.unreadable.contains(path) {
                    tracing::warn!(folder = %path.display(), %error, "a plugin folder cannot be read; its plugins stay");
                    self.unreadable.push(path.clone());
                }
                None
            }
        }
    }

    fn loaded(&mut self, folder: usize, path: PathBuf, stamp: Stamp) {
        if let Some(seen) = self.files.get_mut(&(folder, path)) {
            seen.loaded = Some(stamp);
        }
    }
}

/// Files that a scan found and that were not loaded yet.
struct Scan {
    /// Folder, file, and how it looks.
    stable: Vec<(usize, PathBuf, Stamp)>,
    /// Whether a file looked different at the scan before.
    changing: bool,
}

/// Loads a file; `None` if it changed meanwhile.
async fn load_file(
    registry: &Arc<Registry>,
    path: &Path,
    stamp: &Stamp,
) -> Option<Result<crate::load::Loaded, Box<Rejection>>> {
    let most_bytes = registry.loader.sandboxes.limits().component.of(Measure::Bytes);
    let (file, expected) = (path.to_owned(), stamp.clone());
    let source = ComponentOrigin::File(path.to_owned());
    let content = tokio::task::spawn_blocking(move || read(&file, &expected, most_bytes)).await;
    let content = content.unwrap_or_else(|_| Err("reading it failed".to_owned()));
    match content {
        Ok(Some(content)) => {
            let component_file = RawComponent { source, bytes: content.bytes.into(), signature: content.signature };
            Some(Arc::clone(&registry.loader).load(component_file).await)
        }
        Ok(None) => None,
        Err(reason) => Some(Err(Box::new(Rejection::unread(source, reason)))),
    }
}

async fn run(folders: &Mutex<Folders>, registry: &Weak<Registry>, wakeup: &Notify) {
    let mut changing = false;
    loop {
        if changing {
            // Scans are some time apart, however many notifications come.
            tokio::time::sleep(SETTLE_TIME).await;
        } else {
            // Either is a reason to scan.
            let _ = tokio::time::timeout(SCAN_EVERY, wakeup.notified()).await;
        }
        let Some(registry) = registry.upgrade() else { return };
        match registry.read_decisions().await {
            Ok(true) => registry.select_active().await,
            Ok(false) => {}
            Err(error) => {
                let cause = error.source.as_ref().map(tracing::field::display);
                tracing::warn!(%error, cause, "the decisions about plugins could not be read; trying again");
            }
        }
        changing = folders.lock().await.follow(&registry).await;
    }
}

/// Asks the system for notifications; without them changes are only found later.
fn notifications(folders: &[PathBuf], wakeup: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Scanning causes notifications too.
        let only_read = |event: notify::Event| match event.kind {
            EventKind::Access(kind) => kind != AccessKind::Close(AccessMode::Write),
            _ => false,
        };
        if !event.is_ok_and(only_read) {
            wakeup.notify_one();
        }
    });
    let mut watcher = watcher
        .inspect_err(
            |error| tracing::info!(%error, "no notifications about plugin folders; they are scanned periodically"),
        )
        .ok()?;
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::info!(folder = %folder.display(), %error, "no notifications about this folder; it is scanned periodically");
        }
    }
    Some(watcher)
}

/// Between two scans while a file is changing.
const SETTLE_TIME: Duration = Duration::from_millis(100);
const SCAN_EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;

    use super::*;
    use crate::PluginHostConfig;

    #[tokio::test]
    async fn a_file_that_is_still_being_written_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = PluginHostConfig { folders: vec![folder.path().to_owned()], ..PluginHostConfig::ephemeral() };
        let (host, _) = PluginHost::load(config).await.unwrap();
        let mut folders = host.folders.lock().await;
        let mut writer = File::create(folder.path().join("half.wasm")).unwrap();
        for piece in 0..5 {
            writer.write_all(b"a part of it").unwrap();
            let scan = folders.scan(&host.registry).await;
            assert!(scan.changing && scan.stable.is_empty(), "piece {piece}");
        }
        let scan = folders.scan(&host.registry).await;
        let [(0, path, stamp)] = &scan.stable[..] else { panic!("it is stable") };
        assert!(!scan.changing);

        // What changes between a scan and the reading is not loaded either.
        writer.write_all(b"another part").unwrap();
        assert!(load_file(&host.registry, path, stamp).await.is_none());
        assert!(folders.scan(&host.registry).await.changing);
        assert!(host.statuses().is_empty());

        std::fs::remove_file(path).unwrap();
        assert!(load_file(&host.registry, path, stamp).await.is_none());
    }
}
