//! Graceful shutdown.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::support::samples::basic;
use crate::support::server::binary;
use crate::support::tools::run;
use crate::support::{Account, Server};

/// What is under way is answered; what is acknowledged is there after a
/// restart; the lock on the data folder is given up.
#[tokio::test]
async fn requests_under_way_are_answered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::builder().data_dir(folder.path()).start().await;
    let account = Account::on(&server).await;
    account.create(basic("first")).await;

    let bodies: Vec<_> = (0..20).map(|n| basic(&format!("c{n}"))).collect();
    let creating = join_all(bodies.into_iter().map(|body| account.manager.post("credentials", body)));
    let ending = async {
        // Only once they have been sent, or there is nothing under way.
        let seen = async || account.operator.all("credentials").await.len() > 1;
        assert!(crate::support::server::eventually(Duration::from_secs(30), seen).await);
        signal(&server, "TERM");
    };
    let (replies, ()) = tokio::join!(creating, ending);
    assert!(replies.iter().all(|reply| reply.status == 201), "each got its answer");
    until_gone(&server).await;
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
    let (name, token) = (account.name.clone(), account.manager.token().to_owned());
    drop((account, server));

    let server = Server::builder().data_dir(folder.path()).start().await;
    let manager = server.with_token(&token).within(&name);
    assert_eq!(manager.all("credentials").await.len(), 21);
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
    assert!(crate::support::server::eventually(Duration::from_mins(1), gone).await, "{}", server.log());
}
