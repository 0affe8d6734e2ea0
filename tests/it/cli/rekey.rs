//! Rotating the root key, of a running broker and of a stopped one.

use std::path::Path;

use serde_json::json;

use super::backup::text;
use super::runner::Cli;
use crate::crash::stop;
use crate::support::{Client, Server};

#[tokio::test]
async fn a_new_root_key_opens_what_the_old_one_sealed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let server = Server::builder().data_dir(&data_dir).start().await;
    let data = json!({ "username": "octo", "password": "s3cret" });
    server.operator().post("credentials", json!({ "type": "basic-auth", "name": "x", "data": data })).await.expect(201);
    let cli = Cli::at(&server, &server.operator());
    let first = root_key(&data_dir);

    cli.run(&["rekey"]).ok();
    let second = root_key(&data_dir);
    assert_ne!(first, second);
    assert_opens(&server.operator()).await;
    stop(server).await;
    cli.run(&["audit", "verify", "--data-dir", text(&data_dir)]).ok();

    cli.run(&["rekey", "--data-dir", text(&data_dir)]).ok();
    let third = root_key(&data_dir);
    assert!(third != first && third != second);
    cli.run(&["audit", "verify", "--data-dir", text(&data_dir)]).ok();
    let server = Server::builder().data_dir(&data_dir).start().await;
    assert_opens(&server.operator()).await;
    let rekeys = server.operator().all("/v1/audit?action=installation.rekey").await;
    // Each rotation is recorded with what it changed; who asked the running
    // broker for one, beside that.
    let by = |actor: &str| {
        rekeys.iter().filter(|record| record["actor"].as_str().is_some_and(|by| by.starts_with(actor))).count()
    };
    assert_eq!((by("system"), by("operator")), (2, 1), "{rekeys:?}");
    stop(server).await;

    // A retired key opens nothing.
    let current = std::fs::read(data_dir.join("root.key")).expect("the root key");
    std::fs::write(data_dir.join("root.key"), &first).expect("the old key");
    let refused = cli.run(&["audit", "verify", "--data-dir", text(&data_dir)]);
    assert!(refused.code != 0 && refused.stderr.contains("root key"), "{}", refused.stderr);
    std::fs::write(data_dir.join("root.key"), current).expect("the current key");
    cli.run(&["audit", "verify", "--data-dir", text(&data_dir)]).ok();
}

async fn assert_opens(operator: &Client) {
    let revealed = operator.post("credentials/x/reveal", json!({})).await.expect(200);
    assert_eq!(revealed["data"]["password"], "s3cret");
}

fn root_key(data_dir: &Path) -> Vec<u8> {
    std::fs::read(data_dir.join("root.key")).expect("the root key")
}
