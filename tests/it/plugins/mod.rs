//! Plugin files of a running broker: dropped in, replaced, broken, removed,
//! approved, rolled back, signed. The components are those of the plugin host's
//! own tests, dressed up as a harmless type.

mod decisions;
mod guest;
mod load;
mod nodes;
mod restart;
mod signing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Client, Reply, Server};
use guest::Guest;

/// A broker with a folder of plugins.
struct Live {
    server: Server,
    folder: PathBuf,
    root: Arc<tempfile::TempDir>,
    answers: Arc<Mutex<Vec<Reply>>>,
}

impl Live {
    async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    async fn start_with(
        change: impl FnOnce(crate::support::server::Builder) -> crate::support::server::Builder,
    ) -> Self {
        let root = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let folder = root.path().join("plugins");
        std::fs::create_dir(&folder).expect("a folder");
        let builder = Server::builder().data_dir(&root.path().join("data")).plugins(&folder);
        Self { server: change(builder).start().await, folder, root, answers: Arc::default() }
    }

    fn operator(&self) -> Client {
        self.server.operator().recording(&self.answers)
    }

    /// Puts a file into the folder at once, as an operator should.
    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        put(self.root.path(), &self.folder, name, content)
    }

    /// Waits until the plugin's entries are so.
    async fn until(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        until(&self.operator(), what, is_so).await
    }
}

fn put(root: &Path, folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let (part, file) = (root.join("part"), folder.join(name));
    std::fs::write(&part, content).expect("a file");
    std::fs::rename(part, &file).expect("a file in its place");
    file
}

/// Waits until the entries of the guest's id are so, and prints how long that
/// took.
async fn until(operator: &Client, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let all = operator.all("/v1/plugins").await;
        let own: Vec<Value> = all.into_iter().filter(|entry| entry["id"] == Guest::ID).collect();
        if is_so(&own) {
            println!("{what} after {:?}", start.elapsed());
            return own;
        }
        assert!(start.elapsed() < LIMIT, "not {what}: {own:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// State and version of each entry.
fn states(entries: &[Value]) -> Vec<(&str, &str)> {
    entries.iter().map(|entry| (text(&entry["state"]), text(&entry["version"]))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Far more than any of it takes.
const LIMIT: Duration = Duration::from_mins(2);
