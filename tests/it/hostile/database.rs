//! Someone with the database, and none of the keys: every row of one node is taken
//! away, while the node runs and while it is stopped.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Cli;
use crate::crash::stop;
use crate::support::postgres::{Postgres, database};
use crate::support::server::eventually;
use crate::support::{Account, Server};

/// Two nodes of one installation that have seen each other.
async fn two(url: &str, folder: &Path) -> (Server, Server) {
    let first = Server::builder().postgres(url).start().await;
    for file in ["root.key", "operator-token"] {
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::copy(first.data_dir().join(file), folder.join(file)).expect("what nodes share");
    }
    let second = Server::builder().postgres(url).data_dir(folder).start().await;
    let account = Account::on(&second).await;
    account.manager.get("credentials").await.expect(200);
    // A checkpoint records what its node sees of the others.
    first.operator().get("/v1/audit/checkpoint").await.expect(200);
    assert_eq!(problems(&first).await, Vec::<String>::new());
    (first, second)
}

async fn problems(server: &Server) -> Vec<String> {
    let report = server.operator().act("/v1/audit/verify").await.expect(200);
    serde_json::from_value(report["problems"].clone()).expect("sentences")
}

/// Deletes the chain of `node`: its records, head and checkpoints, and with
/// `traces` also what others say of it in rows of their own.
async fn take_away(url: &str, node: &str, traces: bool) {
    let name = url.rsplit('/').next().expect("a database");
    let id = node.replace('-', "");
    let tables = if traces { "'e3','e4','e5','e6','e7','e8'" } else { "'e3','e4','e5','e6'" };
    let statement = format!(
        "DELETE FROM record WHERE left(encode(key, 'hex'), 2) IN ({tables}) AND encode(key, 'hex') LIKE '%{id}%'"
    );
    Postgres::shared().await.sql(name, &statement).output();
}

fn node_of(server: &Server) -> String {
    std::fs::read_to_string(server.data_dir().join("node-id")).expect("its id").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_whose_chain_is_gone_writes_nothing_and_others_name_it() {
    let (url, folder) = (database().await, tempfile::tempdir().expect("a temporary folder"));
    let (first, second) = two(&url, &folder.path().join("second")).await;
    let node = node_of(&second);
    take_away(&url, &node, true).await;

    let is_named = |sentences: &[String]| sentences.iter().any(|it| it.contains(&node) && it.contains("is gone"));
    assert!(is_named(&problems(&first).await), "{:?}", problems(&first).await);
    let refused = second.operator().post("/v1/accounts", json!({ "name": "after" })).await;
    refused.assert_status(503);
    let not_ready = async || second.anonymous().get("/readyz").await.status == 503;
    assert!(eventually(Duration::from_secs(5), not_ready).await);
    assert!(second.log().contains(&node), "its log names the chain");
    // The others go on, and have it on record.
    first.operator().post("/v1/accounts", json!({ "name": "elsewhere" })).await.expect(201);
    first.operator().get("/v1/audit/checkpoint").await.expect(200);
    let told = first.operator().all("/v1/audit?action=audit.anchor").await;
    let failed: Vec<&Value> = told.iter().filter(|entry| entry["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{told:?}");
    assert!(failed[0].to_string().contains(&node));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_without_its_chain_does_not_begin_anew() {
    let (url, folder) = (database().await, tempfile::tempdir().expect("a temporary folder"));
    let data = folder.path().join("second");
    let (first, second) = two(&url, &data).await;
    let node = node_of(&second);
    stop(second).await;
    take_away(&url, &node, false).await;
    assert!(!problems(&first).await.is_empty());

    // It may come up, and is not ready; or it says why not.
    let cli = Cli::bare();
    let mut serve = cli.command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data).env("BURSAR_STORAGE__URL", &url);
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).expect("a file");
    let mut child = serve.stdout(file.try_clone().expect("a file")).stderr(file).spawn().expect("it starts");
    let said = || std::fs::read_to_string(&log).expect("its log");
    let told = async || said().contains(&node) && said().contains("is gone");
    let is_told = eventually(Duration::from_mins(1), told).await;
    // Its own child: it is there until it is waited for.
    let _ = child.kill();
    child.wait().expect("it ends");
    assert!(is_told, "{}", said());
    let name = url.rsplit('/').next().expect("a database");
    let heads = "SELECT count(*) FROM record WHERE left(encode(key, 'hex'), 2) = 'e5'";
    assert_eq!(Postgres::shared().await.sql(name, heads).output().trim(), "1", "no chain was begun");
    assert!(problems(&first).await.iter().any(|it| it.contains(&node)));
}
