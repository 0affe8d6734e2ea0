//! A database that is away, that does not answer, or that has no room: who asks is
//! told soon, and all goes on when it is back.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::Cli;
use crate::support::fault_proxy::{FaultProxy, Mode};
use crate::support::postgres::{Postgres, database};
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_told_at_once_and_comes_back() {
    let url = database().await;
    let port = Postgres::shared().await.port();
    let proxy = FaultProxy::start(([127, 0, 0, 1], port).into()).await;
    let through = url.replace(&format!("127.0.0.1:{port}"), &proxy.address().to_string());
    let server = Server::builder().postgres(&through).start().await;
    let account = Account::on(&server).await;
    account.create(basic("staging")).await;
    for (mode, said) in [(Mode::Refuse, "error communicating with database"), (Mode::Drop, "does not answer")] {
        proxy.set(mode);
        // A look is shared for a second.
        let unready = async || server.anonymous().get("/readyz").await.status == 503;
        assert!(eventually(Duration::from_secs(10), unready).await);
        let began = Instant::now();
        server.anonymous().get("/readyz").await.expect(503);
        let ready_after = began.elapsed();
        // What a connection was open for may have been answered still.
        let away = async || account.manager.get("credentials/staging").await.status == 503;
        assert!(eventually(Duration::from_secs(30), away).await);
        let began = Instant::now();
        let reply = account.manager.get("credentials/staging").await;
        reply.assert_status(503);
        assert!(reply.header("retry-after").is_some());
        let read = began.elapsed();
        let began = Instant::now();
        account.operator.post("credentials/staging/reveal", json!({})).await.expect(503);
        println!("{mode:?}: /readyz {ready_after:.1?}, GET {read:.1?}, reveal {:.1?}", began.elapsed());
        let told = async || server.log().contains(said);
        assert!(eventually(Duration::from_secs(10), told).await, "{}", server.log());
        proxy.set(Mode::Pass);
        let back = async || account.operator.post("credentials/staging/reveal", json!({})).await.status == 200;
        assert!(eventually(Duration::from_secs(30), back).await, "{}", server.log());
        let ready = async || server.anonymous().get("/readyz").await.status == 200;
        assert!(eventually(Duration::from_secs(10), ready).await);
    }
    let report = server.operator().act("/v1/audit/verify").await.expect(200);
    assert_eq!(report["problems"], json!([]));
}

#[tokio::test]
async fn a_pool_that_the_server_has_no_room_for_is_named_at_the_start() {
    let url = database().await;
    let cli = Cli::bare().env("BURSAR_STORAGE__URL", &url).env("BURSAR_STORAGE__MAX_CONNECTIONS", "5000");
    let said = cli.run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]).code(1).stderr;
    assert!(said.contains("storage.max_connections is 5000") && said.contains("lower it"), "{said}");
    let cli = Cli::bare().env("BURSAR_STORAGE__URL", "postgres://bursar@127.0.0.1:1/none");
    let said = cli.run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]).code(1).stderr;
    assert!(said.contains("refused"), "{said}");
}
