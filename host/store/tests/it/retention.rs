//! The oldest records of a large chain move to files, and the proof stays intact: no row
//! that only the exported records mention can be changed, removed or rolled back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::audit::{Filter, Trail};
use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::engine::postgres::PostgresEngine;
use bursar_store::engine::redb::RedbEngine;
use bursar_store::engine::{Engine, Row, Write};
use bursar_store::{Config, Ledger, PruneError, RootKeySource, Segment, Storage};

use crate::support::{CACHE_BYTES, Home, Still, account_key, event, key, postgres, write};

/// A store with a long history, and its engine as an intruder holds it.
struct Archive {
    home: Home,
    engine: Arc<RedbEngine>,
    ledger: Ledger,
}

impl Archive {
    async fn new() -> Self {
        let home = Home::new();
        let engine = Arc::new(RedbEngine::create(&home.path("bursar.redb"), CACHE_BYTES).unwrap());
        let shared: Arc<dyn Engine> = Arc::clone(&engine) as _;
        let ledger = Ledger::create_on(shared, None, &home.root_key(), Arc::new(Still)).await.unwrap();
        history(&ledger).await;
        Self { home, engine, ledger }
    }

    fn folder(&self) -> PathBuf {
        self.home.path("segments")
    }

    async fn problems(&self) -> Vec<String> {
        self.ledger.verify(None).await.unwrap().problems
    }

    async fn rows(&self, prefix: &[u8]) -> Vec<Row> {
        self.engine.scan(prefix, &[], usize::MAX).await.unwrap()
    }

    async fn put(&self, rows: &[Row]) {
        let put = |row: &Row| Write { key: row.key.clone(), content: Some((row.revision, row.value.clone())) };
        write(&*self.engine, rows.iter().map(put).collect()).await;
    }

    async fn delete(&self, rows: &[Row]) {
        write(&*self.engine, rows.iter().map(|row| Write { key: row.key.clone(), content: None }).collect()).await;
    }
}

/// Rows that never change again, one that changes early and late, one that is deleted;
/// then so many records that the early ones are exported.
async fn history(ledger: &Ledger) {
    let commit = async |batch: Batch| ledger.commit(batch).await.unwrap();
    commit(Batch::default().put(key("still"), Expect::Absent, b"1".to_vec()).event(event("alice"))).await;
    commit(Batch::default().put(key("moved"), Expect::Absent, b"1".to_vec())).await;
    commit(Batch::default().put(account_key(0x18, "secret"), Expect::Absent, b"2".to_vec()).event(event("bob"))).await;
    commit(Batch::default().put(key("gone"), Expect::Absent, b"3".to_vec())).await;
    commit(Batch::default().put(key("late"), Expect::Absent, b"4".to_vec())).await;
    commit(Batch::default().delete(key("gone"), Expect::Any)).await;
    for n in 0..5 {
        commit((0..500).fold(Batch::default(), |batch, m| batch.event(event(&format!("reader {n} {m}"))))).await;
    }
    commit(Batch::default().put(key("moved"), Expect::Any, b"2".to_vec())).await;
    commit(Batch::default().delete(key("late"), Expect::Any)).await;
}

/// Exports as much as possible; returns the files, the oldest first.
async fn prune(ledger: &Ledger, folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut next = 1;
    while let Some(pruned) = ledger.prune(1, folder).await.unwrap() {
        assert_eq!(pruned.first, next);
        next = pruned.last + 1;
        files.push(pruned.segment);
        assert!(files.len() < 100);
    }
    files
}

fn open(files: &[PathBuf]) -> Vec<Segment> {
    files.iter().map(|file| Segment::open(file).unwrap()).collect()
}

fn names(problems: &[String], parts: &[&str]) -> bool {
    problems.iter().any(|problem| parts.iter().all(|part| problem.contains(part)))
}

