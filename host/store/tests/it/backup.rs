//! Backup and restoration.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::backup::{BackupError, Protection, Unlock, restore};
use bursar_store::engine::Write;
use bursar_store::engine::redb::RedbEngine;
use bursar_store::{Config, Ledger, OpenError, RootKeySource, Storage};
use secrecy::ExposeSecret;

use crate::support::{CACHE_BYTES, Home, Still, account_key, config, event, key, postgres, write};

struct Keys {
    protection: Protection,
    unlock: Unlock,
}

fn keys() -> Keys {
    let identity = age::x25519::Identity::generate();
    Keys {
        protection: Protection::Recipient(identity.to_public().to_string()),
        unlock: Unlock::Identity(identity.to_string()),
    }
}

async fn filled(home: &Home) -> Ledger {
    let store = home.create().await;
    fill(&store).await;
    store
}

async fn fill(store: &Ledger) {
    for n in 0..700_u32 {
        // More rows than one page, in a few commits.
        if n % 100 == 0 {
            let batch = (n..n + 100).fold(Batch::default(), |batch, n| {
                batch.put(account_key(0x18, n.to_be_bytes()), Expect::Absent, format!("canary {n}").into_bytes())
            });
            store.commit(batch.event(event("writer"))).await.unwrap();
        }
    }
    store.commit(Batch::default().put(key("a"), Expect::Absent, b"1".to_vec())).await.unwrap();
}

