//! Bodies that mean harm: many values in few bytes, many at once, and halves
//! that are held back. The broker's memory is bounded whoever sends them.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::server::eventually;
use crate::support::{Account, Server};

const AT_ONCE: usize = 60;
/// So much may one run of 60 bodies take at most. Before bodies were bounded the
/// same took gigabytes; the half is other work of a debug build.
const BOUND_KIB: u64 = 160 * 1024;

/// A token that may do nothing sends bodies that would be large as trees: none
/// is read, and each is told.
#[tokio::test]
async fn who_may_not_is_answered_before_the_body_is_read() {
    let server = Server::builder().start().await;
    let account = Account::on(&server).await;
    let target = format!("/v1/accounts/{}/credentials", account.name);
    let token = account.auditor.token().to_owned();
    let before = resident_peak(&server);
    let body = objects(2 << 20);
    let statuses = join_all((0..AT_ONCE).map(|_| send(&server, &target, &token, &body))).await;
    let after = resident_peak(&server);
    println!("{AT_ONCE} x 2 MiB by who may not: peak {before} -> {after} KiB");
    assert!(statuses.iter().all(|status| *status == 403), "each is told, though it sent first: {statuses:?}");
    assert!(after - before < BOUND_KIB, "{before} -> {after} KiB");
}

/// Who may is bounded by what one body may hold.
#[tokio::test]
async fn many_values_in_few_bytes_are_not_built() {
    let server = Server::builder().start().await;
    let account = Account::on(&server).await;
    let target = format!("/v1/accounts/{}/credentials", account.name);
    let token = account.manager.token().to_owned();
    let before = resident_peak(&server);
    let body = objects(256 << 10);
    let statuses = join_all((0..AT_ONCE).map(|_| send(&server, &target, &token, &body))).await;
    let within = objects(46_000);
    let within = join_all((0..AT_ONCE).map(|_| send(&server, &target, &token, &within))).await;
    let after = resident_peak(&server);
    println!("{AT_ONCE} x 256 KiB and x 46 kB by who may: peak {before} -> {after} KiB");
    assert!(statuses.iter().all(|status| [413, 429].contains(status)) && statuses.contains(&413), "{statuses:?}");
    assert!(within.iter().all(|status| [422, 429].contains(status)) && within.contains(&422), "{within:?}");
    assert!(after - before < BOUND_KIB, "{before} -> {after} KiB");
    let problem = account.manager.post("credentials", json!(vec![0; 20_001])).await.expect(413);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("limits.body_nodes")), "{problem}");
}

/// Halves that are held back keep little, their own token is asked to wait, and
/// others go on.
#[tokio::test]
async fn held_halves_keep_little_and_nobody_else() {
    let server = Server::builder()
        .env("BURSAR_LIMITS__BODY_BYTES_IN_FLIGHT_PER_TOKEN", "4194304")
        .env("BURSAR_LIMITS__CONNECTIONS_PER_ADDRESS", "2000")
        .start()
        .await;
    let account = Account::on(&server).await;
    let target = format!("/v1/accounts/{}/resolve", account.name);
    let token = account.manager.token().to_owned();
    let half = vec![b' '; 200 << 10];
    let before = resident(&server);
    let held = join_all((0..700).map(|_| async {
        let mut stream = connect(&server).await;
        // Who is told to wait may close while it is written to.
        drop(stream.write_all(&head(&target, &token, 250 << 10)).await);
        drop(stream.write_all(&half).await);
        stream
    }))
    .await;
    // What was refused has been, and what is held is held.
    let status = async || account.manager.post("resolve", json!({ "pad": "x".repeat(200 << 10) })).await.status;
    let waits = async || status().await == 429;
    assert!(eventually(Duration::from_secs(20), waits).await, "the token's own bodies are bounded");
    account.admin.post("resolve", json!({ "consumer": "app:web", "slot": "image-pull" })).await.expect(404);
    let during = resident(&server);
    println!("700 halves of 200 KiB held: resident {before} -> {during} KiB");
    assert!(during - before < 64 * 1024, "{before} -> {during} KiB");
    drop(held);
    let comes_back = async || status().await == 422;
    assert!(eventually(Duration::from_mins(1), comes_back).await, "what was held comes back");
}

/// Every operation with a body decides the right first: its answer comes though
/// not one byte of the body does.
#[tokio::test]
async fn no_operation_reads_the_body_of_who_may_not() {
    let server = Server::builder().start().await;
    let account = Account::on(&server).await;
    let foreign = Account::on(&server).await;
    let document = server.anonymous().get("/openapi.json").await.expect(200);
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if operation.get("requestBody").is_none() {
                continue;
            }
            seen += 1;
            let target = filled(path, &foreign.name);
            let token = account.admin.token();
            let status = answer_without_body(&server, &method.to_uppercase(), &target, token).await;
            let expected = if path.contains("{account}") { 404 } else { 403 };
            assert_eq!(status, expected, "{method} {path} of a foreign account");
        }
    }
    assert!(seen >= 20, "only {seen} operations take a body");
    let events = server.operator().all("/v1/audit").await;
    let denied = events.iter().filter(|event| event["outcome"] == "denied").count();
    assert!((1..=seen).contains(&denied), "each refusal is recorded once at most: {denied} of {seen}");
}

/// `path` with the account put in, and something for each of the others.
fn filled(path: &str, account: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{account}" => account.to_owned(),
        "{version}" => "1".to_owned(),
        part if part.starts_with('{') => "some".to_owned(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn answer_without_body(server: &Server, method: &str, target: &str, token: &str) -> u16 {
    let mut stream = connect(server).await;
    let head = String::from_utf8(head(target, token, 1000)).expect("text").replacen("POST", method, 1);
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    status(&mut stream).await
}

/// `[{"":0},...]` of so many bytes.
fn objects(bytes: usize) -> Vec<u8> {
    let unit = br#"{"":0},"#;
    let mut text = b"[".to_vec();
    while text.len() + unit.len() + 2 < bytes {
        text.extend_from_slice(unit);
    }
    text.extend_from_slice(b"0]");
    text
}

async fn send(server: &Server, target: &str, token: &str, body: &[u8]) -> u16 {
    let mut stream = connect(server).await;
    stream.write_all(&head(target, token, body.len())).await.expect("the head is sent");
    // All of it before the answer is read, as many clients do.
    stream.write_all(body).await.expect("the body is sent");
    status(&mut stream).await
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.expect("it listens")
}

fn head(target: &str, token: &str, length: usize) -> Vec<u8> {
    format!(
        "POST {target} HTTP/1.1\r\nHost: broker\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

async fn status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut start)).await;
    read.expect("an answer without the body").expect("an answer");
    let text = String::from_utf8_lossy(&start).into_owned();
    text.strip_prefix("HTTP/1.1 ").and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

fn resident_peak(server: &Server) -> u64 {
    memory(server, "VmHWM:")
}

fn resident(server: &Server) -> u64 {
    memory(server, "VmRSS:")
}

fn memory(server: &Server, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the process lives");
    let found = status.lines().find_map(|text| text.strip_prefix(line)).expect("a figure");
    found.trim().trim_end_matches(" kB").parse().expect("a number")
}
