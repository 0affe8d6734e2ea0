//! The chains of several nodes vouch for each other: an attacker who controls the database
//! cannot remove, cut or roll back one unnoticed.

use std::sync::Arc;

use bursar_kernel::audit::{Action, Filter, Outcome, Trail};
use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::engine::postgres::PostgresEngine;
use bursar_store::engine::{Engine, Row, Write};
use bursar_store::{Config, Ledger, RootKeySource, Storage};
use uuid::Uuid;

use crate::support::{Home, Still, event, key, postgres, write};

/// A database with folders for its nodes, and an attacker's access to its rows.
struct Cluster {
    home: Home,
    url: String,
    engine: PostgresEngine,
}

impl Cluster {
    async fn new() -> Self {
        let url = postgres::database();
        let engine = PostgresEngine::connect(&url, 2).await.unwrap();
        Self { home: Home::new(), url, engine }
    }

    fn config(&self, node: Option<&str>) -> Config {
        let node_file = node.map(|name| self.home.path(name));
        Config {
            storage: Storage::Postgres { url: self.url.clone(), max_connections: 3, node_file },
            root_key: RootKeySource::File(self.home.path("root.key")),
            clock: Arc::new(Still),
        }
    }

    async fn create(&self, node: &str) -> Ledger {
        Ledger::create(&self.config(Some(node))).await.unwrap()
    }

    async fn open(&self, node: &str) -> Ledger {
        Ledger::open(&self.config(Some(node))).await.unwrap()
    }

    /// Three nodes with some history, each of which has seen the others.
    async fn three(&self) -> [Ledger; 3] {
        let nodes = [self.create("a").await, self.open("b").await, self.open("c").await];
        for node in &nodes {
            reveals(node, 5).await;
        }
        for node in &nodes {
            assert_eq!(node.anchor().await.unwrap(), Vec::<String>::new());
        }
        let report = nodes[0].verify(None).await.unwrap();
        assert!(report.holds() && report.anchors >= 6, "{report:?}");
        nodes
    }

    async fn rows(&self) -> Vec<Row> {
        self.engine.scan(&[], &[], usize::MAX).await.unwrap()
    }

    /// All rows of `node`'s chain, and the anchors of it and by it.
    async fn rows_of(&self, node: Uuid) -> Vec<Row> {
        let is_of = |row: &Row| row.key[0] >= 0xE3 && row.key.windows(16).any(|part| part == node.as_bytes());
        self.rows().await.into_iter().filter(is_of).collect()
    }

    async fn delete(&self, rows: &[Row]) {
        write(&self.engine, rows.iter().map(|row| Write { key: row.key.clone(), content: None }).collect()).await;
    }

    async fn put(&self, rows: &[Row]) {
        let put = |row: &Row| Write { key: row.key.clone(), content: Some((row.revision, row.value.clone())) };
        write(&self.engine, rows.iter().map(put).collect()).await;
    }

    /// Restores the rows of `node`'s chain to an earlier state.
    async fn roll_back(&self, node: Uuid, before: &[Row]) {
        let now = self.rows_of(node).await;
        self.delete(&now).await;
        self.put(before).await;
    }
}

async fn reveals(node: &Ledger, count: u32) {
    for n in 0..count {
        node.commit(Batch::default().event(event(&format!("reader {n}")))).await.unwrap();
    }
}

/// The error of a commit that the node refuses.
async fn refusal(node: &Ledger) -> String {
    let error = node.commit(Batch::default().event(event("dave"))).await.unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    source.unwrap_or_else(|| error.to_string())
}

async fn problems(node: &Ledger) -> Vec<String> {
    node.verify(None).await.unwrap().problems
}

