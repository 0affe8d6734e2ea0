//! A node whose clock is wrong, by libfaketime.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{check, until_ready, verbose};
use crate::support::Server;
use crate::support::cluster::Cluster;
use crate::support::server::{Builder, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_told_and_one_that_is_far_off_is_not_ready() {
    let (cluster, first) = Cluster::of(Server::builder()).await;
    let offset = cluster.data_dir("offset");
    let set = |text: &str| std::fs::write(&offset, text).expect("the offset's file");
    set("+0");
    let late = cluster.node("late", faketime(&offset)).start().await;
    let ahead = async || verbose(&late).await["nodes"].as_array().and_then(|nodes| of_this(nodes));
    assert!(ahead().await.expect("a database has a clock").abs() < 2_000);

    set("+20");
    let is_off = async || ahead().await.is_some_and(|ms| (18_000..22_000).contains(&ms));
    assert!(eventually(Duration::from_secs(10), is_off).await, "{}", verbose(&late).await);
    late.anonymous().get("/readyz").await.expect(200);
    assert!(late.log().contains("clock is ahead of the database's"), "{}", late.log());
    let metrics = late.operator().get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let told = metrics.lines().find(|line| line.starts_with("bursar_clock_ahead_seconds")).expect("a metric");
    assert!(told.ends_with("19.9") || told.contains(" 20") || told.contains(" 19."), "{told}");
    assert!(metrics.contains("bursar_nodes{state=\"live\"} 2"), "{metrics}");

    set("-90");
    let unready = async || late.anonymous().get("/readyz").await.status == 503;
    assert!(eventually(Duration::from_secs(10), unready).await);
    let told = verbose(&late).await;
    let said = check(&told, "clock")["detail"].as_str().expect("a reason").to_owned();
    assert!(said.contains("behind the database's: set it right"), "{said}");
    // The others see it, and go on.
    let seen = async || {
        let told = verbose(&first).await;
        let mut nodes = told["nodes"].as_array().expect("nodes").iter();
        nodes.any(|node| node["clockAheadMs"].as_i64().is_some_and(|ms| (-92_000..-88_000).contains(&ms)))
    };
    assert!(eventually(Duration::from_secs(10), seen).await, "{}", verbose(&first).await);
    first.anonymous().get("/readyz").await.expect(200);
    set("+0");
    until_ready(&late, Duration::from_secs(10)).await;
}

/// What the node that was asked says of its clock.
fn of_this(nodes: &[serde_json::Value]) -> Option<i64> {
    nodes.iter().find(|node| node["this"] == true)?["clockAheadMs"].as_i64()
}

/// A broker whose time is off by what the file says, from one moment to the next.
pub(crate) fn faketime(offset: &Path) -> Builder {
    Server::builder()
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", offset)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

fn library() -> PathBuf {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let paths = folders.map(|folder| Path::new(folder).join("faketime/libfaketimeMT.so.1"));
    paths.into_iter().find(|path| path.is_file()).expect("libfaketime is not installed: the Debian package `faketime`")
}
