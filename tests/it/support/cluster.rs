//! Several brokers over one `PostgreSQL` database.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::Server;
use super::postgres::database;
use super::server::Builder;

/// A database, and the folders of the nodes that share it.
pub(crate) struct Cluster {
    url: String,
    folder: TempDir,
}

impl Cluster {
    /// A new installation with its first node, made of this.
    pub(crate) async fn of(first: Builder) -> (Self, Server) {
        let cluster = Self { url: database().await, folder: tempfile::tempdir().expect("a temporary folder") };
        let first = first.postgres(&cluster.url).data_dir(&cluster.data_dir("first")).start().await;
        (cluster, first)
    }

    /// So many nodes.
    pub(crate) async fn start(count: usize) -> (Self, Vec<Server>) {
        let (cluster, first) = Self::of(Server::builder()).await;
        let mut nodes = vec![first];
        for number in 2..=count {
            nodes.push(cluster.node(&format!("node-{number}"), Server::builder()).start().await);
        }
        (cluster, nodes)
    }

    /// Another node, or the same one again, that has copies of the first one's keys.
    pub(crate) fn node(&self, name: &str, builder: Builder) -> Builder {
        let data_dir = self.data_dir(name);
        if !data_dir.exists() {
            fs::create_dir(&data_dir).expect("a folder in one of ours");
            for file in ["root.key", "operator-token"] {
                fs::copy(self.data_dir("first").join(file), data_dir.join(file)).expect("what nodes share");
            }
        }
        builder.postgres(&self.url).data_dir(&data_dir)
    }

    /// Of the database.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Of a node: the first one is `first`, those that were started with it `node-2` ...
    pub(crate) fn data_dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
