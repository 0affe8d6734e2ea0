//! No secret value comes out but where it was asked for.
//!
//! Canaries are planted wherever a client can put a secret, in good requests and
//! in broken ones, with the log at its most talkative; then everything the
//! broker wrote or answered is searched for them, in every usual encoding.

pub(crate) mod canary;
mod walk;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::json;

use canary::{Canaries, Canary};

use crate::support::server::binary;
use crate::support::{Reply, Server};

/// No secret is in an answer that was not asked for it, nor in any file in the clear (S0-02, S3-02).
#[tokio::test]
async fn no_canary_is_found_where_it_does_not_belong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let canaries = Canaries::default();
    let server = talkative(&data_dir).await;
    let operator_token = Canary::of("the operator's token", server.operator_token());

    // Answers that must not hold a secret are recorded; the others are not.
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let operator = server.operator().recording(&recorded);
    walk::every_route(&server, &operator, &canaries).await;
    let runs = walk::command_line(&server, folder.path(), &canaries);

    let audit = serde_json::to_vec(&server.operator().all("/v1/audit?limit=500").await).expect("JSON");
    let metrics = server.operator().get("/metrics").await.assert_status(200).bytes.clone();
    let backup = server.operator().call(reqwest::Method::POST, "/v1/backup").json(&json!({})).send().await;
    backup.assert_status(200);
    let process = Path::new("/proc").join(server.pid().to_string());
    let arguments = std::fs::read(process.join("cmdline")).expect("the process runs");
    let environment = std::fs::read(process.join("environ")).expect("the process runs");
    let memory_free_log = server.log();
    crate::crash::stop(server).await;

    let mut all = canaries.all();
    all.push(operator_token);
    assert!(all.len() > 20, "only {} canaries were planted", all.len());
    for canary in &all {
        for reply in recorded.lock().expect("no thread panicked").iter() {
            canary.not_in(&format!("the answer to {} {}", reply.method, reply.path), &whole(reply));
        }
        for (command, output) in &runs {
            canary.not_in(&format!("stderr of {command}"), &output.stderr);
            canary.not_in(&format!("stdout of {command}"), &output.stdout);
        }
        canary.not_in("the log", memory_free_log.as_bytes());
        canary.not_in("the audit trail", &audit);
        canary.not_in("the metrics", &metrics);
        canary.not_in("the backup", &backup.bytes);
        canary.not_in("the process's arguments", &arguments);
        canary.not_in("the process's environment", &environment);
    }
    for name in canaries.names() {
        name.not_in("the backup", &backup.bytes);
    }
    assert!(memory_free_log.contains("TRACE"), "the log was not at its most talkative");
    for file in files(&data_dir) {
        let bytes = std::fs::read(&file).expect("a readable file");
        // The one place that is meant to hold it.
        let is_token_file = file.ends_with("operator-token");
        let beside: Vec<Canary> = canaries.all().into_iter().chain(canaries.names()).collect();
        for canary in beside.iter().chain(all.last().filter(|_| !is_token_file)) {
            canary.not_in(&file.display().to_string(), &bytes);
        }
    }
}

/// That the search above would find what it looks for.
#[test]
fn a_canary_is_found_in_every_usual_encoding() {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
    let canary = Canary::new("a test");
    let text = canary.text();
    let reversed: String = text.chars().rev().collect();
    let around = [
        text.to_owned(),
        json!(text).to_string(),
        reversed,
        hex::encode(text),
        hex::encode_upper(text),
        BASE64_STANDARD.encode(text),
        BASE64_STANDARD.encode(format!("octo:{text}")),
        BASE64_STANDARD.encode(format!("a:{text}:more")),
        BASE64_URL_SAFE_NO_PAD.encode(format!("ab{text}")),
        BASE64_STANDARD.encode(BASE64_STANDARD.encode(text)),
        text.replace('+', "%2B").replace('/', "%2F").replace('"', "%22"),
        format!("{:?}", text.as_bytes()),
    ];
    for encoded in around {
        assert!(canary.is_in(encoded.as_bytes()), "{encoded}");
    }
    assert!(!canary.is_in(Canary::new("another").text().as_bytes()));
}

/// A server whose log holds all there is to log.
async fn talkative(data_dir: &Path) -> Server {
    let server = Server::builder().data_dir(data_dir).env("BURSAR_LOG__LEVEL", "trace").env("RUST_LOG", "trace");
    server.start().await
}

/// Headers and body.
fn whole(reply: &Reply) -> Vec<u8> {
    let mut text = format!("{:?}\n", reply.headers).into_bytes();
    text.extend_from_slice(&reply.bytes);
    text
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// A run of the client with a home of its own.
fn cli(server: &Server, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .env("HOME", folder)
        .env("BURSAR_ADDR", server.base())
        .env("BURSAR_TOKEN_FILE", server.data_dir().join("operator-token"))
        .env("RUST_LOG", "trace")
        .output()
        .expect("the client runs")
}
