//! Root keys, their rotation, and the destruction of keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bursar_kernel::audit::{Action, Event, Trail};
use bursar_kernel::keys;
use bursar_kernel::store::{Batch, BlindIndex, Expect, Store, StoreError};
use bursar_store::engine::Engine;
use bursar_store::{Ledger, OpenError, RootKeyError, RootKeySource};
use secrecy::SecretString;

use crate::support::{Home, account, account_key, config, event, key, write};

pub(crate) fn rekeyed() -> Event {
    Event { action: Action::InstallationRekey, account: None, ..event("operator") }
}

async fn fill(store: &Ledger) {
    let batch = Batch::default()
        .put(key("a"), Expect::Absent, b"installation".to_vec())
        .put(account_key(0x11, "a"), Expect::Absent, b"account".to_vec())
        .put(account_key(0x18, "a"), Expect::Absent, b"secret".to_vec());
    store.commit(batch).await.unwrap();
}

pub(crate) fn key_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

async fn is_whole(store: &Ledger) {
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, b"installation");
    assert_eq!(store.get(&account_key(0x11, "a")).await.unwrap().unwrap().value, b"account");
    assert_eq!(store.get(&account_key(0x18, "a")).await.unwrap().unwrap().value, b"secret");
    let report = store.verify(None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
}

