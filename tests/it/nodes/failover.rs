//! A standby that is promoted, while sessions at the old primary stay open and take
//! no writes any more.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::fault_proxy::FaultProxy;
use crate::support::postgres::Postgres;
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_a_failover_left_read_only_are_dropped_at_once() {
    let primary = Postgres::start(&["fsync=off", "wal_level=replica"]).await;
    primary.sql("postgres", "CREATE DATABASE bursar").output();
    let standby = primary.standby().await;
    // What was acknowledged is at the standby.
    for statement in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
        primary.sql("postgres", statement).output();
    }
    let proxy = FaultProxy::start(([127, 0, 0, 1], primary.port()).into()).await;
    let url = format!("postgres://bursar@{}/bursar", proxy.address());
    let server = Server::builder().postgres(&url).start().await;
    let account = Account::on(&server).await;
    for number in 0..20 {
        account.create(basic(&format!("before-{number}"))).await;
    }

    // Sessions stay open at the old primary, as behind a pooler or a moved address.
    for statement in ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"] {
        primary.sql("postgres", statement).output();
    }
    let read_only = async || {
        let told = server.anonymous().get("/readyz").await;
        told.status == 503 && told.body["detail"].as_str().is_some_and(|said| said.contains("read-only"))
    };
    assert!(eventually(Duration::from_secs(15), read_only).await, "{}", server.log());
    // Reads would come from a server that others have left behind.
    account.manager.get("credentials/before-1").await.expect(503);

    standby.sql("postgres", "SELECT pg_promote()").output();
    proxy.lead_to(([127, 0, 0, 1], standby.port()).into());
    let began = Instant::now();
    let back = async || account.operator.post("credentials/before-1/reveal", json!({})).await.status == 200;
    assert!(eventually(Duration::from_secs(20), back).await, "{}", server.log());
    println!("back {:.1?} after the promotion", began.elapsed());
    for number in 0..40 {
        account.create(basic(&format!("after-{number}"))).await;
        account.manager.get(&format!("credentials/before-{}", number % 20)).await.expect(200);
    }
    server.anonymous().get("/readyz").await.expect(200);
    assert_eq!(server.operator().act("/v1/audit/verify").await.expect(200)["problems"], json!([]));
}
