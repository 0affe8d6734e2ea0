//! Backup and restore, of a running broker and of a stopped one.

use std::path::Path;

use serde_json::json;

use super::runner::Cli;
use crate::crash::stop;
use crate::support::Server;

const PASSPHRASE: &str = "correct horse battery staple";

#[tokio::test]
async fn a_backup_of_a_running_broker_is_restored() {
    restored_from(true).await;
}

#[tokio::test]
async fn a_backup_of_a_stopped_broker_is_restored() {
    restored_from(false).await;
}

async fn restored_from(running: bool) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data_dir, restored) = (folder.path().join("data"), folder.path().join("restored"));
    let server = Server::builder().data_dir(&data_dir).start().await;
    let operator = server.operator();
    let data = json!({ "username": "octo", "password": "s3cret-of-the-backup" });
    operator.post("credentials", json!({ "type": "basic-auth", "name": "x", "data": data })).await.expect(201);
    let token = server.operator_token().to_owned();
    let cli = Cli::at(&server, &operator);
    let passphrase = cli.file("passphrase", PASSPHRASE);
    let passphrase = text(&passphrase);
    let backup = folder.path().join("backup.age");
    if running {
        cli.run(&["backup", "--out", text(&backup), "--passphrase-file", passphrase]).ok();
        operator.patch("credentials/x", json!({ "data": { "password": "after the backup" } })).await.expect(200);
        stop(server).await;
    } else {
        stop(server).await;
        cli.run(&["backup", "--data-dir", text(&data_dir), "--out", text(&backup), "--passphrase-file", passphrase])
            .ok();
    }
    let bytes = std::fs::read(&backup).expect("the backup");
    assert!(bytes.starts_with(b"age-encryption.org/v1"));

    // The root key is not in it: who restores brings it along.
    let root_key = data_dir.join("root.key");
    let restore = |to: &Path, passphrase: &str, root_key: &Path| {
        let from = ["restore", "--data-dir", text(to), "--from", text(&backup)];
        cli.run(&[&from[..], &["--passphrase-file", passphrase, "--root-key", text(root_key)]].concat())
    };
    let wrong = cli.file("wrong", "another passphrase");
    assert_ne!(restore(&restored, text(&wrong), &root_key).code, 0);
    let other_key = cli.file("other.key", [7_u8; 32]);
    assert_ne!(restore(&restored, passphrase, &other_key).code, 0);
    restore(&restored, passphrase, &root_key).ok();
    // It does not overwrite what is there.
    assert_ne!(restore(&restored, passphrase, &root_key).code, 0);

    cli.run(&["audit", "verify", "--data-dir", text(&restored)]).ok();
    std::fs::copy(data_dir.join("operator-token"), restored.join("operator-token")).expect("a copy");
    let server = Server::builder().data_dir(&restored).start().await;
    let operator = server.with_token(&token);
    let revealed = operator.post("credentials/x/reveal", json!({})).await.expect(200);
    assert_eq!(revealed["data"]["password"], "s3cret-of-the-backup");
    stop(server).await;
    cli.run(&["audit", "verify", "--data-dir", text(&restored)]).ok();
}

#[tokio::test]
async fn a_damaged_backup_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    stop(Server::builder().data_dir(&data_dir).start().await).await;
    let cli = Cli::bare();
    let passphrase = cli.file("passphrase", PASSPHRASE);
    let backup = folder.path().join("backup.age");
    cli.run(&["backup", "--data-dir", text(&data_dir), "--out", text(&backup), "--passphrase-file", text(&passphrase)])
        .ok();
    let whole = std::fs::read(&backup).expect("the backup");
    let mut flipped = whole.clone();
    let last = flipped.len() - 100;
    flipped[last] ^= 1;
    for (name, damaged) in [("cut", &whole[..whole.len() / 2]), ("flipped", &flipped), ("empty", &[][..])] {
        let file = cli.file(name, damaged);
        let target = folder.path().join(name);
        let root_key = data_dir.join("root.key");
        let refused = cli.run(&[
            "restore",
            "--data-dir",
            text(&target),
            "--from",
            text(&file),
            "--passphrase-file",
            text(&passphrase),
            "--root-key",
            text(&root_key),
        ]);
        assert_ne!(refused.code, 0, "{name}");
        assert!(refused.stderr.starts_with("error: "), "{name}: {}", refused.stderr);
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
