//! A node that is stopped in the middle of a commit, with its session open at the
//! database: the others wait for no longer than the database keeps it.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::cluster::Cluster;
use crate::support::postgres::Postgres;
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_stopped_in_a_commit_holds_up_no_other() {
    let (cluster, nodes) = Cluster::start(2).await;
    let [first, second] = &nodes[..] else { unreachable!("two were asked for") };
    let account = Account::on(first).await;
    account.create(basic("hot")).await;
    let reveal = |server: &Server| {
        let client = server.with_token(account.operator.token()).within(&account.name);
        async move { client.post("credentials/hot/reveal", json!({})).await }
    };

    let mut load = JoinSet::new();
    for _ in 0..8 {
        let client = first.with_token(account.operator.token()).within(&account.name);
        load.spawn(async move {
            loop {
                // What comes of those under way when it is stopped is told below.
                client.post("credentials/hot/reveal", json!({})).await;
            }
        });
    }
    let name = cluster.url().rsplit('/').next().expect("a database").to_owned();
    let mut stopped = false;
    for _ in 0..300 {
        signal("STOP", first.pid());
        stopped = sleeps_in_a_transaction(&name).await;
        if stopped {
            break;
        }
        signal("CONT", first.pid());
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    assert!(stopped, "it was never stopped in a transaction");
    // From here on nothing of it moves.
    let began = Instant::now();
    for n in 0..5 {
        reveal(second).await.expect(200);
        let client = second.with_token(account.manager.token()).within(&account.name);
        client.post("credentials", basic(&format!("meanwhile-{n}"))).await.expect(201);
        second.anonymous().get("/readyz").await.expect(200);
    }
    println!("5 reveals and 5 creates beside a node that sleeps in a commit: {:.1?}", began.elapsed());

    signal("CONT", first.pid());
    let served = async || reveal(first).await.status == 200;
    assert!(eventually(Duration::from_secs(30), served).await, "{}", first.log());
    load.shutdown().await;
    for node in [first, second] {
        let report = node.operator().act("/v1/audit/verify").await.expect(200);
        assert_eq!(report["problems"], json!([]));
    }
}

/// Whether one session has been idle in the same transaction twice in a row: the
/// other node's are never for that long.
async fn sleeps_in_a_transaction(database: &str) -> bool {
    let look = async || {
        let statement = "SELECT pid, xact_start FROM pg_stat_activity \
                         WHERE datname = current_database() AND state = 'idle in transaction' ORDER BY pid";
        Postgres::shared().await.sql(database, statement).output()
    };
    let first = look().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = look().await;
    first.lines().any(|line| second.lines().any(|other| line == other))
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill runs");
    assert!(status.success());
}
