//! Plugin files while the host runs: dropped, replaced, broken, removed; what
//! waits for an operator, and what survives a start.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approval;
mod folder;
mod rollback;
mod signature;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bursar_kernel::plugin::{Decision, Decisions, Grant, PluginStatus, Plugins as _, State};
use bursar_plugin_host::{PluginEvent, PluginHost, PluginHostConfig, Watching};
use tempfile::TempDir;

use crate::support::{Guest, config};

/// A folder that is watched, and what operators decided.
struct Live {
    host: Arc<PluginHost>,
    started: Vec<PluginEvent>,
    book: Arc<Book>,
    place: Place,
    _watching: Watching,
}

/// What outlives a host.
#[derive(Clone)]
struct Place(Arc<TempDir>);

/// What operators decided, as the store would hold it.
#[derive(Default)]
struct Book(Mutex<Vec<Decision>>);

#[async_trait]
impl Decisions for Book {
    async fn all(&self) -> Result<Vec<Decision>, bursar_kernel::Error> {
        Ok(self.0.lock().unwrap().clone())
    }
}

impl Place {
    fn new() -> Self {
        let place = Self(Arc::new(tempfile::tempdir().unwrap()));
        std::fs::create_dir(place.folder()).unwrap();
        place
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("plugins")
    }

    fn archive(&self) -> PathBuf {
        self.0.path().join("archive")
    }

    /// Puts a file there at once, as an operator should.
    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let (part, file) = (self.0.path().join("part"), self.folder().join(name));
        std::fs::write(&part, content).unwrap();
        std::fs::rename(part, &file).unwrap();
        file
    }
}

impl Live {
    async fn start(place: &Place, change: impl FnOnce(&mut PluginHostConfig)) -> Self {
        Self::start_with(place, Arc::default(), change).await
    }

    async fn start_with(place: &Place, book: Arc<Book>, change: impl FnOnce(&mut PluginHostConfig)) -> Self {
        let mut config = PluginHostConfig {
            folders: vec![place.folder()],
            archive_dir: Some(place.archive()),
            decisions: Arc::clone(&book) as Arc<dyn Decisions>,
            ..config()
        };
        change(&mut config);
        let (host, started) = PluginHost::load(config).await.expect("the host starts");
        let watching = host.watch();
        Self { host: Arc::new(host), started, book, place: place.clone(), _watching: watching }
    }

    /// The next start at the same place.
    async fn again(self, change: impl FnOnce(&mut PluginHostConfig)) -> Self {
        let (place, book) = (self.place.clone(), Arc::clone(&self.book));
        drop(self);
        Self::start_with(&place, book, change).await
    }

    async fn empty() -> Self {
        Self::start(&Place::new(), |_| {}).await
    }

    fn put(&self, name: &str, guest: &Guest) -> PathBuf {
        self.place.put(name, &guest.bytes())
    }

    /// Waits until the entries are in these states, in the order of the list.
    #[track_caller]
    fn until(&self, wanted: &'static [(&'static str, &'static str, State)]) -> impl Future<Output = Vec<PluginStatus>> {
        let host = Arc::clone(&self.host);
        let place = std::panic::Location::caller();
        async move {
            let start = Instant::now();
            loop {
                let all = host.status();
                let told: Vec<_> =
                    all.iter().map(|status| (status.id.as_str(), status.version.as_str(), status.state)).collect();
                if told == wanted {
                    println!("{place}: so after {:?}", start.elapsed());
                    return all;
                }
                assert!(start.elapsed() < LIMIT, "{place}: {all:#?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Waits until some entry's reason says so.
    async fn until_told(&self, what: &str) {
        let start = Instant::now();
        loop {
            let all = self.host.status();
            if all.iter().any(|status| status.reason.as_deref().is_some_and(|reason| reason.contains(what))) {
                return;
            }
            assert!(start.elapsed() < LIMIT, "{what}: {all:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Changes what is decided and lets the host act on it.
    async fn decide(&self, id: &str, change: impl FnOnce(&mut Decision)) {
        {
            let mut book = self.book.0.lock().unwrap();
            let at = book.iter().position(|decision| decision.plugin == id).unwrap_or_else(|| {
                book.push(Decision { plugin: id.to_owned(), ..Decision::default() });
                book.len() - 1
            });
            change(&mut book[at]);
        }
        self.host.decided().await;
    }

    /// Grants what an entry asks for.
    async fn approve(&self, entry: &PluginStatus) {
        let grant = grant(entry);
        self.decide(&entry.id, |decision| {
            *decision = Decision { grant: Some(grant), plugin: entry.id.clone(), ..Decision::default() }
        })
        .await;
    }

    /// The events since the start that were not looked at yet.
    fn news(&self) -> Vec<PluginEvent> {
        self.host.pending_events()
    }
}

fn grant(entry: &PluginStatus) -> Grant {
    Grant {
        permissions: entry.permissions.clone(),
        digest: entry.digest.clone(),
        by: "operator:test".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// A guest that asks to reach these hosts.
fn asking(version: &str, hosts: &[&str]) -> Guest {
    let mut guest = Guest::new().version(version);
    let wishes = hosts.iter().map(|host| serde_json::json!({"host": host, "reason": "It lives there."}));
    guest.manifest["hosts"] = wishes.collect();
    guest
}

fn remove(file: &Path) {
    std::fs::remove_file(file).unwrap();
}

/// Far more than any of it takes.
const LIMIT: Duration = Duration::from_mins(1);
