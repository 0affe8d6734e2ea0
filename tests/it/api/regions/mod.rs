//! Regions: those of the installation, those an account uses, and what is told
//! of both. `crate::regions` looks at what the targets hold through every fault;
//! here it is a directory.

mod access;
mod attach;
mod audience;
mod ensure;
mod events;
mod manage;
mod metrics;
mod plan;
mod pushed;
mod stream;
mod sync;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::account::unique;
use crate::support::server::eventually;
use crate::support::{Account, Server};

/// An account, and a region that is a directory of its own.
struct World {
    account: Account,
    region: String,
    folder: tempfile::TempDir,
}

impl World {
    /// The account does not use the region yet.
    async fn new() -> Self {
        Self::on(&Server::shared().await).await
    }

    async fn on(server: &Server) -> Self {
        let account = Account::on(server).await;
        // With the data, so that what is put there late is not left elsewhere.
        let folder = tempfile::tempdir_in(server.data_dir()).expect("a temporary folder");
        let region = unique("r");
        account.operator.post("/v1/regions", directory(&region, &folder)).await.expect(201);
        Self { account, region, folder }
    }

    /// The account uses the region.
    async fn attached() -> Self {
        let world = Self::new().await;
        world.attach(json!({})).await;
        world
    }

    async fn attach(&self, body: Value) -> Value {
        self.account.manager.put(&self.used(), body).await.expect(200)
    }

    /// The path of the account's use of the region.
    fn used(&self) -> String {
        format!("regions/{}", self.region)
    }

    /// An operator's act on the region.
    async fn order(&self, what: &str) {
        self.account.operator.act(&format!("/v1/regions/{}/{what}", self.region)).await.expect(200);
    }

    fn file(&self, credential: &str, artifact: &str) -> PathBuf {
        self.folder.path().join(&self.account.name).join(credential).join(artifact)
    }

    /// Puts something there that is not the broker's.
    fn plant(&self, credential: &str) -> PathBuf {
        let theirs = self.file(credential, "theirs");
        fs::create_dir_all(theirs.parent().expect("a folder")).expect("a folder");
        fs::write(&theirs, "theirs").expect("a file");
        theirs
    }

    /// The credential's row for the region.
    async fn row(&self, credential: &str) -> Value {
        let shown = self.account.manager.get(&format!("credentials/{credential}")).await.expect(200);
        let rows = shown["sync"].as_array().expect("a list");
        rows.iter().find(|row| row["region"] == self.region.as_str()).cloned().unwrap_or_default()
    }

    /// Waits until the credential stands so in the region, and answers its row.
    async fn until(&self, credential: &str, state: &str) -> Value {
        let mut row = Value::Null;
        let reached = eventually(PATIENCE, async || {
            row = self.row(credential).await;
            row["state"] == state
        });
        assert!(reached.await, "{credential} is to be {state}: {row}");
        row
    }

    /// Inode and time of change of everything in the region, by path.
    fn stamps(&self) -> Vec<(PathBuf, u64, i64, i64)> {
        let mut folders = vec![self.folder.path().join(&self.account.name)];
        let mut stamps = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let of = entry.metadata().expect("it is there");
                stamps.push((entry.path(), of.ino(), of.mtime(), of.mtime_nsec()));
                if of.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        stamps.sort();
        stamps
    }
}

/// The body of a region that is this folder.
fn directory(name: &str, folder: &tempfile::TempDir) -> Value {
    json!({ "name": name, "target": "directory", "settings": { "path": folder.path() } })
}

/// Generous: other tests run beside this.
const PATIENCE: Duration = Duration::from_mins(1);