fn names(problems: &[String], parts: &[&str]) -> bool {
    problems.iter().any(|problem| parts.iter().all(|part| problem.contains(part)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_taken_away_while_its_node_is_stopped_is_named_and_not_begun_anew() {
    let cluster = Cluster::new().await;
    let [a, b, c] = cluster.three().await;
    let gone = b.node();
    b.close().await;
    cluster.delete(&cluster.rows_of(gone).await).await;
    let name = gone.to_string();
    for node in [&a, &c] {
        assert!(names(&problems(node).await, &[&name, "is gone"]), "{name}");
    }
    // Nothing of it is left in the database, but the running nodes remember it.
    let broken = a.anchor().await.unwrap();
    assert!(broken.len() == 1 && names(&broken, &[&name, "is gone"]), "{broken:?}");
    assert_eq!(a.anchor().await.unwrap(), broken);
    let recorded = Filter { action: Some("audit.anchor".to_owned()), ..Filter::default() };
    let (entries, _) = a.list(&recorded, None, 100).await.unwrap();
    let recorded: Vec<_> = entries.iter().filter(|entry| entry.event.outcome == Outcome::Failed).collect();
    assert_eq!(recorded.len(), 1, "recorded once, however often it is seen");
    assert_eq!(recorded[0].event.action, Action::AuditAnchor);

    let b = cluster.open("b").await;
    assert_eq!(b.node(), gone);
    for _ in 0..2 {
        let said = refusal(&b).await;
        assert!(said.contains(&name) && said.contains("is gone"), "{said}");
    }
    assert!(b.anchor().await.is_err());
    assert!(cluster.rows_of(gone).await.iter().all(|row| row.key[0] != 0xE5), "no head was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_taken_away_under_a_running_node_stops_its_commits() {
    let cluster = Cluster::new().await;
    let [a, b, _c] = cluster.three().await;
    let name = b.node().to_string();
    cluster.delete(&cluster.rows_of(b.node()).await).await;
    for _ in 0..2 {
        // A failure must not make the node forget its chain.
        let said = refusal(&b).await;
        assert!(said.contains(&name) && said.contains("is gone"), "{said}");
    }
    let ready = b.commit(Batch::default()).await;
    assert!(ready.is_err(), "a batch of nothing is what readiness asks for");
    assert!(b.get(&key("a")).await.unwrap().is_none(), "it can still be read");
    assert!(names(&problems(&a).await, &[&name, "is gone"]));
    reveals(&a, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_node_misses_its_chain_too() {
    let cluster = Cluster::new().await;
    let only = cluster.create("a").await;
    reveals(&only, 3).await;
    let id = only.node();
    only.close().await;
    cluster.delete(&cluster.rows_of(id).await).await;
    let only = cluster.open("a").await;
    let said = refusal(&only).await;
    assert!(said.contains(&id.to_string()) && said.contains("is gone"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_head_stops_a_running_node_and_one_that_starts() {
    let cluster = Cluster::new().await;
    let [a, b, c] = cluster.three().await;
    let before = cluster.rows_of(b.node()).await;
    reveals(&b, 4).await;
    for node in [&a, &c] {
        node.anchor().await.unwrap();
    }
    let name = b.node().to_string();
    // The newest records and the head, so that the rest is consistent in itself.
    cluster.roll_back(b.node(), &before).await;
    let said = refusal(&b).await;
    assert!(said.contains(&name) && said.contains("it was seen at"), "{said}");
    assert!(names(&problems(&a).await, &[&name, "was cut"]));
    assert!(names(&a.anchor().await.unwrap(), &[&name, "it was seen at"]));

    // Its own machine remembers it, and otherwise the other nodes do.
    b.close().await;
    let again = cluster.open("b").await;
    assert!(refusal(&again).await.contains("it was seen at"));
    again.close().await;
    std::fs::remove_file(cluster.home.path("b.head")).unwrap();
    // The anchors in the other chains were rolled back too; a new record restores them.
    reveals(&c, 1).await;
    assert!(names(&problems(&c).await, &[&name, "was cut"]), "whatever the node itself knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_vouch_for_a_node_whose_machine_forgot() {
    let cluster = Cluster::new().await;
    let [a, b, _c] = cluster.three().await;
    let before: Vec<Row> = cluster.rows_of(b.node()).await.into_iter().filter(|row| row.key[0] < 0xE7).collect();
    reveals(&b, 4).await;
    a.anchor().await.unwrap();
    b.close().await;
    std::fs::remove_file(cluster.home.path("b.head")).unwrap();
    let now: Vec<Row> = cluster.rows_of(b.node()).await.into_iter().filter(|row| row.key[0] < 0xE7).collect();
    cluster.delete(&now).await;
    cluster.put(&before).await;
    let b = cluster.open("b").await;
    assert!(refusal(&b).await.contains("it was seen at"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_chain_is_enough_to_miss_the_others() {
    let cluster = Cluster::new().await;
    let [a, b, c] = cluster.three().await;
    for gone in [a.node(), b.node()] {
        cluster.delete(&cluster.rows_of(gone).await).await;
    }
    let found = problems(&c).await;
    for gone in [a.node(), b.node()] {
        assert!(names(&found, &[&gone.to_string(), "is gone"]), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_cannot_be_taken_away_either() {
    let cluster = Cluster::new().await;
    let [a, b, _c] = cluster.three().await;
    let anchors: Vec<Row> = cluster.rows().await.into_iter().filter(|row| row.key[0] == 0xE7).collect();
    assert!(anchors.len() >= 6);
    for row in &anchors {
        cluster.delete(std::slice::from_ref(row)).await;
        let found = problems(&a).await;
        assert!(found.len() == 1 && names(&found, &[&hex::encode(&row.key), "missing"]), "{found:?}");
        cluster.put(std::slice::from_ref(row)).await;
    }
    // Removing the record that vouches leaves a gap in its chain.
    let recorded = Filter { action: Some("audit.anchor".to_owned()), ..Filter::default() };
    let (entries, _) = a.list(&recorded, None, 100).await.unwrap();
    let of_a = entries.iter().find(|entry| entry.id.starts_with(&a.node().to_string())).unwrap();
    let place = cluster
        .rows_of(a.node())
        .await
        .into_iter()
        .find(|row| row.key[0] == 0xE3 && row.key.ends_with(&(!of_a.seq).to_be_bytes()));
    cluster.delete(&[place.unwrap()]).await;
    assert!(names(&problems(&b).await, &[&of_a.id, "missing"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_is_recorded_at_once_and_ended_nodes_raise_no_alarm() {
    let cluster = Cluster::new().await;
    let first = cluster.create("a").await;
    let mut ended = Vec::new();
    for _ in 0..8 {
        // Without a file for its id, a node is new at each start.
        let node = Ledger::open(&cluster.config(None)).await.unwrap();
        reveals(&node, 2).await;
        node.anchor().await.unwrap();
        node.close().await;
        ended.push(node.node());
    }
    assert_eq!(first.anchor().await.unwrap(), Vec::<String>::new());
    assert_eq!(problems(&first).await, Vec::<String>::new());
    // The anchors of chains that have ended do not grow with each start.
    let rows = cluster.rows().await;
    for node in &ended[..4] {
        let said = rows.iter().filter(|row| row.key[0] == 0xE7 && row.key[1..17] == *node.as_bytes()).count();
        assert!((1..=5).contains(&said), "{said}");
    }
    let newborn = Ledger::open(&cluster.config(None)).await.unwrap();
    cluster.delete(&cluster.rows_of(newborn.node()).await).await;
    assert!(names(&problems(&first).await, &[&newborn.node().to_string(), "is gone"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_anchor_and_write_at_once_do_not_disturb_each_other() {
    let cluster = Cluster::new().await;
    let nodes = cluster.three().await;
    let work = nodes.iter().enumerate().map(|(n, node)| async move {
        for round in 0..20_u32 {
            let put = key(format!("{n}-{round}"));
            node.commit(Batch::default().put(put, Expect::Absent, b"1".to_vec()).event(event("w"))).await.unwrap();
            node.anchor().await.unwrap();
        }
    });
    let births = async {
        for _ in 0..5 {
            Ledger::open(&cluster.config(None)).await.unwrap().close().await;
        }
    };
    futures::join!(futures::future::join_all(work), births);
    let report = nodes[2].verify(None).await.unwrap();
    assert!(report.holds() && report.anchors > 60, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_holds_the_other_chains() {
    let cluster = Cluster::new().await;
    let [a, b, c] = cluster.three().await;
    reveals(&b, 3).await;
    let trusted = a.checkpoint().await.unwrap();
    assert!(c.verify(Some(&trusted)).await.unwrap().holds());
    let seen = a.verify(None).await.unwrap();
    cluster.delete(&cluster.rows_of(b.node()).await).await;
    let found = c.verify(Some(&trusted)).await.unwrap().problems;
    assert!(names(&found, &[&b.node().to_string(), "is gone"]), "{found:?} {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_of_before_are_anchored_at_the_next_start() {
    let cluster = Cluster::new().await;
    let [a, b, c] = cluster.three().await;
    for node in [&a, &b, &c] {
        node.close().await;
    }
    // A node of a version without saved checkpoints has only its id.
    std::fs::remove_file(cluster.home.path("b.head")).unwrap();
    let b = cluster.open("b").await;
    reveals(&b, 1).await;
    b.anchor().await.unwrap();
    assert!(cluster.home.path("b.head").exists());
    assert_eq!(problems(&b).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_beside_the_id_is_a_witness() {
    let cluster = Cluster::new().await;
    let a = cluster.create("a").await;
    reveals(&a, 2).await;
    a.close().await;
    let saved = std::fs::read(cluster.home.path("a.head")).unwrap();
    let trusted = serde_json::from_slice(&saved).unwrap();
    assert!(bursar_store::is_signed(&trusted));
    let a = cluster.open("a").await;
    let report = a.verify(Some(&trusted)).await.unwrap();
    assert!(report.holds() && report.checkpoints == 1, "{report:?}");
}
