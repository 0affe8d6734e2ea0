//! Rate limits, on servers with low ones.

use futures::future::join_all;
use serde_json::json;

use crate::support::{Account, Server};

#[tokio::test]
async fn a_token_over_its_rate_is_asked_to_wait() {
    let server =
        Server::builder().env("BURSAR_LIMITS__REQUESTS_PER_SECOND", "1").env("BURSAR_LIMITS__BURST", "5").start().await;
    let account = Account::on(&server).await;
    let replies = join_all((0..20).map(|_| account.member.get("credentials"))).await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert!(count(200) >= 5, "a burst is served");
    assert!(count(429) >= 5, "what is over is asked to wait");
    assert_eq!(count(200) + count(429), 20);

    // Each token has its own, and the operator has none by default.
    account.admin.get("credentials").await.expect(200);
    let replies = join_all((0..20).map(|_| account.operator.get("credentials"))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    // It passes: the limit is a rate.
    let served_again = async || account.member.get("credentials").await.status == 200;
    assert!(crate::support::server::eventually(std::time::Duration::from_secs(30), served_again).await);
}

/// Guessing tokens is slowed down and told of, in one record for many.
#[tokio::test]
async fn guessing_is_slowed_down() {
    let server = Server::builder().start().await;
    let guess = server.with_token("brs_user_guess");
    let mut statuses = Vec::new();
    while !statuses.contains(&429) {
        let replies = join_all((0..50).map(|_| guess.get("/v1/me"))).await;
        statuses.extend(replies.iter().map(|reply| reply.status));
        assert!(statuses.len() < 5_000, "guesses are never slowed down");
    }
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    // Whoever has a token is not locked out by it.
    server.operator().get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn the_body_limit_is_a_setting() {
    let server = Server::builder().env("BURSAR_LIMITS__BODY_BYTES", "1000").start().await;
    let operator = server.operator();
    operator.post("/v1/accounts", json!({ "name": "a", "title": "x".repeat(1000) })).await.expect(413);
    operator.post("/v1/accounts", json!({ "name": "a", "title": "x" })).await.expect(201);
}
