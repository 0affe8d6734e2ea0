//! What is made to suffer: a database, three brokers, each behind a proxy of its own,
//! and a receiver.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::nodes::faketime;
use crate::support::fault_proxy::{FaultProxy, Mode};
use crate::support::postgres::Postgres;
use crate::support::receiver::Receiver;
use crate::support::server::{Builder, eventually};
use crate::support::{Client, Server};

pub(super) struct Site {
    pub(super) postgres: Postgres,
    pub(super) receiver: Receiver,
    nodes: Vec<Node>,
    folder: TempDir,
}

struct Node {
    proxy: FaultProxy,
    /// As it runs now.
    server: Mutex<Server>,
}

impl Site {
    pub(super) async fn start() -> Self {
        let postgres = Postgres::start(&["fsync=off"]).await;
        postgres.sql("postgres", "CREATE DATABASE bursar").output();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut site = Self { postgres, receiver: Receiver::start(KEY).await, nodes: Vec::new(), folder };
        for number in 0..NODES {
            let proxy = FaultProxy::start(([127, 0, 0, 1], site.postgres.port()).into()).await;
            std::fs::create_dir(site.data_dir(number)).expect("a folder in one of ours");
            std::fs::write(site.clock(number), "+0").expect("a clock's file");
            if number > 0 {
                let token = std::fs::read(site.data_dir(0).join("operator-token")).expect("the first one's token");
                std::fs::write(site.data_dir(number).join("operator-token"), token).expect("a token's file");
            }
            let server = site.builder(number, &proxy).start().await;
            site.nodes.push(Node { proxy, server: Mutex::new(server) });
        }
        site
    }

    /// How a node is started: all find the root key in one file, as in a mounted
    /// secret.
    fn builder(&self, node: usize, proxy: &FaultProxy) -> Builder {
        faketime(&self.clock(node))
            .postgres(&format!("postgres://bursar@{}/bursar", proxy.address()))
            .data_dir(&self.data_dir(node))
            .env("BURSAR_STORAGE__ROOT_KEY__PATH", self.folder.path().join("root.key"))
            .env("BURSAR_STORAGE__MAX_CONNECTIONS", "8")
            .env("BURSAR_LOG__LEVEL", "warn")
    }

    pub(super) fn server(&self, node: usize) -> Server {
        self.nodes[node].server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn proxy(&self, node: usize) -> &FaultProxy {
        &self.nodes[node].proxy
    }

    /// How far off a node's time is.
    pub(super) fn clock(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("clock-{node}"))
    }

    /// The operator's client of a node, for an account.
    pub(super) fn client(&self, node: usize, account: &str) -> Client {
        self.server(node).operator().within(account)
    }

    /// Starts a node anew that is not there any more.
    pub(super) async fn restart(&self, node: usize) {
        let server = self.builder(node, self.proxy(node)).start().await;
        *self.nodes[node].server.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }

    /// Everything is well again, and says so.
    pub(super) async fn heal(&self) {
        self.receiver.heal();
        for node in 0..NODES {
            self.proxy(node).set(Mode::Pass);
            std::fs::write(self.clock(node), "+0").expect("a clock's file");
            let server = self.server(node);
            let ready = async || server.anonymous().get("/readyz").await.status == 200;
            assert!(eventually(Duration::from_mins(1), ready).await, "node {node}:\n{}", server.log());
        }
    }

    /// The chain of each node holds.
    pub(super) async fn assert_verifies(&self) {
        let report = self.server(0).operator().act("/v1/audit/verify").await.expect(200);
        assert_eq!(report["problems"], json!([]));
    }

    /// A region that leads to the receiver, by its name.
    pub(super) async fn region(&self) -> String {
        let body = json!({ "name": "receiver", "target": "webhook", "settings": self.receiver.settings() });
        let made: Value = self.server(0).operator().post("/v1/regions", body).await.expect(201);
        made["name"].as_str().expect("a name").to_owned()
    }

    fn data_dir(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}"))
    }
}

pub(super) const NODES: usize = 3;
const KEY: &str = "the-key-signaturesignaturesignature";
