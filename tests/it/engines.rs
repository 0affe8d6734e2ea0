//! The main job on each storage engine.

use futures::future::join_all;
use serde_json::json;

use crate::main_job::walk;
use crate::support::postgres::database;
use crate::support::samples::registry;
use crate::support::{Account, Server};

#[tokio::test]
async fn the_main_job_runs_on_redb() {
    walk(&Server::shared().await).await;
}

#[tokio::test]
async fn the_main_job_runs_on_postgresql() {
    walk(&Server::shared_on_postgres().await).await;
}

/// Two nodes over one database see one truth: nothing is kept in either alone.
#[tokio::test]
async fn two_nodes_share_one_postgresql() {
    let url = database().await;
    let first = Server::builder().postgres(&url).start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A second node of the same installation has the same root key.
    std::fs::copy(first.data_dir().join("root.key"), folder.path().join("root.key")).expect("the root key's file");
    std::fs::copy(first.data_dir().join("operator-token"), folder.path().join("operator-token")).expect("the token");
    let second = Server::builder().postgres(&url).data_dir(folder.path()).start().await;

    let account = walk(&first).await;
    let elsewhere = second.with_token(account.manager.token()).within(&account.name);
    let read = elsewhere.get("credentials/ghcr").await;
    assert_eq!(read.etag(), account.manager.get("credentials/ghcr").await.etag());
    let secret = elsewhere.post("credentials/ghcr/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"]["password"], "s3cret-token");
    walk(&second).await;

    // One name, both nodes, many at once: one of them gets it.
    let account = Account::on(&first).await;
    let elsewhere = second.with_token(account.manager.token()).within(&account.name);
    let creates = (0..40).map(|n| {
        let client = if n % 2 == 0 { account.manager.clone() } else { elsewhere.clone() };
        async move { client.post("credentials", registry("wanted")).await.status }
    });
    let mut statuses = join_all(creates).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses.iter().filter(|status| **status == 409).count()), (201, 39), "{statuses:?}");

    // Each node's chain holds, seen from either.
    for node in [&first, &second] {
        let report = node.operator().act("/v1/audit/verify").await.expect(200);
        assert_eq!(report["problems"], json!([]));
    }
}
