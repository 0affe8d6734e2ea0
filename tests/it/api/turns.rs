//! Costly calls of one account beside another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Account, Server};

/// Forty requests at once that each hash a password, over and over, and another
/// account that wants a login: it is served when it asks, and not after all that
/// wait already. Served in the order they came, each of its requests would see
/// some forty of the others answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_does_not_hold_up_another() {
    let server = Server::builder().start().await;
    let (busy, other) = (Account::on(&server).await, Account::on(&server).await);
    let login = json!({ "username": "ann", "password": "a-password" });
    for account in [&busy, &other] {
        account.create(json!({ "type": "basic-auth", "name": "login", "data": login })).await;
    }
    let answered = Arc::new(AtomicU64::new(0));
    let mut looping = JoinSet::new();
    for _ in 0..40 {
        let (operator, answered) = (busy.operator.clone(), Arc::clone(&answered));
        looping.spawn(async move {
            loop {
                let hash = json!({ "format": "nginx/htpasswd" });
                operator.post("credentials/login/materialize", hash).await.expect(200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    // All of them are under way.
    while answered.load(Ordering::Relaxed) < 40 {
        tokio::task::yield_now().await;
    }
    let before = answered.load(Ordering::Relaxed);
    for _ in 0..REQUESTS {
        other.operator.post("credentials/login/materialize", json!({ "format": "login" })).await.expect(200);
    }
    let meanwhile = answered.load(Ordering::Relaxed) - before;
    looping.shutdown().await;
    assert!(
        meanwhile < REQUESTS * 10,
        "{meanwhile} calls of the busy account were answered during {REQUESTS} of the other's"
    );
}

const REQUESTS: u64 = 10;
