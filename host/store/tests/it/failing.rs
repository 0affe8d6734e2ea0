//! A disk that is full, or gone for a while.

use std::fs::OpenOptions;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Store, StoreError};
use bursar_store::Ledger;
use bursar_store::engine::Engine;
use bursar_store::engine::redb::RedbEngine;
use redb::backends::FileBackend;
use redb::{Builder, StorageBackend};

use crate::support::{CACHE_BYTES, Home, Still, account_key, event, key};

/// A file on a disk that can be full.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn space(&self) -> Result<(), io::Error> {
        if self.full.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.space()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.space()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.space()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> Result<(), io::Error> {
        self.file.close()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_commits_and_nothing_else() {
    let home = Home::new();
    let full = Arc::new(AtomicBool::new(false));
    let (path, shared) = (home.path("bursar.redb"), Arc::clone(&full));
    let engine = RedbEngine::with_opener(Box::new(move || {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let disk = Disk { file: FileBackend::new(file)?, full: Arc::clone(&shared) };
        Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(disk)
    }));
    let engine: Arc<dyn Engine> = Arc::new(engine.unwrap());
    let ledger = Ledger::create_on(engine, None, &home.root_key(), Arc::new(Still)).await.unwrap();
    let put = |suffix: &str| {
        Batch::default().put(account_key(0x18, suffix), Expect::Absent, vec![7; 4096]).event(event(suffix))
    };
    ledger.commit(put("before")).await.unwrap();

    for round in 0..3 {
        full.store(true, Ordering::SeqCst);
        for n in 0..3 {
            let error = ledger.commit(put(&format!("full {round} {n}"))).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        }
        full.store(false, Ordering::SeqCst);
        // Commits succeed as soon as there is space, and failed ones left nothing.
        ledger.commit(put(&format!("after {round}"))).await.unwrap();
        ledger.commit(Batch::default().put(key(format!("{round}")), Expect::Absent, vec![])).await.unwrap();
        assert!(ledger.get(&account_key(0x18, format!("full {round} 0"))).await.unwrap().is_none());
        assert!(ledger.get(&account_key(0x18, "before")).await.unwrap().is_some());
        let report = ledger.verify(None).await.unwrap();
        assert!(report.holds(), "{:?}", report.problems);
    }
    assert_eq!(ledger.scan(&account_key(0x18, ""), b"", 99).await.unwrap().len(), 4);
    ledger.close().await;
    let error = ledger.commit(put("closed")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(home.open().await.verify(None).await.unwrap().holds());
}