async fn is_whole(store: &Ledger) {
    let secrets = store.scan(&account_key(0x18, ""), b"", 9999).await.unwrap();
    assert_eq!(secrets.len(), 700);
    assert!(secrets.iter().enumerate().all(|(n, record)| record.value == format!("canary {n}").into_bytes()));
    let report = store.verify(None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
}

fn restored(home: &Home) -> Config {
    config(&home.path("restored.redb"), home.root_key())
}

async fn attempt(file: &Path, unlock: &Unlock, config: &Config) -> Result<u64, BackupError> {
    restore(File::open(file).unwrap(), unlock, config).await.map(|(summary, _)| summary.rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_backed_up_is_restored_and_goes_on() {
    let home = Home::new();
    let store = filled(&home).await;
    let keys = keys();
    let file = home.path("backup.age");
    let summary = store.backup(&keys.protection, File::create(&file).unwrap()).await.unwrap();
    assert_eq!(summary.header.node, store.node());
    assert!(summary.rows > 1400);
    let last = store.commit(Batch::default().put(key("later"), Expect::Absent, vec![])).await.unwrap();
    store.close().await;

    let (again, report) = restore(File::open(&file).unwrap(), &keys.unlock, &restored(&home)).await.unwrap();
    assert_eq!(again, summary);
    assert_eq!(report.entries, 9);
    let copy = Ledger::open(&restored(&home)).await.unwrap();
    is_whole(&copy).await;
    assert!(copy.get(&key("later")).await.unwrap().is_none());
    let next = copy.commit(Batch::default().put(key("a"), Expect::Any, b"2".to_vec())).await.unwrap();
    assert_eq!(next, last, "revisions go on from where the backup was");
    is_whole(&copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_protects_too() {
    let home = Home::new();
    let store = filled(&home).await;
    let file = home.path("backup.age");
    let protection = Protection::Passphrase("correct horse".into());
    let rows = store.backup(&protection, File::create(&file).unwrap()).await.unwrap().rows;
    let wrong = attempt(&file, &Unlock::Passphrase("battery staple".into()), &restored(&home)).await;
    assert!(matches!(wrong, Err(BackupError::Locked(_))), "{wrong:?}");
    assert_eq!(attempt(&file, &Unlock::Passphrase("correct horse".into()), &restored(&home)).await.unwrap(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_gives_nothing_away() {
    let home = Home::new();
    let store = filled(&home).await;
    let keys = keys();
    let file = home.path("backup.age");
    store.backup(&keys.protection, File::create(&file).unwrap()).await.unwrap();
    let Unlock::Identity(identity) = &keys.unlock else { unreachable!() };
    let identity: age::x25519::Identity = identity.expose_secret().parse().unwrap();
    let sealed = fs::read(&file).unwrap();
    let opened = age::decrypt(&identity, &sealed).unwrap();
    let root = fs::read_to_string(home.path("root.key")).unwrap();
    let root_bytes = hex::decode(root.trim()).unwrap();
    let node = store.node();
    let finds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(finds(&opened, node.as_bytes()) && !finds(&sealed, node.as_bytes()));
    for needle in [b"canary".as_slice(), root.trim().as_bytes(), &root_bytes] {
        assert!(!finds(&opened, needle));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_there_is_left_alone() {
    let home = Home::new();
    let store = filled(&home).await;
    let keys = keys();
    let file = home.path("backup.age");
    store.backup(&keys.protection, File::create(&file).unwrap()).await.unwrap();
    store.close().await;
    let refused = attempt(&file, &keys.unlock, &home.config()).await;
    assert!(matches!(refused, Err(BackupError::Open(OpenError::AlreadyInitialised))), "{refused:?}");
    is_whole(&home.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_is_not_restored() {
    let home = Home::new();
    let engine = Arc::new(RedbEngine::create(&home.path("bursar.redb"), CACHE_BYTES).unwrap());
    let store = Ledger::create_on(Arc::clone(&engine) as _, None, &home.root_key(), Arc::new(Still)).await.unwrap();
    fill(&store).await;
    let keys = keys();
    let file = home.path("backup.age");
    store.backup(&keys.protection, File::create(&file).unwrap()).await.unwrap();
    let gone = || assert!(!home.path("restored.redb").exists());

    // Truncated anywhere, including at the end of a page of rows.
    let whole = fs::read(&file).unwrap();
    let cut = home.path("cut.age");
    for keep in [10, 300, whole.len() / 2, whole.len() - 1] {
        fs::write(&cut, &whole[..keep]).unwrap();
        assert!(attempt(&cut, &keys.unlock, &restored(&home)).await.is_err(), "{keep}");
        gone();
    }
    // Another root key, and no root key.
    let other = home.path("other.key");
    crate::keys::key_file(&other, &"00".repeat(32));
    let wrong = config(&home.path("restored.redb"), RootKeySource::File(other));
    let refused = attempt(&file, &keys.unlock, &wrong).await;
    assert!(matches!(refused, Err(BackupError::Open(OpenError::WrongRootKey))), "{refused:?}");
    gone();
    let none = config(&home.path("restored.redb"), RootKeySource::File(home.path("none.key")));
    let refused = attempt(&file, &keys.unlock, &none).await;
    assert!(matches!(refused, Err(BackupError::Open(OpenError::RootKey(_)))), "{refused:?}");
    gone();
    // One row fewer than the chain records.
    write(&*engine, vec![Write { key: key("a"), content: None }]).await;
    store.backup(&keys.protection, File::create(&file).unwrap()).await.unwrap();
    let refused = attempt(&file, &keys.unlock, &restored(&home)).await;
    assert!(matches!(&refused, Err(BackupError::Unverified(report)) if report.problems.len() == 1), "{refused:?}");
    gone();
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_move_between_engines() {
    let home = Home::new();
    let on_postgres = |url: String| Config {
        storage: Storage::Postgres { url, max_connections: 3, node_file: Some(home.path("node")) },
        root_key: home.root_key(),
        clock: Arc::new(Still),
    };
    let store = filled(&home).await;
    let keys = keys();
    let (out, back) = (home.path("out.age"), home.path("back.age"));
    store.backup(&keys.protection, File::create(&out).unwrap()).await.unwrap();

    let there = on_postgres(postgres::database());
    attempt(&out, &keys.unlock, &there).await.unwrap();
    let refused = attempt(&out, &keys.unlock, &there).await;
    assert!(matches!(refused, Err(BackupError::Open(OpenError::AlreadyInitialised))), "{refused:?}");
    let moved = Ledger::open(&there).await.unwrap();
    is_whole(&moved).await;
    moved.commit(Batch::default().put(key("moved"), Expect::Absent, b"1".to_vec())).await.unwrap();
    moved.backup(&keys.protection, File::create(&back).unwrap()).await.unwrap();

    attempt(&back, &keys.unlock, &restored(&home)).await.unwrap();
    let copy = Ledger::open(&restored(&home)).await.unwrap();
    is_whole(&copy).await;
    assert_eq!(copy.get(&key("moved")).await.unwrap().unwrap().value, b"1");

    // A failure on PostgreSQL leaves an empty database that can be used.
    let there = on_postgres(postgres::database());
    let wrong = Config { root_key: RootKeySource::Passphrase("x".into()), ..there.clone() };
    assert!(attempt(&out, &keys.unlock, &wrong).await.is_err());
    attempt(&out, &keys.unlock, &there).await.unwrap();
}
