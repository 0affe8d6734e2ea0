//! The main job on each storage engine.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::main_job::walk;
use crate::support::cluster::Cluster;
use crate::support::samples::{basic, registry};
use crate::support::{Account, Client, Server};

/// The walk ends with the audit trail of everything it did (S0-46).
#[tokio::test]
async fn the_main_job_runs_on_redb() {
    walk(&Server::shared().await).await;
}

#[tokio::test]
async fn the_main_job_runs_on_postgresql() {
    walk(&Server::shared_on_postgres().await).await;
}

/// A client that is in doubt asks another node: the same request at both at once
/// is created once, and neither is told that its own twin took the name.
#[tokio::test]
async fn one_request_at_two_nodes_creates_once() {
    let (_cluster, nodes) = Cluster::start(2).await;
    let [first, second] = &nodes[..] else { unreachable!("two were asked for") };
    let account = Account::on(first).await;
    let elsewhere = second.with_token(account.operator.token()).within(&account.name);
    for n in 0..40 {
        for (path, body) in [
            ("credentials", basic(&format!("c{n}"))),
            ("tokens", json!({ "name": format!("t{n}"), "role": "member" })),
            ("/v1/accounts", json!({ "name": format!("twin-{n}"), "title": "" })),
        ] {
            let key = format!("{path} {n}");
            let ask =
                |client: &Client| client.call(Method::POST, path).header("idempotency-key", &key).json(&body).send();
            let replies = join_all([ask(&account.operator), ask(&elsewhere), ask(&elsewhere)]).await;
            let ids: Vec<_> = replies.into_iter().map(|reply| reply.expect(201)["id"].clone()).collect();
            assert!(ids.iter().all(|id| *id == ids[0]), "{path}: {ids:?}");
        }
    }
}

/// Two nodes over one database see one truth: nothing is kept in either alone.
#[tokio::test]
async fn two_nodes_share_one_postgresql() {
    let (_cluster, nodes) = Cluster::start(2).await;
    let [first, second] = &nodes[..] else { unreachable!("two were asked for") };
    let account = walk(first).await;
    let elsewhere = second.with_token(account.manager.token()).within(&account.name);
    let read = elsewhere.get("credentials/ghcr").await;
    assert_eq!(read.etag(), account.manager.get("credentials/ghcr").await.etag());
    let secret = elsewhere.post("credentials/ghcr/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"]["password"], "s3cret-token");
    walk(second).await;

    // One name, both nodes, many at once: one of them gets it.
    let account = Account::on(first).await;
    let elsewhere = second.with_token(account.manager.token()).within(&account.name);
    let creates = (0..40).map(|n| {
        let client = if n % 2 == 0 { account.manager.clone() } else { elsewhere.clone() };
        async move { client.post("credentials", registry("wanted")).await.status }
    });
    let mut statuses = join_all(creates).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses.iter().filter(|status| **status == 409).count()), (201, 39), "{statuses:?}");

    // Each node's chain holds, seen from either.
    for node in [first, second] {
        let report = node.operator().act("/v1/audit/verify").await.expect(200);
        assert_eq!(report["problems"], json!([]));
    }
}
