//! A disk that flips bits: damage is an error or a problem of verification, wherever it
//! is, and never a panic.

use std::panic::AssertUnwindSafe;

use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::Ledger;
use futures::FutureExt as _;

use crate::support::{Home, account_key, config, event};

#[tokio::test(flavor = "multi_thread")]
async fn no_turned_byte_is_a_panic() {
    let home = Home::new();
    let ledger = home.create().await;
    for n in 0..60 {
        let batch = Batch::default().put(account_key(0x11, format!("{n}")), Expect::Absent, vec![7; 900]).put(
            account_key(0x18, format!("{n}")),
            Expect::Absent,
            vec![8; 900],
        );
        ledger.commit(batch.event(event("alice"))).await.unwrap();
    }
    ledger.close().await;
    let bytes = std::fs::read(home.path("bursar.redb")).unwrap();
    // Page headers are at the start, where a flipped byte does the most damage.
    let offsets =
        (0..bytes.len()).step_by(4096).flat_map(|page| [0, 1, 2, 3, 5, 9, 17, 33, 64, 700].map(|at| page + at));
    let (mut reported, mut whole, mut flips) = (0, 0, 0);
    for offset in offsets.filter(|offset| *offset < bytes.len()).step_by(7) {
        flips += 1;
        let path = home.path("damaged.redb");
        let mut damaged = bytes.clone();
        damaged[offset] ^= 0xFF;
        std::fs::write(&path, damaged).unwrap();
        let work = async {
            let ledger = Ledger::open(&config(&path, home.root_key())).await.map_err(|_| ())?;
            let report = ledger.verify(None).await.map_err(|_| ());
            let read = ledger.get(&account_key(0x18, "3")).await.map_err(|_| ());
            let batch = Batch::default().put(account_key(0x11, "new"), Expect::Any, b"1".to_vec());
            let written = ledger.commit(batch).await.map_err(|_| ());
            ledger.close().await;
            read?;
            written?;
            report.map(|report| report.holds())
        };
        let outcome = AssertUnwindSafe(work).catch_unwind().await;
        assert!(outcome.is_ok(), "a flipped byte at {offset} of {} panics", bytes.len());
        if matches!(outcome, Ok(Ok(true))) { whole += 1 } else { reported += 1 }
    }
    println!("{flips} flips: {reported} reported, {whole} in unused space");
    assert!(reported > 20 && flips == reported + whole);
}
