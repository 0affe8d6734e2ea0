//! A root key that another node rotated: this node takes the new one up, or serves
//! what it knows, and calls nothing tampering that is none.

use std::fs;
use std::sync::Arc;

use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Store, StoreError};
use bursar_store::engine::postgres::PostgresEngine;
use bursar_store::engine::{Engine, Write};
use bursar_store::{Ledger, OpenError, RootKeySource, RootKeyStatus};

use crate::keys::rekeyed;
use crate::support::{Home, account_key, config, event, key, postgres, write};

struct World {
    home: Home,
    url: String,
    first: Ledger,
    second: Ledger,
}

impl World {
    /// Two nodes, whose root keys are in these files.
    async fn new(first_key: &str, second_key: &str) -> Self {
        let (home, url) = (Home::new(), postgres::database());
        let first = Ledger::create(&postgres::node(&home, &url, "first", first_key)).await.unwrap();
        let batch = Batch::default()
            .put(key("a"), Expect::Absent, b"installation".to_vec())
            .put(account_key(0x11, "a"), Expect::Absent, b"account".to_vec())
            .put(account_key(0x18, "a"), Expect::Absent, b"secret".to_vec());
        first.commit(batch.event(event("alice"))).await.unwrap();
        if first_key != second_key {
            fs::copy(home.path(first_key), home.path(second_key)).unwrap();
        }
        let second = Ledger::open(&postgres::node(&home, &url, "second", second_key)).await.unwrap();
        Self { home, url, first, second }
    }

    fn source(&self, file: &str) -> RootKeySource {
        RootKeySource::File(self.home.path(file))
    }
}

async fn reads(store: &Ledger) {
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, b"installation");
    assert_eq!(store.get(&account_key(0x11, "a")).await.unwrap().unwrap().value, b"account");
    assert_eq!(store.get(&account_key(0x18, "a")).await.unwrap().unwrap().value, b"secret");
    let scanned = store.scan(&account_key(0x11, ""), &[], 10).await.unwrap();
    assert!(scanned.iter().any(|record| record.value == b"account"));
}

/// A record of an account that nobody has used yet.
fn of_a_new_account() -> Vec<u8> {
    [&[0x11], [9; 16].as_slice()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_new_key_serves_what_it_knows_until_it_is_brought() {
    let world = World::new("first.key", "second.key").await;
    let second = &world.second;
    reads(second).await;
    world.first.rekey(&world.source("first.key"), rekeyed()).await.unwrap();
    assert_eq!(second.root_key_status(), RootKeyStatus::Current, "nobody has checked yet");

    reads(second).await;
    let write = |name: &str| Batch::default().put(account_key(0x18, name), Expect::Absent, b"b".to_vec());
    second.commit(write("b").event(event("bob"))).await.unwrap();
    let refused = second.commit(Batch::default().put(of_a_new_account(), Expect::Absent, b"3".to_vec())).await;
    let Err(StoreError::Unavailable(cause)) = refused else { panic!("{refused:?}") };
    assert!(cause.to_string().contains("rotated by another node: put the new one where"), "{cause}");
    assert!(matches!(second.root_key_status(), RootKeyStatus::Missing { .. }));
    let refused = second.rekey(&world.source("second.key"), rekeyed()).await;
    assert!(refused.is_err() && !world.home.path("second.key.new").exists());

    // A node that starts now has no cached keys, and says why.
    let third = postgres::node(&world.home, &world.url, "third", "second.key");
    assert!(matches!(Ledger::open(&third).await.err().unwrap(), OpenError::WrongRootKey));

    fs::copy(world.home.path("first.key"), world.home.path("second.key")).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(second.follow_root_key().await.unwrap(), RootKeyStatus::Current);
    reads(second).await;
    second.commit(Batch::default().put(of_a_new_account(), Expect::Absent, b"3".to_vec())).await.unwrap();
    assert_eq!(world.first.get(&of_a_new_account()).await.unwrap().unwrap().value, b"3");
    // Now the second one can rotate.
    second.rekey(&world.source("second.key"), rekeyed()).await.unwrap();
    for store in [&world.first, second] {
        reads(store).await;
        let report = store.verify(None).await.unwrap();
        assert!(report.holds(), "{:?}", report.problems);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_share_the_file_go_over_in_the_midst_of_requests() {
    let world = World::new("root.key", "root.key").await;
    let (first, second) = (Arc::new(world.first), Arc::new(world.second));
    reads(&second).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let requests: Vec<_> = (0..8)
        .map(|client| {
            let (store, stop) = (Arc::clone(&second), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut done = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    reads(&store).await;
                    let own = account_key(0x18, format!("{client}-{done}"));
                    let new = [&[0x11], [100 + client; 16].as_slice(), &[done]].concat();
                    let batch = Batch::default().put(own, Expect::Absent, b"x".to_vec());
                    store.commit(batch.put(new, Expect::Absent, b"y".to_vec())).await.unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        first.rekey(&RootKeySource::File(world.home.path("root.key")), rekeyed()).await.unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for requests in requests {
        assert!(requests.await.unwrap() > 0);
    }
    assert_eq!(second.follow_root_key().await.unwrap(), RootKeyStatus::Current);
    let report = second.verify(None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_key_is_still_called_altered() {
    let world = World::new("root.key", "root.key").await;
    let engine = PostgresEngine::connect(&world.url, 2).await.unwrap();
    let row = engine.scan(&[0xE1, 1], &[], 1).await.unwrap().remove(0);
    let mut value = row.value.clone();
    value[20] ^= 1;
    write(&engine, vec![Write { key: row.key.clone(), content: Some((row.revision + 1, value)) }]).await;
    for store in [&world.first, &world.second] {
        let refused = store.get(&account_key(0x11, "a")).await.err().unwrap();
        assert!(matches!(refused, StoreError::Unsealable { .. }), "{refused:?}");
        assert_eq!(store.root_key_status(), RootKeyStatus::Current);
    }
    // With another revision of the root record it is not a rotation either.
    let root = engine.get_many(&[vec![0xE0, 1]]).await.unwrap().remove(0).unwrap();
    write(&engine, vec![Write { key: root.key, content: Some((root.revision + 2, root.value)) }]).await;
    let refused = world.second.get(&account_key(0x11, "a")).await.err().unwrap();
    assert!(matches!(refused, StoreError::Unsealable { .. }), "{refused:?}");
    assert!(!world.second.verify(None).await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    home.create().await.close().await;
    let with_mode = async |mode| {
        fs::set_permissions(home.path("root.key"), fs::Permissions::from_mode(mode)).unwrap();
        let opened = Ledger::open(&config(&home.path("bursar.redb"), home.root_key())).await;
        let refused = opened.as_ref().err().map(ToString::to_string);
        if let Ok(store) = opened {
            store.close().await;
        }
        refused
    };
    for mode in [0o640, 0o604, 0o620, 0o644] {
        let said = with_mode(mode).await.expect("it is refused");
        assert!(said.contains(&format!("mode {mode:o}")) && said.contains("chmod 600"), "{said}");
    }
    assert_eq!((with_mode(0o600).await, with_mode(0o400).await), (None, None));
}
