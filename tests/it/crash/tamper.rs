//! Somebody with the database file, and without the key, changes it. Each
//! change is found by `bursar audit verify`, which names what it was.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde_json::json;

use super::{assert_verifies, said, stop, verify};
use crate::support::Server;

/// The map's one table, as the store lays it out: key to (revision, bytes).
const RECORDS: TableDefinition<&[u8], (u64, &[u8])> = TableDefinition::new("record");
const CREDENTIAL: u8 = 0x11;
const SECRET: u8 = 0x18;
const AUDIT: u8 = 0xE3;

type Row = (Vec<u8>, (u64, Vec<u8>));

#[tokio::test]
async fn every_change_to_the_file_is_found_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let stopped = folder.path().join("stopped");
    let old = broker_with_history(&stopped).await;
    assert_verifies(&stopped);

    let rows = |table: u8| -> Vec<Row> { all(&stopped).into_iter().filter(|(key, _)| key[0] == table).collect() };
    let (credentials, secrets, audit) = (rows(CREDENTIAL), rows(SECRET), rows(AUDIT));
    assert!(credentials.len() == 3 && secrets.len() == 4 && audit.len() > 8, "the layout is not the expected one");

    for row in [&credentials[0], &secrets[0], &secrets[3]] {
        for at in [0, 1, 20, row.1.1.len() - 1] {
            let mut flipped = row.clone();
            flipped.1.1[at] ^= 0x40;
            found(&stopped, &format!("byte {at} flipped"), &[&flipped], &[], &hex::encode(&row.0));
        }
    }
    let [first, second, ..] = &credentials[..] else { unreachable!() };
    let swapped = [(first.0.clone(), second.1.clone()), (second.0.clone(), first.1.clone())];
    found(&stopped, "two values swapped", &[&swapped[0], &swapped[1]], &[], &hex::encode(&first.0));
    let values_alone = (first.0.clone(), (first.1.0, second.1.1.clone()));
    found(&stopped, "one value in another's place", &[&values_alone], &[], &hex::encode(&first.0));

    found(&stopped, "an older value put back", &[&old], &[], &hex::encode(&old.0));
    let now = credentials.iter().find(|row| row.0 == old.0).expect("it is still there");
    let renumbered = (old.0.clone(), (now.1.0, old.1.1.clone()));
    found(&stopped, "an older value under the newer revision", &[&renumbered], &[], &hex::encode(&old.0));

    found(&stopped, "a record deleted", &[], &[&secrets[1].0], &hex::encode(&secrets[1].0));

    // Keys hold the sequence number inverted: the newest record comes first.
    let newest = audit.len();
    for (at, seq) in [(0, newest), (4, newest - 4), (newest - 1, 1)] {
        found(&stopped, &format!("audit record {seq} deleted"), &[], &[&audit[at].0], &format!("-{seq} "));
        let mut cut = audit[at].clone();
        cut.1.1.truncate(cut.1.1.len() / 2);
        found(&stopped, &format!("audit record {seq} truncated"), &[&cut], &[], &format!("-{seq} "));
    }
    let three: Vec<&[u8]> = audit[..3].iter().map(|row| row.0.as_slice()).collect();
    found(&stopped, "the newest three records cut off", &[], &three, &format!("-{newest} "));
}

/// A history to tamper with: three credentials, one of them rotated. Answers
/// the record of that one as it was before.
async fn broker_with_history(data_dir: &Path) -> Row {
    let server = Server::builder().data_dir(data_dir).start().await;
    let operator = server.operator();
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let data = json!({ "username": name, "password": format!("secret of {name}") });
        let made =
            operator.post("credentials", json!({ "type": "basic-auth", "name": name, "data": data })).await.expect(201);
        ids.push(made["id"].as_str().expect("an id").to_owned());
    }
    stop(server).await;
    let id: uuid::Uuid = ids[0].parse().expect("an id");
    let before = all(data_dir).into_iter().find(|(key, _)| key[0] == CREDENTIAL && key.ends_with(id.as_bytes()));
    let server = Server::builder().data_dir(data_dir).start().await;
    let operator = server.operator();
    operator.patch("credentials/one", json!({ "data": { "password": "rotated" } })).await.expect(200);
    operator.post("credentials/two/reveal", json!({})).await.expect(200);
    stop(server).await;
    before.expect("the record of the first credential")
}

/// Puts and deletes rows in a copy; verifying that must fail and say `name`.
#[track_caller]
fn found(stopped: &Path, what: &str, put: &[&Row], delete: &[&[u8]], name: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("copy");
    copy_folder(stopped, &copy);
    alter(&copy, put, delete);
    let output = verify(&copy);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{what} was not found: {said}");
    assert!(said.contains(name), "{what}: {name} is not named in: {said}");
    assert!(!said.contains("secret of"), "{what}: {said}");
}

fn alter(data_dir: &Path, put: &[&Row], delete: &[&[u8]]) {
    let database = Database::open(file(data_dir)).expect("the broker is stopped");
    let transaction = database.begin_write().expect("a transaction");
    {
        let mut table = transaction.open_table(RECORDS).expect("the table of records");
        for (key, (revision, value)) in put {
            let before = table.insert(key.as_slice(), (*revision, value.as_slice())).expect("a write");
            assert!(before.is_some(), "nothing was there to alter");
        }
        for key in delete {
            assert!(table.remove(*key).expect("a delete").is_some(), "nothing was there to delete");
        }
    }
    transaction.commit().expect("a commit");
}

fn all(data_dir: &Path) -> Vec<Row> {
    let database = Database::open(file(data_dir)).expect("the broker is stopped");
    let table = database.begin_read().expect("a transaction").open_table(RECORDS).expect("the table of records");
    let rows = table.iter().expect("a walk").map(|row| {
        let (key, value) = row.expect("a row");
        let (revision, bytes) = value.value();
        (key.value().to_vec(), (revision, bytes.to_vec()))
    });
    rows.collect()
}

/// The one database file of a data directory.
fn file(data_dir: &Path) -> PathBuf {
    let mut files = fs::read_dir(data_dir).expect("the data directory").flatten().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|ext| ext == "redb")).expect("a file *.redb")
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}
