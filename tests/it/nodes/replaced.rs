//! One of three nodes is upgraded, loses its data folder, is set up anew from a backup:
//! the others are at work throughout.

use std::time::Duration;

use serde_json::json;

use super::load::Load;
use super::{check, until_ready, verbose};
use crate::crash::{signal, stop};
use crate::support::cluster::Cluster;
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_upgraded_or_lost_stops_no_request_at_the_others() {
    let (cluster, nodes) = Cluster::start(3).await;
    let account = Account::on(&nodes[0]).await;
    account.create(basic("hot")).await;
    let [first, second, third] = &nodes[..] else { unreachable!("three were asked for") };
    let load = Load::start(&[first, second], &account);
    load.goes_on().await;
    let serves = async |node: &Server| {
        until_ready(node, Duration::from_secs(10)).await;
        let client = node.with_token(account.operator.token()).within(&account.name);
        client.post("credentials/hot/reveal", json!({})).await.expect(200);
    };

    // As an upgrade does it: stopped in good order, and started again.
    let id = this_id(third).await;
    stop(third.clone()).await;
    let gone = async || verbose(first).await["nodes"].as_array().map(Vec::len) == Some(2);
    assert!(eventually(Duration::from_secs(5), gone).await, "it took its leave: {}", verbose(first).await);
    load.goes_on().await;
    let again = cluster.node("node-3", Server::builder()).start().await;
    serves(&again).await;
    assert_eq!(this_id(&again).await, id);
    load.goes_on().await;

    // Killed, and its folder is gone: set up anew from what all nodes share.
    signal(again.pid(), "KILL");
    std::fs::remove_dir_all(cluster.data_dir("node-3")).expect("its folder");
    let anew = cluster.node("node-3", Server::builder()).start().await;
    serves(&anew).await;
    assert_ne!(this_id(&anew).await, id, "it is another one");
    load.goes_on().await;

    // Killed while it was at work, and back.
    let busy = Load::start(&[first], &account);
    signal(anew.pid(), "KILL");
    let back = cluster.node("node-3", Server::builder()).start().await;
    serves(&back).await;
    busy.goes_on().await;
    busy.ends().await;
    load.ends().await;
    for node in [first, second, &back] {
        assert_eq!(node.operator().act("/v1/audit/verify").await.expect(200)["problems"], json!([]));
    }
}

/// The id of the node that is asked.
async fn this_id(node: &Server) -> String {
    let told = verbose(node).await;
    let nodes = told["nodes"].as_array().expect("nodes");
    let this = nodes.iter().find(|node| node["this"] == true).expect("the one that is asked");
    this["id"].as_str().expect("an id").to_owned()
}

/// A data folder belongs to one node: whoever runs a copy of it is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_from_one_data_folder_are_told_apart() {
    let (cluster, mut nodes) = Cluster::start(2).await;
    let second = nodes.pop().expect("two nodes");
    let copy = cluster.data_dir("copy");
    std::fs::create_dir(&copy).expect("a folder in one of ours");
    for file in ["root.key", "operator-token", "node-id"] {
        std::fs::copy(cluster.data_dir("node-2").join(file), copy.join(file)).expect("a copied data folder");
    }
    let double = cluster.node("copy", Server::builder()).start().await;
    for node in [&second, &double] {
        let told = async || {
            let told = verbose(node).await;
            check(&told, "node")["detail"].as_str().is_some_and(|said| said.contains("remove node-id"))
        };
        assert!(eventually(Duration::from_secs(10), told).await, "{}", verbose(node).await);
    }
    stop(double).await;
    until_ready(&second, Duration::from_secs(10)).await;
}
