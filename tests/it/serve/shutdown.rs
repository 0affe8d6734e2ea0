//! Graceful shutdown.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::samples::basic;
use crate::support::server::{binary, eventually};
use crate::support::tools::run;
use crate::support::{Account, Server};

/// What is under way is answered; what is acknowledged is there after a
/// restart; the lock on the data folder is given up.
#[tokio::test]
async fn requests_under_way_are_answered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::builder().data_dir(folder.path()).start().await;
    let account = Account::on(&server).await;

    // The broker asks for the body: the request is under way and waits for us.
    let body = basic("late").to_string();
    let mut connection = TcpStream::connect(server.address()).expect("a connection");
    let head = format!(
        "POST /v1/accounts/{}/credentials HTTP/1.1\r\nhost: bursar\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        account.name,
        account.manager.token(),
        body.len()
    );
    connection.write_all(head.as_bytes()).expect("the head is sent");
    let mut first = [0; 25];
    connection.read_exact(&mut first).expect("an interim answer");
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");

    signal(&server, "TERM");
    let closed = async || TcpStream::connect(server.address()).is_err();
    assert!(eventually(Duration::from_mins(1), closed).await, "nobody new is let in");
    assert!(server.is_running(), "somebody is still being served");
    connection.write_all(body.as_bytes()).expect("the body is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    until_gone(&server).await;
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
    let (name, token) = (account.name.clone(), account.manager.token().to_owned());
    drop((account, server));

    let server = Server::builder().data_dir(folder.path()).start().await;
    server.with_token(&token).within(&name).get("credentials/late").await.expect(200);
    assert_eq!(server.operator().act("/v1/audit/verify").await.expect(200)["problems"], json!([]));
    signal(&server, "INT");
    until_gone(&server).await;
}

#[test]
fn it_ends_with_success_on_a_signal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    // The token's file is there once the store is: signals are heard by then.
    while !folder.path().join("operator-token").is_file() && start.elapsed() < Duration::from_mins(2) {
        std::thread::sleep(Duration::from_millis(20));
    }
    run(Command::new("kill").args(["-s", "TERM", &child.id().to_string()])).output();
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}");
}

/// Two brokers on one data folder would each believe to be alone.
#[tokio::test]
async fn a_data_folder_has_one_broker() {
    let server = Server::builder().start().await;
    let mut second = Command::new(binary());
    let ran = run(second.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(server.data_dir()));
    assert!(!ran.ok);
    assert!(ran.stderr.contains("in use") || ran.stderr.contains("another"), "{}", ran.stderr);
    server.operator().get("/v1/me").await.expect(200);
}

fn signal(server: &Server, name: &str) {
    run(Command::new("kill").args(["-s", name, &server.pid().to_string()])).output();
}

async fn until_gone(server: &Server) {
    let gone = async || !server.is_running();
    assert!(eventually(Duration::from_mins(1), gone).await, "{}", server.log());
}