#[tokio::test]
async fn what_is_left_proves_itself_and_the_files_prove_the_rest() {
    let archive = Archive::new().await;
    let before = archive.ledger.verify(None).await.unwrap();
    let files = prune(&archive.ledger, &archive.folder()).await;
    assert!(files.len() > 2);
    let after = archive.ledger.verify(None).await.unwrap();
    assert_eq!(after.problems, Vec::<String>::new());
    assert!(after.entries < before.entries / 2, "{after:?}");
    let (entries, _) = archive.ledger.list(&Filter::default(), None, 10_000).await.unwrap();
    assert_eq!(entries.len() as u64, after.entries);

    let whole = archive.ledger.verify_with(None, open(&files)).await.unwrap();
    assert_eq!(whole.problems, Vec::<String>::new());
    let newest = entries[0].seq;
    assert_eq!((whole.entries, entries.last().unwrap().seq > 1), (newest, true));

    let (mut exported, mut last) = (0, None);
    for segment in &mut open(&files) {
        loop {
            let page = segment.entries(&archive.ledger).unwrap();
            let Some(oldest) = page.last() else { break };
            exported += page.len() as u64;
            last = Some((oldest.seq, oldest.event.actor.clone()));
        }
        assert!(last.take().is_some());
    }
    assert_eq!(exported + after.entries, newest);
    // Below the limit there is nothing to do.
    assert_eq!(archive.ledger.prune(1 << 30, &archive.folder()).await.unwrap(), None);
}

