//! An attacker who can write the database is detected: every kind of change behind the
//! store's back is found and named.

use std::sync::Arc;

use bursar_kernel::audit::{Checkpoint, Trail};
use bursar_kernel::store::{Batch, Expect, Store, StoreError};
use bursar_store::Ledger;
use bursar_store::engine::redb::RedbEngine;
use bursar_store::engine::{Engine, Row, Write};

use crate::support::{CACHE_BYTES, Home, Still, account, account_key, event, key, write};

/// A store with some history, and its engine in the hands of an attacker.
struct Victim {
    home: Home,
    engine: Arc<RedbEngine>,
    ledger: Ledger,
}

impl Victim {
    async fn new() -> Self {
        let home = Home::new();
        let engine = Arc::new(RedbEngine::create(&home.path("bursar.redb"), CACHE_BYTES).unwrap());
        let shared: Arc<dyn Engine> = Arc::clone(&engine) as _;
        let ledger = Ledger::create_on(shared, None, &home.root_key(), Arc::new(Still)).await.unwrap();
        let commit = async |batch: Batch| ledger.commit(batch).await.unwrap();
        commit(Batch::default().put(key("a"), Expect::Absent, b"1".to_vec()).event(event("alice"))).await;
        commit(Batch::default().put(key("a"), Expect::Any, b"2".to_vec())).await;
        commit(Batch::default().put(key("b"), Expect::Absent, b"3".to_vec()).event(event("bob"))).await;
        let batch = Batch::default()
            .put(account_key(0x11, "c"), Expect::Absent, b"public".to_vec())
            .put(account_key(0x18, "c"), Expect::Absent, b"secret".to_vec())
            .put(account_key(0x18, "d"), Expect::Absent, b"other".to_vec());
        commit(batch.event(event("carol"))).await;
        commit(Batch::default().put(key("gone"), Expect::Absent, b"4".to_vec())).await;
        commit(Batch::default().delete(key("gone"), Expect::Any)).await;
        // Past the first stored checkpoint.
        commit((0..1000).fold(Batch::default(), |batch, n| batch.event(event(&format!("reader {n}"))))).await;
        let victim = Self { home, engine, ledger };
        assert_eq!(victim.problems().await, Vec::<String>::new());
        victim
    }

    async fn problems(&self) -> Vec<String> {
        self.ledger.verify(None).await.unwrap().problems
    }

    async fn rows(&self, prefix: &[u8]) -> Vec<Row> {
        self.engine.scan(prefix, &[], usize::MAX).await.unwrap()
    }

    async fn live(&self) -> Vec<Row> {
        self.rows(&[]).await.into_iter().filter(|row| !(0xE3..=0xE6).contains(&row.key[0])).collect()
    }

    async fn row(&self, key: &[u8]) -> Row {
        self.rows(key).await.remove(0)
    }

    async fn write(&self, writes: Vec<Write>) {
        write(&*self.engine, writes).await;
    }

    /// Makes `change`, returns the problems that verification finds, and undoes it.
    async fn found(&self, change: Vec<Write>) -> Vec<String> {
        let mut undo = Vec::new();
        for Write { key, .. } in &change {
            let before = self.engine.get_many(std::slice::from_ref(key)).await.unwrap().remove(0);
            undo.push(Write { key: key.clone(), content: before.map(|row| (row.revision, row.value)) });
        }
        self.write(change).await;
        let problems = self.problems().await;
        self.write(undo).await;
        problems
    }
}

fn put(key: &[u8], row: &Row) -> Write {
    Write { key: key.to_vec(), content: Some((row.revision, row.value.clone())) }
}

fn delete(key: &[u8]) -> Write {
    Write { key: key.to_vec(), content: None }
}

fn flipped(row: &Row) -> Write {
    let mut row = row.clone();
    let middle = row.value.len() / 2;
    row.value[middle] ^= 1;
    put(&row.key, &row)
}

