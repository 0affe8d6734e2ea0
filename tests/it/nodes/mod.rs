//! Several brokers over one database: who is there, who follows whom, and what they
//! make of one that is gone, late or wrong about the time.

mod clocks;
mod failover;
mod hot;
mod load;
mod replaced;
mod rotation;
mod round_trips;

pub(crate) use clocks::faketime;

use std::time::Duration;

use serde_json::Value;

use crate::support::Server;
use crate::support::server::eventually;

/// What a node says of itself and the others.
pub(crate) async fn verbose(server: &Server) -> Value {
    let reply = server.anonymous().get("/readyz?verbose").await;
    let told = reply.body.clone();
    assert_eq!(reply.status == 200, told["status"] == "ready", "{told}");
    told
}

/// What is said of one thing.
fn check<'a>(told: &'a Value, name: &str) -> &'a Value {
    let checks = told["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} in {told}"))
}

async fn until_ready(server: &Server, within: Duration) {
    let ready = async || server.anonymous().get("/readyz").await.status == 200;
    assert!(eventually(within, ready).await, "{}", server.log());
}
