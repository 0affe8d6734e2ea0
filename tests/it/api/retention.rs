//! An audit trail that is larger than it may be: the oldest of it leaves the store
//! for files, and both prove themselves.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::crash::stop;
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_the_store_is_in_files_that_prove_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let server = Server::builder().data_dir(&data).start().await;
    let account = Account::on(&server).await;
    account.create(basic("zebra-login")).await;
    for _ in 0..22 {
        join_all((0..100).map(|_| account.operator.post("credentials/zebra-login/reveal", json!({})))).await;
    }
    let witness = server.operator().get("/v1/audit/checkpoint").await.expect(200);
    assert!(!data.join("audit-segments").exists(), "it is smaller than it may be");
    stop(server).await;

    let server = Server::builder().data_dir(&data).env("BURSAR_AUDIT__MAX_BYTES", "100000").start().await;
    let operator = server.operator();
    let segments = || files(&data.join("audit-segments"));
    assert!(eventually(Duration::from_mins(1), async || segments().len() > 1).await, "{}", server.log());
    // Until it rests.
    let mut seen = 0;
    let rests = async || std::mem::replace(&mut seen, segments().len()) == seen && first_record(&server).await > 1;
    assert!(eventually(Duration::from_mins(1), rests).await);
    let report = operator.act("/v1/audit/verify").await.expect(200);
    assert_eq!(report["problems"], json!([]));
    let prunes = operator.all("/v1/audit?action=audit.prune").await;
    assert!(!prunes.is_empty() && prunes.iter().all(|entry| entry["outcome"] == "ok"));
    let client = server.with_token(account.operator.token()).within(&account.name);
    client.post("credentials/zebra-login/reveal", json!({})).await.expect(200);
    let kept = operator.all("/v1/audit").await.len();
    stop(server).await;

    let files = segments();
    for file in &files {
        let mode = std::fs::metadata(file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let bytes = std::fs::read(file).expect("the file");
        for word in ["zebra", "reveal", "127.0.0.1"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{word} can be read");
        }
    }
    let cli = Cli::bare();
    let data_dir = data.to_str().expect("text");
    let witness_file = cli.file("witness.json", witness.to_string());
    let verify = |segments: &[PathBuf], more: &[&str]| {
        let mut arguments = vec!["audit", "verify", "--data-dir", data_dir, "--output", "json"];
        for file in segments {
            arguments.extend(["--segment", file.to_str().expect("text")]);
        }
        cli.run(&[&arguments[..], more].concat())
    };
    let of_store = verify(&[], &[]).ok().json();
    let whole = verify(&files, &["--checkpoint", witness_file.to_str().expect("text")]).ok().json();
    let entries = |report: &Value| report["entries"].as_u64().expect("a number");
    let exported: usize = files.iter().map(|file| exported(&cli, data_dir, file).len()).sum();
    assert_eq!(entries(&whole), entries(&of_store) + exported as u64);
    assert!(entries(&of_store) >= kept as u64);
    let last = exported_actions(&exported_entries(&cli, data_dir, &files));
    assert!(last.contains(&"installation.init".to_owned()), "the oldest are there: {last:?}");

    // One bit of one file.
    let mut bytes = std::fs::read(&files[0]).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let bent = cli.file("bent.segment", &bytes);
    verify(&[&[bent][..], &files[1..]].concat(), &[]).code(1);
    // A running broker has the store: the API takes no files.
    let server = Server::builder().data_dir(&data).start().await;
    verify(&files, &[]).code(2);
    stop(server).await;
}

async fn first_record(server: &Server) -> u64 {
    let entries = server.operator().all("/v1/audit?limit=500").await;
    entries.last().and_then(|entry| entry["seq"].as_u64()).expect("an entry")
}

fn exported(cli: &Cli, data_dir: &str, file: &Path) -> Vec<Value> {
    let file = file.to_str().expect("text");
    let lines = cli.run(&["audit", "export", "--segment", file, "--data-dir", data_dir]).ok().stdout;
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn exported_entries(cli: &Cli, data_dir: &str, files: &[PathBuf]) -> Vec<Value> {
    files.iter().flat_map(|file| exported(cli, data_dir, file)).collect()
}

fn exported_actions(entries: &[Value]) -> Vec<String> {
    let mut actions: Vec<String> =
        entries.iter().map(|entry| entry["action"].as_str().expect("an action").to_owned()).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// The segments, the oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let first = |path: &PathBuf| -> u64 {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        name.rsplit('-').nth(1).and_then(|number| number.parse().ok()).expect("a number")
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    files.sort_by_key(first);
    files
}