fn names(problems: &[String], needle: &str) -> bool {
    problems.iter().any(|problem| problem.contains(needle))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_or_a_missing_row_is_named_whichever_it_is() {
    let victim = Victim::new().await;
    let live = victim.live().await;
    assert!(live.len() >= 14, "{}", live.len());
    for row in &live {
        let name = hex::encode(&row.key);
        let problems = victim.found(vec![flipped(row)]).await;
        assert!(problems.len() == 1 && names(&problems, &name) && names(&problems, "altered"), "{problems:?}");
        let problems = victim.found(vec![delete(&row.key)]).await;
        assert!(problems.len() == 1 && names(&problems, &name) && names(&problems, "missing"), "{problems:?}");
        let newer = Row { revision: row.revision + 1, ..row.clone() };
        let problems = victim.found(vec![put(&row.key, &newer)]).await;
        assert!(problems.len() == 1 && names(&problems, &name), "{problems:?}");
    }
    assert!(victim.problems().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_values_do_not_open() {
    let victim = Victim::new().await;
    for place in [key("a"), account_key(0x11, "c"), account_key(0x18, "c")] {
        let row = victim.row(&place).await;
        victim.write(vec![flipped(&row)]).await;
        let name = hex::encode(&place);
        let error = victim.ledger.get(&place).await.err().unwrap();
        assert!(matches!(&error, StoreError::Unsealable { key_hex } if *key_hex == name), "{error:?}");
        let error = victim.ledger.scan(&place, b"", 9).await.err().unwrap();
        assert!(matches!(error, StoreError::Unsealable { .. }), "{error:?}");
        victim.write(vec![put(&place, &row)]).await;
        assert!(victim.ledger.get(&place).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_values_are_named_and_do_not_open() {
    let victim = Victim::new().await;
    let pairs = [(key("a"), key("b")), (account_key(0x18, "c"), account_key(0x18, "d"))];
    for (one, other) in pairs {
        let (row, other_row) = (victim.row(&one).await, victim.row(&other).await);
        let swap = vec![put(&one, &other_row), put(&other, &row)];
        let problems = victim.found(swap.clone()).await;
        assert!(names(&problems, &hex::encode(&one)) && names(&problems, &hex::encode(&other)), "{problems:?}");
        victim.write(swap).await;
        assert!(matches!(victim.ledger.get(&one).await, Err(StoreError::Unsealable { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_value_put_back_is_named() {
    let victim = Victim::new().await;
    let old = victim.row(&key("a")).await;
    victim.ledger.commit(Batch::default().put(key("a"), Expect::Any, b"newer".to_vec())).await.unwrap();
    let new = victim.row(&key("a")).await;
    let name = hex::encode(key("a"));

    let problems = victim.found(vec![put(&key("a"), &old)]).await;
    assert!(problems.len() == 1 && names(&problems, &name) && names(&problems, "older value"), "{problems:?}");

    // Under the newer revision it cannot even be opened.
    let disguised = Row { revision: new.revision, ..old };
    victim.write(vec![put(&key("a"), &disguised)]).await;
    assert!(matches!(victim.ledger.get(&key("a")).await, Err(StoreError::Unsealable { .. })));
    assert!(names(&victim.problems().await, &name));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_or_never_written_is_named() {
    let victim = Victim::new().await;
    let row = victim.row(&key("b")).await;
    let problems = victim.found(vec![put(&key("gone"), &row)]).await;
    assert!(
        problems.len() == 1 && names(&problems, &hex::encode(key("gone"))) && names(&problems, "put back"),
        "{problems:?}"
    );
    let problems = victim.found(vec![put(&key("new"), &row)]).await;
    assert!(problems.len() == 1 && names(&problems, "added from outside"), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_missing_and_reordered_audit_records_are_named() {
    let victim = Victim::new().await;
    let node = victim.ledger.node();
    let mut records = victim.rows(&[0xE3]).await;
    records.reverse();
    let last = records.len();
    for seq in [1, 2, last / 2, last - 1, last] {
        let (row, id) = (&records[seq - 1], format!("{node}-{seq}"));
        let problems = victim.found(vec![flipped(row)]).await;
        assert!(names(&problems, &format!("{id} cannot be opened")), "{problems:?}");
        let problems = victim.found(vec![delete(&row.key)]).await;
        assert!(names(&problems, &format!("{id} is missing")), "{problems:?}");
    }
    let swap = vec![put(&records[2].key, &records[3]), put(&records[3].key, &records[2])];
    let problems = victim.found(swap).await;
    assert!(
        names(&problems, &format!("{node}-3 cannot")) && names(&problems, &format!("{node}-4 cannot")),
        "{problems:?}"
    );

    let index = victim.rows(&[0xE4]).await;
    let problems = victim.found(vec![delete(&index[0].key)]).await;
    assert!(problems.len() == 1 && names(&problems, &hex::encode(&index[0].key)), "{problems:?}");
    let mut other = index[0].key.clone();
    other[5] ^= 1;
    let problems = victim.found(vec![put(&other, &index[0])]).await;
    assert!(problems.len() == 1 && names(&problems, &hex::encode(&other)), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_or_cut_head_is_named_and_stops_commits() {
    let victim = Victim::new().await;
    let node = victim.ledger.node().to_string();
    let old_head = victim.rows(&[0xE5]).await.remove(0);
    let problems = victim.found(vec![flipped(&old_head)]).await;
    assert!(names(&problems, &hex::encode(&old_head.key)), "{problems:?}");
    let problems = victim.found(vec![delete(&old_head.key)]).await;
    assert!(names(&problems, &node) && names(&problems, "no head"), "{problems:?}");

    victim.ledger.commit(Batch::default().put(key("later"), Expect::Absent, b"5".to_vec())).await.unwrap();
    let newest = victim.rows(&[0xE3]).await.remove(0);
    let problems = victim.found(vec![put(&old_head.key, &old_head)]).await;
    assert!(names(&problems, "newer than the chain's head"), "{problems:?}");

    // Removed together: the live rows still show it.
    let cut = vec![put(&old_head.key, &old_head), delete(&newest.key)];
    let problems = victim.found(cut.clone()).await;
    assert!(problems.len() == 1 && names(&problems, &hex::encode(key("later"))), "{problems:?}");

    // A broker does not cover up the removal, and names the head.
    victim.write(vec![delete(&newest.key)]).await;
    let head = hex::encode(&old_head.key);
    victim.ledger.close().await;
    let again = victim.home.open().await;
    let error = again.commit(Batch::default().event(event("dave"))).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unsealable { key_hex } if *key_hex == head), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_checkpoints_are_looked_at() {
    let victim = Victim::new().await;
    assert_eq!(victim.ledger.verify(None).await.unwrap().checkpoints, 1);
    let stored = victim.rows(&[0xE6]).await.remove(0);
    let id = format!("{}-1000", victim.ledger.node());
    let problems = victim.found(vec![delete(&stored.key)]).await;
    assert!(problems.len() == 1 && names(&problems, &format!("{id} is missing")), "{problems:?}");
    let problems = victim.found(vec![flipped(&stored)]).await;
    assert!(names(&problems, &hex::encode(&stored.key)), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_of_everything_shows_against_a_witness() {
    let victim = Victim::new().await;
    let before = victim.rows(&[]).await;
    let old_trusted = victim.ledger.checkpoint().await.unwrap();
    victim.ledger.commit(Batch::default().put(key("a"), Expect::Any, b"6".to_vec()).event(event("eve"))).await.unwrap();
    let trusted = victim.ledger.checkpoint().await.unwrap();
    assert!(victim.ledger.verify(Some(&trusted)).await.unwrap().holds());
    assert!(victim.ledger.verify(Some(&old_trusted)).await.unwrap().holds());

    let now = victim.rows(&[]).await;
    let added = now.iter().filter(|row| !before.iter().any(|old| old.key == row.key)).map(|row| delete(&row.key));
    let rollback = added.chain(before.iter().map(|row| put(&row.key, row))).collect();
    victim.write(rollback).await;
    assert!(victim.ledger.verify(None).await.unwrap().holds(), "nothing inside can tell");
    assert!(victim.ledger.verify(Some(&old_trusted)).await.unwrap().holds());
    let problems = victim.ledger.verify(Some(&trusted)).await.unwrap().problems;
    assert!(problems.len() == 1 && names(&problems, "rolled back"), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_of_other_history_or_hand_is_named() {
    let victim = Victim::new().await;
    let trusted = victim.ledger.checkpoint().await.unwrap();
    assert!(bursar_store::is_signed(&trusted));
    let forged = Checkpoint { seq: trusted.seq - 1, ..trusted.clone() };
    assert!(!bursar_store::is_signed(&forged));
    assert!(!victim.ledger.verify(Some(&forged)).await.unwrap().holds());

    let other = Victim::new().await;
    let foreign = other.ledger.checkpoint().await.unwrap();
    assert!(bursar_store::is_signed(&foreign));
    let problems = victim.ledger.verify(Some(&foreign)).await.unwrap().problems;
    assert!(names(&problems, "not signed by this installation"), "{problems:?}");
}

/// Keys, values and audit records are encrypted in the file (S0-02, S3-02, S4-27).
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_put_in_can_be_read_in_the_file() {
    let victim = Victim::new().await;
    let mut canary = event("canary-actor");
    canary.detail = Some(serde_json::json!({"member": "canary-member"}));
    let batch = Batch::default()
        .put(bursar_kernel::keys::account_name(&victim.ledger, "canary-name"), Expect::Absent, b"canary-value".to_vec())
        .put(bursar_kernel::keys::account(account()), Expect::Absent, b"canary-account".to_vec())
        .put(account_key(0x11, "x"), Expect::Absent, b"canary-public".to_vec())
        .put(account_key(0x18, "x"), Expect::Absent, b"canary-secret".to_vec());
    victim.ledger.commit(batch.event(canary)).await.unwrap();
    victim.ledger.close().await;
    let bytes = std::fs::read(victim.home.path("bursar.redb")).unwrap();
    let node = victim.ledger.node();
    let finds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(finds(node.as_bytes()), "this is the file that was written");
    assert!(!finds(b"canary"));
    assert!(!finds(b"credential.reveal"));
    let root = std::fs::read_to_string(victim.home.path("root.key")).unwrap();
    assert!(!finds(root.trim().as_bytes()));
    assert!(!finds(&hex::decode(root.trim()).unwrap()));
}
