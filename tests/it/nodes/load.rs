//! Clients of some nodes, none of whose requests may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::account::unique;
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Server};

/// Reveals, reads and writes at some nodes, each of which must succeed.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    running: JoinSet<()>,
}

impl Load {
    pub(super) fn start(nodes: &[&Server], account: &Account) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut running = JoinSet::new();
        for server in nodes {
            for _ in 0..2 {
                let client = server.with_token(account.operator.token()).within(&account.name);
                let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
                running.spawn(async move {
                    let mut number = 0;
                    while !stop.load(Ordering::Relaxed) {
                        client.post("credentials/hot/reveal", json!({})).await.expect(200);
                        client.get("credentials/hot").await.expect(200);
                        let name = unique("c");
                        client.post("credentials", basic(&name)).await.expect(201);
                        let patch = json!({ "data": { "password": format!("p{number}") } });
                        client.patch(&format!("credentials/{name}"), patch).await.expect(200);
                        number += 1;
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        Self { stop, done, running }
    }

    /// Waits until each has gone through it some more.
    pub(super) async fn goes_on(&self) {
        let before = self.done.load(Ordering::Relaxed);
        let more = async || self.done.load(Ordering::Relaxed) > before + 12;
        assert!(eventually(Duration::from_mins(1), more).await, "the load stands still");
    }

    pub(super) async fn ends(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            ended.expect("every request succeeded");
        }
    }
}
