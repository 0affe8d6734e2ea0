//! The receiver and the command of `docs/targets/webhook.md`, as they stand there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bursar_regions::{Removal, TargetError};

use super::{KEY, put, target};
use crate::support::guarded::{Guarded, arguments};
use crate::support::region::{open, owner, parcel};
use crate::support::scripted::Scripted;

#[tokio::test]
async fn the_receiver_takes_what_is_sent() {
    let receiver = Python::start().await;
    let target = target(&receiver.url).await;
    target.check().await.expect("it is there");
    put(&target, "push-1", "pässwörd".as_bytes()).await.expect("it is put");
    put(&target, "push-1", "pässwörd".as_bytes()).await.expect("it was put");

    // Another credential at the same place is none of the first one's.
    let mut other = owner("acme", "other");
    other.credential_name = "db".to_owned();
    let mut theirs = parcel(&other, &[("password", &[0xFE])]);
    theirs.idempotency_key = "push-2".to_owned();
    let taken = target.put("acme/db", &theirs, None).await;
    assert!(matches!(taken, Err(TargetError::Foreign(_))), "{taken:?}");
    let removal = |owner, key: &str| Removal { owner, idempotency_key: key.to_owned() };
    target.remove("acme/db", &removal(other.clone(), "removal-1"), None).await.expect("it is left alone");
    let taken = target.put("acme/db", &theirs, None).await;
    assert!(matches!(taken, Err(TargetError::Foreign(_))), "{taken:?}");

    target.remove("acme/db", &removal(owner("acme", "db"), "removal-2"), None).await.expect("it is removed");
    target.put("acme/db", &theirs, None).await.expect("the place is free");
}

#[tokio::test]
async fn the_receiver_refuses_another_key_and_an_old_signature() {
    let receiver = Python::start().await;
    let settings = serde_json::json!({ "url": receiver.url, "secret": "another-key-altogether" });
    let stranger = open("webhook", settings, None).await.expect("it opens");
    let refused = put(&stranger, "push-1", b"one").await;
    assert!(matches!(refused, Err(TargetError::Refused(_))), "{refused:?}");
    assert!(matches!(stranger.check().await, Err(TargetError::Refused(_))));

    // A request that somebody took down and sends again later, and one that says it is of now.
    let old = "1700000000";
    for time in [old, "99999999999", "", "x"] {
        let mac = openssl(time, b"");
        let response = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = response.request(reqwest::Method::OPTIONS, &receiver.url);
        let response = response.header("X-Bursar-Signature", format!("t={time},v1={mac}")).send().await;
        assert_eq!(response.expect("an answer").status(), 401, "{time}");
    }
}

#[tokio::test]
async fn the_command_makes_the_same_signature() {
    let server = Scripted::with(200, &[], "").await;
    put(&target(&server.url()).await, "push-1", "pässwörd".as_bytes()).await.expect("it is put");
    let came = server.came().remove(0);
    let header = came.headers["x-bursar-signature"].to_str().expect("text").to_owned();
    let (time, mac) = header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("its two parts");
    assert_eq!(openssl(time, &came.body), mac);
}

/// Runs the guide's command on a body.
fn openssl(time: &str, body: &[u8]) -> String {
    let (_, command) = GUIDE.split_once("By hand: `").expect("the guide has a command");
    let command = command.split_once('`').expect("its end").0;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("body.json"), body).expect("a file");
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", command]).current_dir(folder.path()).env_clear().env("PATH", "/usr/bin:/bin");
    let output = shell.env("T", time).env("KEY", KEY).output().expect("a shell");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.trim().rsplit(' ').next().expect("a digest").to_owned()
}

/// The guide's receiver, running; it ends with this.
struct Python {
    url: String,
    _process: Guarded,
}

impl Python {
    async fn start() -> Self {
        let (_, program) = GUIDE.split_once("```python\n").expect("the guide has a receiver");
        let program = program.split_once("```").expect("its end").0;
        let folder = tempfile::tempdir().expect("a folder").keep();
        let file = folder.join("receiver.py");
        std::fs::write(&file, program).expect("a file");
        let line = arguments(&[file.as_os_str(), "0".as_ref()]);
        let environment = [(OsString::from("BURSAR_KEY"), OsString::from(KEY))];
        let process = Guarded::spawn(&python(), &line, &environment, &folder, "KILL");
        for _ in 0..STARTING {
            let said = process.output();
            if let Some(port) = said.strip_prefix("listening on ").and_then(|rest| rest.split_once('\n')) {
                return Self { url: format!("http://127.0.0.1:{}/hook", port.0), _process: process };
            }
            assert!(process.is_running(), "{said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not start:\n{}", process.output());
    }
}

/// Debian's, or else the lab's.
fn python() -> PathBuf {
    let debian = Path::new("/usr/bin/python3");
    if debian.is_file() {
        return debian.to_owned();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab/bin/python")
}

const GUIDE: &str = include_str!("../../../../../docs/targets/webhook.md");
/// So many looks, fifty milliseconds apart.
const STARTING: usize = 1200;