#[tokio::test]
async fn rows_that_only_removed_records_were_about_cannot_be_touched() {
    let archive = Archive::new().await;
    let early = archive.rows(&key("moved")).await;
    let gone = Row { key: key("gone"), ..early[0].clone() };
    prune(&archive.ledger, &archive.folder()).await;
    // Repeatedly: what was carried over is carried over again.
    for n in 0..4 {
        let batch = (0..500).fold(Batch::default(), |batch, m| batch.event(event(&format!("again {n} {m}"))));
        archive.ledger.commit(batch).await.unwrap();
        archive.ledger.prune(1, &archive.folder()).await.unwrap();
    }
    assert_eq!(archive.problems().await, Vec::<String>::new());

    for (prefix, name) in [(key("still"), "still"), (account_key(0x18, "secret"), "secret")] {
        let rows = archive.rows(&prefix).await;
        archive.delete(&rows).await;
        assert!(names(&archive.problems().await, &["is missing", &hex::encode(name)]), "{name}");
        let mut flipped = rows.clone();
        *flipped[0].value.last_mut().unwrap() ^= 1;
        archive.put(&flipped).await;
        assert!(names(&archive.problems().await, &["altered or swapped", &hex::encode(name)]), "{name}");
        archive.put(&rows).await;
        assert_eq!(archive.problems().await, Vec::<String>::new());
    }
    let key_row = archive.rows(&[0xE2]).await;
    archive.delete(&key_row).await;
    assert!(names(&archive.problems().await, &["is missing", "data key"]));
    archive.put(&key_row).await;

    archive.put(std::slice::from_ref(&gone)).await;
    assert!(names(&archive.problems().await, &["added from outside"]));
    archive.delete(std::slice::from_ref(&gone)).await;
    assert_eq!(archive.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_older_value_put_back_after_its_record_is_gone_is_found() {
    let home = Home::new();
    let engine = Arc::new(RedbEngine::create(&home.path("bursar.redb"), CACHE_BYTES).unwrap());
    let shared: Arc<dyn Engine> = Arc::clone(&engine) as _;
    let ledger = Ledger::create_on(shared, None, &home.root_key(), Arc::new(Still)).await.unwrap();
    ledger.commit(Batch::default().put(key("x"), Expect::Absent, b"1".to_vec())).await.unwrap();
    let old = engine.scan(&key("x"), &[], 1).await.unwrap();
    ledger.commit(Batch::default().put(key("x"), Expect::Any, b"2".to_vec())).await.unwrap();
    let archive = Archive { home, engine, ledger };
    history(&archive.ledger).await;
    prune(&archive.ledger, &archive.folder()).await;
    assert_eq!(archive.problems().await, Vec::<String>::new());
    archive.put(&old).await;
    assert!(names(&archive.problems().await, &["an older value was put back"]));
}

#[tokio::test]
async fn no_more_can_be_taken_than_was_said() {
    let archive = Archive::new().await;
    prune(&archive.ledger, &archive.folder()).await;
    let records = archive.rows(&[0xE3]).await;
    let said = archive.rows(&[0xE8]).await;
    let (oldest, index) = (records[records.len() - 7..].to_vec(), archive.rows(&[0xE4]).await);
    archive.delete(&oldest).await;
    archive.delete(&index[index.len() - 7..]).await;
    let problems = archive.problems().await;
    assert!(names(&problems, &["audit records", "are missing"]), "{problems:?}");
    archive.put(&oldest).await;
    archive.put(&index[index.len() - 7..]).await;
    archive.delete(&said).await;
    assert!(names(&archive.problems().await, &["is missing", "exported range"]));
    archive.put(&said).await;
    assert_eq!(archive.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn files_are_held_against_the_chain() {
    let archive = Archive::new().await;
    let early = archive.ledger.checkpoint().await.unwrap();
    let files = prune(&archive.ledger, &archive.folder()).await;
    let verify = async |files: &[PathBuf]| archive.ledger.verify_with(None, open(files)).await.unwrap().problems;
    // The oldest file may be missing, but none in between.
    let problems = verify(&files[1..]).await;
    assert_eq!(problems, Vec::<String>::new());
    let problems = verify(&files[..1]).await;
    assert!(names(&problems, &["does not join the chain"]), "{problems:?}");
    let problems = verify(&[files[0].clone(), files[2].clone()]).await;
    assert!(names(&problems, &["does not join the chain"]), "{problems:?}");

    let bytes = std::fs::read(&files[1]).unwrap();
    let with = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        std::fs::write(&files[1], bytes).unwrap();
    };
    with(bytes.len() / 2);
    assert!(!verify(&files).await.is_empty());
    std::fs::write(&files[1], &bytes[..bytes.len() / 2]).unwrap();
    assert!(names(&verify(&files).await, &["cannot be read"]));
    std::fs::write(&files[1], &bytes).unwrap();
    assert_eq!(verify(&files).await, Vec::<String>::new());
    let stranger = Archive::new().await;
    let theirs = prune(&stranger.ledger, &stranger.folder()).await;
    assert!(!verify(&theirs).await.is_empty());
    assert!(Segment::open(&theirs[0]).unwrap().entries(&archive.ledger).is_err());

    // An older checkpoint is found in the store, or in the file that holds its record.
    assert_eq!(archive.ledger.verify(Some(&early)).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_checkpoint_of_what_was_exported_needs_its_file() {
    let home = Home::new();
    let ledger = home.create().await;
    ledger.commit(Batch::default().event(event("first"))).await.unwrap();
    let trusted = ledger.checkpoint().await.unwrap();
    history(&ledger).await;
    let files = prune(&ledger, &home.path("segments")).await;
    let report = ledger.verify(Some(&trusted)).await.unwrap();
    assert!(names(&report.problems, &["was exported: give its segment"]), "{report:?}");
    let report = ledger.verify_with(Some(&trusted), open(&files)).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_removal_that_was_cut_short_harms_nothing_and_is_finished() {
    let archive = Archive::new().await;
    let beside = async || [archive.rows(&[0xE3]).await, archive.rows(&[0xE4]).await, archive.rows(&[0xE6]).await];
    let before = beside().await;
    let pruned = archive.ledger.prune(1, &archive.folder()).await.unwrap().unwrap();
    // The oldest are removed first, so the newest are the ones that remain.
    let seq = |row: &Row| !u64::from_be_bytes(*row.key.last_chunk().unwrap());
    for rows in &before {
        let left: Vec<Row> =
            rows.iter().filter(|row| (pruned.last - 300..=pruned.last).contains(&seq(row))).cloned().collect();
        archive.put(&left).await;
    }
    assert_eq!(archive.problems().await, Vec::<String>::new());
    let report = archive.ledger.verify_with(None, open(&[pruned.segment])).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(archive.ledger.prune(1 << 30, &archive.folder()).await.unwrap(), None);
    assert!(beside().await.iter().flatten().all(|row| seq(row) > pruned.last));
    assert_eq!(archive.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_leaves_a_trail_that_does_not_hold_or_cannot_shrink() {
    let archive = Archive::new().await;
    let still = archive.rows(&key("still")).await;
    archive.delete(&still).await;
    let error = archive.ledger.prune(1, &archive.folder()).await.unwrap_err();
    assert!(matches!(&error, PruneError::Unverified { problems: 1, first } if first.contains("is missing")), "{error}");
    archive.put(&still).await;
    let file = archive.home.path("no-folder");
    std::fs::write(&file, b"").unwrap();
    let error = archive.ledger.prune(1, &file).await.unwrap_err();
    assert!(matches!(error, PruneError::Segment { .. }), "{error}");
    assert_eq!(archive.problems().await, Vec::<String>::new());

    let home = Home::new();
    let ledger = home.create().await;
    for n in 0..2 {
        let put = |batch: Batch, m| batch.put(key(format!("{n} {m}")), Expect::Absent, b"1".to_vec());
        ledger.commit((0..4_000).fold(Batch::default(), put)).await.unwrap();
    }
    history(&ledger).await;
    let error = ledger.prune(1, &home.path("segments")).await.unwrap_err();
    assert!(matches!(error, PruneError::LimitTooLow { rows: 8_000.., .. }), "{error}");
    assert_eq!(ledger.verify(None).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_share_a_database_prune_their_own_and_start_again() {
    let (home, url) = (Home::new(), postgres::database());
    let config = |node: &str| Config {
        storage: Storage::Postgres { url: url.clone(), max_connections: 3, node_file: Some(home.path(node)) },
        root_key: RootKeySource::File(home.path("root.key")),
        clock: Arc::new(Still),
    };
    let a = Ledger::create(&config("a")).await.unwrap();
    let b = Ledger::open(&config("b")).await.unwrap();
    history(&a).await;
    let batch = || (0..500).fold(Batch::default(), |batch, m| batch.event(event(&format!("b {m}"))));
    for _ in 0..6 {
        b.commit(batch()).await.unwrap();
        a.anchor().await.unwrap();
        b.anchor().await.unwrap();
    }
    let files = prune(&a, &home.path("segments-a")).await;
    let more = prune(&b, &home.path("segments-b")).await;
    assert!(!files.is_empty() && !more.is_empty());
    assert_eq!(a.verify(None).await.unwrap().problems, Vec::<String>::new());
    let whole = a.verify_with(None, open(&[files, more].concat())).await.unwrap();
    assert_eq!(whole.problems, Vec::<String>::new());

    let gone = b.node();
    b.close().await;
    let b = Ledger::open(&config("b")).await.unwrap();
    assert_eq!(b.node(), gone);
    b.commit(batch()).await.unwrap();
    b.close().await;
    // Anchors whose audit records were exported still vouch for it.
    let engine = PostgresEngine::connect(&url, 2).await.unwrap();
    let rows = engine.scan(&[], &[], usize::MAX).await.unwrap();
    let is_of =
        |row: &&Row| (0xE3..=0xE6).contains(&row.key[0]) && row.key.windows(16).any(|part| part == gone.as_bytes());
    let rows: Vec<Write> = rows.iter().filter(is_of).map(|row| Write { key: row.key.clone(), content: None }).collect();
    write(&engine, rows).await;
    let problems = a.verify(None).await.unwrap().problems;
    assert!(names(&problems, &[&gone.to_string(), "is gone"]), "{problems:?}");
}
