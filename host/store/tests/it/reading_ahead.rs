//! The reads of requests of one kind are prefetched, and the requests still see what
//! others have committed.

use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::Ledger;

use crate::support::{Home, account_key, event, postgres};

async fn set(store: &Ledger, table: u8, name: &str, value: &str) {
    let batch = Batch::default().put(account_key(table, name), Expect::Any, value.as_bytes().to_vec());
    store.commit(batch.event(event("alice"))).await.unwrap();
}

async fn get(store: &Ledger, table: u8, name: &str) -> Option<String> {
    let record = store.get(&account_key(table, name)).await.unwrap();
    record.map(|record| String::from_utf8(record.value).unwrap())
}

async fn names(store: &Ledger) -> usize {
    store.scan(&account_key(0x11, ""), &[], 100).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_in_advance_is_what_is_there() {
    let (home, url) = (Home::new(), postgres::database());
    let first = Ledger::create(&postgres::node(&home, &url, "first", "root.key")).await.unwrap();
    set(&first, 0x11, "a", "a1").await;
    set(&first, 0x18, "a", "secret 1").await;
    let second = Ledger::open(&postgres::node(&home, &url, "second", "root.key")).await.unwrap();
    for round in 1..10 {
        let seen = second
            .reading_ahead(
                7,
                async {
                    let seen = (get(&second, 0x11, "a").await, get(&second, 0x18, "a").await, names(&second).await);
                    // A change during a request is seen when the row is read again.
                    set(&first, 0x11, "a", &format!("a{}", round + 1)).await;
                    assert_eq!(get(&second, 0x11, "a").await.unwrap(), format!("a{}", round + 1));
                    seen
                },
                |_| true,
            )
            .await;
        assert_eq!(seen, (Some(format!("a{round}")), Some(format!("secret {round}")), usize::try_from(round).unwrap()));
        set(&first, 0x18, "a", &format!("secret {}", round + 1)).await;
        set(&first, 0x11, &format!("another {round}"), "x").await;
    }
    // Deleted rows are gone, for this kind of request and another.
    let delete =
        Batch::default().delete(account_key(0x18, "a"), Expect::Any).delete(account_key(0x11, "a"), Expect::Any);
    first.commit(delete.event(event("alice"))).await.unwrap();
    for kind in [7, 8] {
        let gone = async { (get(&second, 0x11, "a").await, get(&second, 0x18, "a").await) };
        assert_eq!(second.reading_ahead(kind, gone, |_| true).await, (None, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_told_once_and_at_once() {
    let (home, url) = (Home::new(), postgres::database());
    let store = Ledger::create(&postgres::node(&home, &url, "first", "root.key")).await.unwrap();
    set(&store, 0x11, "a", "1").await;
    set(&store, 0x11, "b", "2").await;
    let both = async || (store.get(&account_key(0x11, "a")).await, store.get(&account_key(0x11, "b")).await);
    let learned = store.reading_ahead(7, both(), |_| true).await;
    assert!(learned.0.is_ok() && learned.1.is_ok());
    store.close().await;
    let failed = store.reading_ahead(7, both(), |_| true).await;
    assert!(failed.0.is_err() && failed.1.is_err());
}
