//! What is counted of pushes to regions.

use serde_json::json;

use super::{PATIENCE, World};
use crate::support::Server;
use crate::support::samples::basic;
use crate::support::server::eventually;

#[tokio::test]
async fn pushes_failures_and_standings_are_counted_by_region() {
    let server = Server::builder().env("BURSAR_SYNC__INTERVAL_SECONDS", "1").start().await;
    let world = World::on(&server).await;
    world.plant("taken");
    world.attach(json!({})).await;
    for name in ["one", "two", "taken"] {
        world.account.create(basic(name)).await;
    }
    for (name, state) in [("one", "synced"), ("two", "synced"), ("taken", "error")] {
        world.until(name, state).await;
    }
    world.account.manager.delete("credentials/two?purge=true").await.expect(204);
    let region = &world.region;
    let wanted = [
        format!("bursar_sync_pushes_total{{region=\"{region}\"}} 2"),
        format!("bursar_sync_removals_total{{region=\"{region}\"}} 1"),
        format!("bursar_sync_failures_total{{region=\"{region}\",reason=\"foreign\"}}"),
        format!("bursar_sync_lag_seconds_count{{region=\"{region}\"}} 2"),
        format!("bursar_sync_pairs{{region=\"{region}\",state=\"synced\"}} 1"),
        format!("bursar_sync_pairs{{region=\"{region}\",state=\"error\"}} 1"),
    ];
    let mut text = String::new();
    let counted = async || {
        let reply = world.account.operator.get("/metrics").await;
        text = String::from_utf8_lossy(&reply.bytes).into_owned();
        wanted.iter().all(|line| text.contains(line))
    };
    assert!(eventually(PATIENCE, counted).await, "{wanted:?} are not all in {text}");
}
