//! One record that everybody changes at once, through several nodes.

use futures::future::join_all;
use serde_json::json;

use crate::support::Account;
use crate::support::cluster::Cluster;
use crate::support::samples::basic;

/// Who names no revision is not told of those who were faster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_without_a_precondition_all_go_through() {
    let (_cluster, nodes) = Cluster::start(2).await;
    let account = Account::on(&nodes[0]).await;
    account.create(basic("hot")).await;
    let clients = (0..24).map(|number| {
        let client = nodes[number % 2].with_token(account.operator.token()).within(&account.name);
        async move {
            for turn in 0..12 {
                let patch = json!({ "labels": { format!("of-{number}"): format!("{turn}") } });
                client.patch("credentials/hot", patch).await.expect(200);
            }
        }
    });
    join_all(clients).await;
    let shown = account.operator.get("credentials/hot").await.expect(200);
    let labels = shown["labels"].as_object().expect("labels");
    assert_eq!((labels.len(), labels.values().all(|turn| turn == "11")), (24, true), "{labels:?}");
    // With a precondition one of those who read the same wins.
    let etag = account.operator.get("credentials/hot").await.etag();
    let races = (0..8).map(|number| {
        let client = nodes[number % 2].with_token(account.operator.token()).within(&account.name);
        let (etag, patch) = (etag.clone(), json!({ "title": format!("by {number}") }));
        async move {
            client
                .call(reqwest::Method::PATCH, "credentials/hot")
                .header("if-match", &etag)
                .json(&patch)
                .send()
                .await
                .status
        }
    });
    let mut statuses = join_all(races).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses.len()), (200, 412, 8), "{statuses:?}");
}
