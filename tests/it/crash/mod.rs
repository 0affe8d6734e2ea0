//! What a crash, or somebody at the disk, does to a broker's data.
//!
//! The broker is killed by SIGKILL while several clients write. What it had
//! acknowledged must be there after the restart; what it had not may be there
//! or not, but whole. See `world` for how that is kept track of.

mod away;
mod first_start;
mod frozen;
mod kill;
mod lost;
mod tamper;
mod world;
mod writers;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::Server;
use crate::support::server::{binary, eventually};
pub(crate) use tamper::copy_folder;

/// `bursar audit verify` on the folder of a stopped broker. The copy that it
/// makes of an unclean one must be gone afterwards.
fn verify(data_dir: &Path) -> Output {
    let home = tempfile::tempdir().expect("a temporary folder");
    let scratch = home.path().join("tmp");
    std::fs::create_dir(&scratch).expect("a folder in one of ours");
    let output = Command::new(binary())
        .args(["audit", "verify", "--data-dir"])
        .arg(data_dir)
        .env("HOME", home.path())
        .env("TMPDIR", &scratch)
        .env("NO_COLOR", "1")
        .env_remove("BURSAR_ADDR")
        .env_remove("BURSAR_TOKEN")
        .output()
        .expect("the client runs");
    let left: Vec<_> = std::fs::read_dir(&scratch).expect("still there").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    output
}

/// Everything a run said.
fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Fails unless the whole chain and every record hold.
#[track_caller]
fn assert_verifies(data_dir: &Path) {
    let output = verify(data_dir);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// Ends a server the way a service manager does, and waits for it.
pub(crate) async fn stop(server: Server) {
    signal(server.pid(), "TERM");
    assert!(eventually(Duration::from_secs(30), async || !server.is_running()).await, "{}", server.log());
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill -s {name} {pid}");
}
