//! How often a request asks the database, by the database's own count: behind a
//! network each time is a wait.

use serde_json::json;

use crate::support::postgres::Postgres;
use crate::support::samples::basic;
use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_asks_the_database_three_times_at_most() {
    let postgres = Postgres::start(&["fsync=off", "shared_preload_libraries=pg_stat_statements"]).await;
    postgres.sql("postgres", "CREATE DATABASE bursar").output();
    postgres.sql("bursar", "CREATE EXTENSION pg_stat_statements").output();
    let url = format!("postgres://bursar@127.0.0.1:{}/bursar", postgres.port());
    let server = Server::builder().postgres(&url).start().await;
    let account = Account::on(&server).await;
    account.create(basic("staging")).await;
    let asked = || {
        let count =
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'";
        postgres.sql("bursar", count).output().trim().parse::<u64>().expect("a number")
    };
    let mut worst = Vec::new();
    for path in ["credentials/staging", "credentials?limit=50", "/v1/me"] {
        // What nodes say of themselves each second falls between some of these.
        let mut least = u64::MAX;
        for _ in 0..20 {
            let before = asked();
            account.manager.get(path).await.expect(200);
            least = least.min(asked() - before);
        }
        worst.push((path, least));
    }
    let mut reveal = u64::MAX;
    for _ in 0..20 {
        let before = asked();
        account.operator.post("credentials/staging/reveal", json!({})).await.expect(200);
        reveal = reveal.min(asked() - before);
    }
    // A token that is no more costs no more than finding that out.
    let listed = account.operator.all("tokens?limit=50").await;
    let manager = listed.iter().find(|token| token["name"] == "credentials-manager").expect("the manager's token");
    let path = format!("tokens/{}", manager["id"].as_str().expect("an id"));
    let read_ahead = || {
        let calls = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '%UNION ALL%'";
        postgres.sql("bursar", calls).output().trim().parse::<u64>().expect("a number")
    };
    account.operator.delete(&path).await.assert_status(204);
    account.manager.get("credentials?limit=50").await.expect(401);
    let before = read_ahead();
    for _ in 0..10 {
        account.manager.get("credentials?limit=50").await.expect(401);
    }
    assert_eq!(read_ahead(), before, "nothing is read ahead for who is refused");
    assert!(before > 0, "it is read ahead by one statement");
    println!("{worst:?}, a reveal {reveal}");
    assert!(reveal <= 10, "{reveal}");
    assert!(worst.iter().all(|(_, asked)| *asked <= 3), "{worst:?}");
}
