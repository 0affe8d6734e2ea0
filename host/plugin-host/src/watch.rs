//! Watching the operator's folders. The system's notices are a hint that makes
//! it quick; a look every two seconds is what it rests on, since network and
//! overlay file systems forget to notify.

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
use crate::folder::{Stamp, look, read};
use crate::load::{ComponentOrigin, RawComponent, Rejection};
use crate::registry::Registry;
use crate::{Error, PluginHost};

/// Ends the watching when it is dropped.
#[derive(Debug)]
pub struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PluginHost {
    /// Goes on looking at the folders, and at what operators decide on other
    /// nodes, until the answer is dropped.
    #[must_use]
    pub fn watch(&self) -> Watching {
        let (folders, registry) = (Arc::clone(&self.folders), Arc::downgrade(&self.registry));
        Watching(tokio::spawn(async move {
            let hint = Arc::new(Notify::new());
            let _watcher = hints(&folders.lock().await.paths, Arc::clone(&hint));
            run(&folders, &registry, &hint).await;
        }))
    }
}

/// The folders and what was seen in them.
pub(crate) struct Folders {
    paths: Vec<PathBuf>,
    files: BTreeMap<(usize, PathBuf), Seen>,
    /// Folders that could not be read at the last look.
    unreadable: Vec<PathBuf>,
}

struct Seen {
    /// At the last look.
    last: Stamp,
    /// When its content was taken in.
    taken: Option<Stamp>,
}

impl Folders {
    /// Takes a first look.
    ///
    /// # Errors
    ///
    /// [`Error::Folder`] when one of them cannot be read.
    pub(crate) fn open(paths: Vec<PathBuf>) -> Result<Self, Error> {
        for path in &paths {
            look(path).map_err(|source| Error::Folder { path: path.clone(), source })?;
        }
        Ok(Self { paths, files: BTreeMap::new(), unreadable: Vec::new() })
    }

    /// Takes in everything that is there now, decisions being made afterwards.
    /// What is not done after `wait` is left to [`PluginHost::watch`], since one
    /// file must not keep all the others waiting.
    pub(crate) async fn load(&mut self, registry: &Arc<Registry>, wait: Duration) {
        self.look(registry).await;
        if self.files.is_empty() {
            return;
        }
        tokio::time::sleep(SETTLE).await;
        let deadline = Instant::now() + wait;
        for (folder, path, stamp) in self.look(registry).await.still {
            registry.prepare(|inventory| inventory.compiling(folder, &path)).await;
            match timeout_at(deadline, take_in(registry, &path, &stamp)).await {
                Ok(Some(outcome)) => {
                    registry.prepare(|inventory| inventory.holds(folder, &path, outcome)).await;
                    self.taken(folder, path, stamp);
                }
                Ok(None) => registry.prepare(|inventory| inventory.gone(folder, &path)).await,
                Err(_elapsed) => {
                    tracing::warn!(file = %path.display(), "this plugin is compiled after the start, which would take too long");
                }
            }
        }
    }

    /// Takes in what has changed and lies still. Answers whether something is
    /// still being written.
    async fn follow(&mut self, registry: &Arc<Registry>) -> bool {
        let Look { still, mut moving } = self.look(registry).await;
        for (folder, path, stamp) in still {
            registry.change(|inventory| inventory.compiling(folder, &path)).await;
            match take_in(registry, &path, &stamp).await {
                Some(outcome) => {
                    registry.change(|inventory| inventory.holds(folder, &path, outcome)).await;
                    self.taken(folder, path, stamp);
                }
                None => moving = true,
            }
        }
        moving
    }

    /// Looks at every folder. A file that looks as it did at the last look, and
    /// otherwise than when it was taken in, lies still.
    async fn look(&mut self, registry: &Arc<Registry>) -> Look {
        let paths = self.paths.clone();
        let seen = tokio::task::spawn_blocking(move || paths.iter().map(|path| look(path)).collect::<Vec<_>>()).await;
        let mut outcome = Look { still: Vec::new(), moving: false };
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

    fn compare(&mut self, folder: usize, path: PathBuf, stamp: Stamp, outcome: &mut Look) {
        let Some(seen) = self.files.get_mut(&(folder, path.clone())) else {
            self.files.insert((folder, path), Seen { last: stamp, taken: None });
            outcome.moving = true;
            return;
        };
        let is_still = seen.last == stamp;
        seen.last = stamp.clone();
        if seen.taken.as_ref() == Some(&stamp) {
            return;
        }
        if is_still {
            outcome.still.push((folder, path, stamp));
        } else {
            outcome.moving = true;
        }
    }

    /// A folder that cannot be read is told of once. What it held stays as it
    /// is: it may be a disk that is away for a moment.
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
                    tracing::warn!(folder = %path.display(), %error, "a plugin folder cannot be read; what it held stays");
                    self.unreadable.push(path.clone());
                }
                None
            }
        }
    }

    fn taken(&mut self, folder: usize, path: PathBuf, stamp: Stamp) {
        if let Some(seen) = self.files.get_mut(&(folder, path)) {
            seen.taken = Some(stamp);
        }
    }
}

/// What a look found that was not taken in yet.
struct Look {
    /// Folder, file, and how it looks.
    still: Vec<(usize, PathBuf, Stamp)>,
    /// Whether something looked otherwise at the look before.
    moving: bool,
}

/// What a file holds; `None` where it changed meanwhile.
async fn take_in(
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

async fn run(folders: &Mutex<Folders>, registry: &Weak<Registry>, hint: &Notify) {
    let mut moving = false;
    loop {
        if moving {
            // However many hints come: two looks are some time apart.
            tokio::time::sleep(SETTLE).await;
        } else {
            // Either is a reason to look.
            let _ = tokio::time::timeout(LOOK_EVERY, hint.notified()).await;
        }
        let Some(registry) = registry.upgrade() else { return };
        match registry.read_decisions().await {
            Ok(true) => registry.select_active().await,
            Ok(false) => {}
            Err(error) => {
                let cause = error.source.as_ref().map(tracing::field::display);
                tracing::warn!(%error, cause, "what was decided about plugins could not be read; trying again");
            }
        }
        moving = folders.lock().await.follow(&registry).await;
    }
}

/// Asks the system for notices; without them everything only takes longer.
fn hints(folders: &[PathBuf], hint: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Looking makes notices of its own.
        let only_read = |event: notify::Event| match event.kind {
            EventKind::Access(kind) => kind != AccessKind::Close(AccessMode::Write),
            _ => false,
        };
        if !event.is_ok_and(only_read) {
            hint.notify_one();
        }
    });
    let mut watcher = watcher.inspect_err(|error| tracing::info!(%error, "folders are looked at by the clock")).ok()?;
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::info!(folder = %folder.display(), %error, "this folder is looked at by the clock");
        }
    }
    Some(watcher)
}

/// Between two looks at a file that has changed.
const SETTLE: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_secs(2);

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
            let look = folders.look(&host.registry).await;
            assert!(look.moving && look.still.is_empty(), "piece {piece}");
        }
        let look = folders.look(&host.registry).await;
        let [(0, path, stamp)] = &look.still[..] else { panic!("it lies still") };
        assert!(!look.moving);

        // What changes between a look and the reading is not taken in either.
        writer.write_all(b"another part").unwrap();
        assert!(take_in(&host.registry, path, stamp).await.is_none());
        assert!(folders.look(&host.registry).await.moving);
        assert!(host.statuses().is_empty());

        std::fs::remove_file(path).unwrap();
        assert!(take_in(&host.registry, path, stamp).await.is_none());
    }
}
