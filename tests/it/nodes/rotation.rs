//! `bursar rekey` at one of three nodes, with the others at work.

use std::time::Duration;

use serde_json::json;

use super::load::Load;
use super::{check, until_ready, verbose};
use crate::cli::Cli;
use crate::support::Account;
use crate::support::cluster::Cluster;
use crate::support::samples::basic;
use crate::support::server::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_at_one_node_stops_no_request_at_the_others() {
    let (cluster, nodes) = Cluster::start(3).await;
    let [first, second, third] = &nodes[..] else { unreachable!("three were asked for") };
    let account = Account::on(first).await;
    account.create(basic("hot")).await;
    // All have met the others, and the account.
    for node in &nodes {
        let met = async || verbose(node).await["nodes"].as_array().map(Vec::len) == Some(3);
        assert!(eventually(Duration::from_secs(10), met).await);
        node.with_token(account.operator.token())
            .within(&account.name)
            .post("credentials/hot/reveal", json!({}))
            .await
            .expect(200);
    }
    let load = Load::start(&[second, third], &account);

    let cli = Cli::at(first, &first.operator());
    let refused = cli.run(&["rekey"]).code(5).stderr;
    assert!(refused.contains("2 other nodes are at work") && refused.contains("--yes"), "{refused}");
    let conflict = first.operator().act("/v1/rekey").await.expect(409);
    let kinds: Vec<_> = conflict["conflicts"].as_array().expect("conflicts").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["node", "node"]);
    load.goes_on().await;
    cli.run(&["rekey", "--yes"]).ok();
    load.goes_on().await;

    // Both serve what they know, and say that they are not ready and why.
    for node in [second, third] {
        let unready = async || node.anonymous().get("/readyz").await.status == 503;
        assert!(eventually(Duration::from_secs(5), unready).await);
        let told = verbose(node).await;
        let said = check(&told, "rootKey")["detail"].as_str().expect("a reason").to_owned();
        assert!(said.contains("rotated by another node"), "{said}");
        assert!(!node.log().contains("altered, moved or rolled back"), "{}", node.log());
    }
    load.goes_on().await;
    let status = Cli::at(second, &second.operator()).run(&["status"]).code(1);
    assert!(
        status.stdout.contains("rotated by another node") && status.stdout.contains("missing"),
        "{}",
        status.stdout
    );
    let of_the_first = Cli::at(first, &first.operator()).run(&["status"]).ok().stdout;
    assert_eq!(of_the_first.matches("live").count(), 3, "{of_the_first}");

    // The key is brought, and nobody has to restart.
    for name in ["node-2", "node-3"] {
        std::fs::copy(cluster.data_dir("first").join("root.key"), cluster.data_dir(name).join("root.key"))
            .expect("the new key");
    }
    for node in [second, third] {
        until_ready(node, Duration::from_secs(10)).await;
        let new = Account::on(node).await;
        new.create(basic("fresh")).await;
    }
    load.ends().await;
    for node in &nodes {
        assert_eq!(node.operator().act("/v1/audit/verify").await.expect(200)["problems"], json!([]));
    }
}