async fn refusal(home: &Home, root_key: RootKeySource) -> OpenError {
    Ledger::open(&config(&home.path("bursar.redb"), root_key)).await.err().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_root_key_is_told_apart_from_damage() {
    let home = Home::new();
    let store = home.create().await;
    fill(&store).await;
    store.close().await;
    let other = home.path("other.key");
    key_file(&other, &"00".repeat(32));
    assert!(matches!(refusal(&home, RootKeySource::File(other.clone())).await, OpenError::WrongRootKey));
    key_file(&other, "00");
    let malformed = refusal(&home, RootKeySource::File(other)).await;
    assert!(matches!(malformed, OpenError::RootKey(RootKeyError::Malformed(_))));
    let missing = refusal(&home, RootKeySource::File(home.path("none.key"))).await;
    assert!(matches!(missing, OpenError::RootKey(RootKeyError::File { .. })));
    assert!(!home.path("none.key").exists(), "opening makes no key");
    let passphrase = refusal(&home, RootKeySource::Passphrase("correct horse".into())).await;
    assert!(matches!(passphrase, OpenError::RootKey(RootKeyError::SourceMismatch)));

    // The right key and a damaged keyring.
    let engine = home.engine();
    let mut row = engine.scan(&[0xE1, 0, 0], &[], 1).await.unwrap().remove(0);
    row.value[20] ^= 1;
    write(&engine, vec![bursar_store::engine::Write { key: row.key, content: Some((row.revision, row.value)) }]).await;
    drop(engine);
    let damaged = refusal(&home, home.root_key()).await;
    assert!(
        matches!(&damaged, OpenError::Store(StoreError::Unsealable { key_hex }) if key_hex == "e10000"),
        "{damaged:?}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let store = home.create().await;
    store.rekey(&home.root_key(), rekeyed()).await.unwrap();
    for name in ["root.key", "bursar.redb"] {
        assert_eq!(fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_opens_what_it_sealed() {
    let home = Home::new();
    let with = |passphrase: &str| config(&home.path("bursar.redb"), RootKeySource::Passphrase(passphrase.into()));
    let store = Ledger::create(&with("correct horse")).await.unwrap();
    fill(&store).await;
    store.close().await;
    assert!(matches!(Ledger::open(&with("battery staple")).await.err().unwrap(), OpenError::WrongRootKey));
    assert!(matches!(refusal(&home, home.root_key()).await, OpenError::RootKey(RootKeyError::SourceMismatch)));
    is_whole(&Ledger::open(&with("correct horse")).await.unwrap()).await;
    let empty =
        Ledger::create(&config(&home.path("other.redb"), RootKeySource::Passphrase(SecretString::from("")))).await;
    assert!(matches!(empty.err().unwrap(), OpenError::RootKey(RootKeyError::Passphrase)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_managers_credential_is_read() {
    let home = Home::new();
    key_file(&home.path("bursar-root-key"), &format!("{}\n", "ab".repeat(32)));
    let with = || config(&home.path("bursar.redb"), RootKeySource::Credential(home.0.path().to_owned()));
    let store = Ledger::create(&with()).await.unwrap();
    fill(&store).await;
    store.close().await;
    is_whole(&Ledger::open(&with()).await.unwrap()).await;
}

/// Runs itself again with the variable set: setting it in this process is unsound.
#[tokio::test(flavor = "multi_thread")]
async fn an_environment_variable_is_read() {
    let variable = "BURSAR_TEST_ROOT_KEY";
    let home = Home::new();
    let with = || config(&home.path("bursar.redb"), RootKeySource::Environment(variable.to_owned()));
    if std::env::var_os(variable).is_some() {
        let store = Ledger::create(&with()).await.unwrap();
        fill(&store).await;
        store.close().await;
        is_whole(&Ledger::open(&with()).await.unwrap()).await;
        return;
    }
    let unset = Ledger::create(&with()).await.err().unwrap();
    assert!(matches!(unset, OpenError::RootKey(RootKeyError::Unset(_))));
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keys::an_environment_variable_is_read"])
        .env(variable, "cd".repeat(32))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_changes_the_root_key_and_nothing_else() {
    let home = Home::new();
    let store = home.create().await;
    fill(&store).await;
    let (digest, derived) = (store.digest("token", b"x"), store.derive_key("cache"));
    assert_ne!(store.digest("token", b"x"), store.digest("name", b"x"));
    assert_ne!(*derived, *store.derive_key("other"));
    fs::copy(home.path("root.key"), home.path("old.key")).unwrap();

    store.rekey(&home.root_key(), rekeyed()).await.unwrap();
    is_whole(&store).await;
    store.commit(Batch::default().put(account_key(0x18, "b"), Expect::Absent, b"2".to_vec())).await.unwrap();
    let second_account = [&[0x11], [9; 16].as_slice()].concat();
    store.commit(Batch::default().put(second_account.clone(), Expect::Absent, b"3".to_vec())).await.unwrap();
    store.close().await;

    assert!(!home.path("root.key.new").exists());
    assert!(matches!(refusal(&home, RootKeySource::File(home.path("old.key"))).await, OpenError::WrongRootKey));
    let store = home.open().await;
    is_whole(&store).await;
    assert_eq!(store.get(&second_account).await.unwrap().unwrap().value, b"3");
    assert_eq!((digest, &*derived), (store.digest("token", b"x"), &*store.derive_key("cache")));

    // To another kind of source.
    store.rekey(&RootKeySource::Passphrase("correct horse".into()), rekeyed()).await.unwrap();
    store.close().await;
    let with = config(&home.path("bursar.redb"), RootKeySource::Passphrase("correct horse".into()));
    is_whole(&Ledger::open(&with).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_rotations_commit_leaves_the_old_key() {
    for leftover in ["ee".repeat(32), "ee".to_owned(), String::new()] {
        let home = Home::new();
        let store = home.create().await;
        fill(&store).await;
        store.close().await;
        key_file(&home.path("root.key.new"), &leftover);
        let store = home.open().await;
        is_whole(&store).await;
        assert!(!home.path("root.key.new").exists());
        store.rekey(&home.root_key(), rekeyed()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_overwrites_no_key_that_may_be_needed() {
    let home = Home::new();
    let store = home.create().await;
    fill(&store).await;
    for (name, asked) in [("root.key.new", "root.key"), ("other.key", "other.key")] {
        fs::write(home.path(name), "ee".repeat(32)).unwrap();
        assert!(store.rekey(&RootKeySource::File(home.path(asked)), rekeyed()).await.is_err());
        assert_eq!(fs::read_to_string(home.path(name)).unwrap(), "ee".repeat(32));
    }
    is_whole(&store).await;
    store.close().await;
    is_whole(&home.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_rotations_commit_is_finished_on_opening() {
    let home = Home::new();
    let store = home.create().await;
    fill(&store).await;
    // Rotated to another file, which is then moved to where a crash would leave it.
    store.rekey(&RootKeySource::File(home.path("elsewhere")), rekeyed()).await.unwrap();
    store.close().await;
    fs::rename(home.path("elsewhere"), home.path("root.key.new")).unwrap();
    let new = fs::read(home.path("root.key.new")).unwrap();
    assert_ne!(fs::read(home.path("root.key")).unwrap(), new);

    let looked_at = Ledger::open_read_only(&home.config()).await.unwrap();
    is_whole(&looked_at.ledger).await;
    looked_at.ledger.close().await;
    drop(looked_at);
    assert!(home.path("root.key.new").exists(), "reading changes nothing");

    let store = home.open().await;
    is_whole(&store).await;
    assert_eq!(fs::read(home.path("root.key")).unwrap(), new);
    assert!(!home.path("root.key.new").exists());
}

/// A purge destroys the data key, so that a copy of the record cannot be opened (D-4).
#[tokio::test(flavor = "multi_thread")]
async fn purging_a_secret_destroys_its_key() {
    let home = Home::new();
    let store = home.create().await;
    fill(&store).await;
    store.close().await;
    let engine = home.engine();
    let secret = engine.scan(&account_key(0x18, "a"), &[], 1).await.unwrap().remove(0);
    assert_eq!(engine.scan(&[0xE2], &[], 9).await.unwrap().len(), 1);
    drop(engine);

    let store = home.open().await;
    store.commit(Batch::default().delete(account_key(0x18, "a"), Expect::Any)).await.unwrap();
    store.close().await;
    let engine = home.engine();
    assert!(engine.scan(&[0xE2], &[], 9).await.unwrap().is_empty());
    // For example from a backup: no key here can open it.
    write(
        &engine,
        vec![bursar_store::engine::Write { key: secret.key, content: Some((secret.revision, secret.value)) }],
    )
    .await;
    drop(engine);
    let store = home.open().await;
    assert!(matches!(store.get(&account_key(0x18, "a")).await, Err(StoreError::Unsealable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_account_destroys_its_key() {
    let home = Home::new();
    let store = home.create().await;
    fill(&store).await;
    let record = keys::account(account());
    store.commit(Batch::default().put(record.clone(), Expect::Absent, b"acme".to_vec())).await.unwrap();

    let both = Batch::default().delete(record.clone(), Expect::Any).put(account_key(0x11, "b"), Expect::Any, vec![]);
    assert!(matches!(store.commit(both).await, Err(StoreError::Unavailable(_))));
    is_whole(&store).await;

    store.commit(Batch::default().delete(record.clone(), Expect::Any)).await.unwrap();
    // The account's remaining records can no longer be opened, even after a restart.
    assert!(matches!(store.get(&account_key(0x11, "a")).await, Err(StoreError::Unsealable { .. })));
    assert!(matches!(store.get(&account_key(0x18, "a")).await, Err(StoreError::Unsealable { .. })));
    // A new account with the same id has another key.
    let anew = Batch::default().put(record, Expect::Absent, b"acme".to_vec()).put(
        account_key(0x11, "new"),
        Expect::Absent,
        b"new".to_vec(),
    );
    store.commit(anew).await.unwrap();
    assert_eq!(store.get(&account_key(0x11, "new")).await.unwrap().unwrap().value, b"new");
    assert!(matches!(store.get(&account_key(0x11, "a")).await, Err(StoreError::Unsealable { .. })));
    assert!(store.verify(None).await.unwrap().holds());
}
