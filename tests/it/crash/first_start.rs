//! A first start that is cut short anywhere leaves a folder that starts.

use std::time::{Duration, Instant};

use super::{assert_verifies, stop};
use crate::support::guarded::{Guarded, arguments};
use crate::support::server::{binary, free_port};
use crate::support::{Server, account::unique};

const CUTS: u32 = 16;

#[tokio::test]
async fn a_first_start_cut_short_starts_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let begun = Instant::now();
    stop(Server::builder().data_dir(&folder.path().join("whole")).start().await).await;
    let whole = begun.elapsed();
    for cut in 0..CUTS {
        let data_dir = folder.path().join(format!("cut-{cut}"));
        kill_after(&data_dir, whole * cut / CUTS).await;
        let server = Server::builder().data_dir(&data_dir).start().await;
        let accounts = server.operator().all("/v1/accounts").await;
        assert_eq!(accounts.len(), 1, "cut {cut}: {accounts:?}");
        assert_eq!(accounts[0]["name"], "default");
        server
            .operator()
            .post("/v1/accounts", serde_json::json!({ "name": unique("after"), "title": "" }))
            .await
            .expect(201);
        stop(server).await;
        assert_verifies(&data_dir);
    }
}

#[tokio::test]
async fn a_first_start_cut_short_over_and_over_starts_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    for cut in 1..=12 {
        kill_after(&data_dir, Duration::from_millis(cut * 10)).await;
    }
    let server = Server::builder().data_dir(&data_dir).start().await;
    server.operator().get("/v1/me").await.expect(200);
    stop(server).await;
    assert_verifies(&data_dir);
}

/// Starts a broker and kills it after so long, ready or not.
pub(super) async fn kill_after(data_dir: &std::path::Path, life: Duration) {
    let output = tempfile::tempdir().expect("a temporary folder");
    let address = format!("127.0.0.1:{}", free_port());
    let mut flags = arguments(&["serve", "--listen", &address, "--data-dir"]);
    flags.push(data_dir.into());
    let process = Guarded::spawn(&binary(), &flags, &[], output.path(), "KILL");
    tokio::time::sleep(life).await;
    drop(process);
}
