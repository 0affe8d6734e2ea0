//! On real sockets: TLS, shutdown, and what is written down at the end.

use std::net::TcpListener;
use std::time::Duration;

use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::plugin::PluginError;
use bursar_server::{ServeError, ServerConfig, TlsFiles, TlsIdentity, serve};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{PROVIDER, TestApp};

fn start(test: &TestApp, tls: Option<TlsIdentity>) -> (u16, CancellationToken, JoinHandle<Result<(), ServeError>>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve(test.app.clone(), socket, tls, shutdown.clone()));
    (port, shutdown, server)
}

#[tokio::test]
async fn refused_tokens_become_one_record_per_prefix() {
    let test = TestApp::new().await;
    let (port, shutdown, server) = start(&test, None);
    let url = format!("http://127.0.0.1:{port}/v1/me");
    let client = reqwest::Client::new();
    for _ in 0..7 {
        let answer = client.get(&url).bearer_auth("brs_user_nonsense").send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    let answer = client.get(&url).bearer_auth(&test.operator).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["operator"], true);
    drop(client);
    shutdown.cancel();
    server.await.unwrap().unwrap();

    let refused: Vec<_> = test.store.events().into_iter().filter(|event| event.action == Action::AuthRefused).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].client.as_deref(), Some("127.0.0.0/24"));
    assert_eq!((refused[0].outcome, refused[0].detail.clone()), (Outcome::Denied, Some(json!({"count": 7}))));

    // The last use of the operator's token was written down as well.
    let tokens = test.call("GET", "/v1/tokens", Value::Null).await.json();
    assert!(tokens["items"][0]["lastUsedAt"].is_string(), "{tokens}");
}

#[tokio::test]
async fn a_request_in_flight_ends_before_the_server_does() {
    let test = TestApp::new().await;
    test.credential("web").await;
    let (port, shutdown, server) = start(&test, None);
    let url = format!("http://127.0.0.1:{port}/v1/accounts/default/credentials/web/materialize");
    let body = json!({"format": "slow"});
    let request = reqwest::Client::new().post(&url).bearer_auth(&test.operator).json(&body).send();
    let request = tokio::spawn(request);
    test.plugins.entered.notified().await;
    shutdown.cancel();
    tokio::task::yield_now().await;
    assert!(!server.is_finished());
    test.plugins.release.notify_one();
    let answer = request.await.unwrap().unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["artifacts"][0]["content"], "late");
    server.await.unwrap().unwrap();
    assert!(reqwest::get(format!("http://127.0.0.1:{port}/healthz")).await.is_err());
}

#[tokio::test]
async fn requests_that_never_end_do_not_hold_the_server_up() {
    let config = ServerConfig { drain_timeout: Duration::from_millis(50), ..ServerConfig::default() };
    let test = TestApp::with(config).await;
    test.credential("web").await;
    let (port, shutdown, server) = start(&test, None);
    let url = format!("http://127.0.0.1:{port}/v1/accounts/default/credentials/web/materialize");
    let body = json!({"format": "slow"});
    let request = reqwest::Client::new().post(&url).bearer_auth(&test.operator).json(&body).send();
    let request = tokio::spawn(request);
    test.plugins.entered.notified().await;
    shutdown.cancel();
    server.await.unwrap().unwrap();
    assert!(request.await.unwrap().is_err());
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let config = ServerConfig { head_timeout: Duration::from_millis(50), ..ServerConfig::default() };
    let test = TestApp::with(config).await;
    let (port, shutdown, server) = start(&test, None);
    for words in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost:"] {
        let mut client = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(words.as_bytes()).await.unwrap();
        // Ends only when the server closes the connection.
        client.read_to_end(&mut Vec::new()).await.unwrap();
    }
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn tls_is_spoken_with_the_files_given() {
    let test = TestApp::new().await;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let tls = TlsFiles { certificate: folder.path().join("cert.pem"), private_key: folder.path().join("key.pem") };
    std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
    std::fs::write(&tls.private_key, made.signing_key.serialize_pem()).unwrap();
    let (port, shutdown, server) = start(&test, Some(TlsIdentity::read(tls.clone()).unwrap()));
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
    let answer = client.get(format!("https://localhost:{port}/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(client);
    shutdown.cancel();
    server.await.unwrap().unwrap();

    std::fs::write(&tls.private_key, "not a key").unwrap();
    assert!(matches!(TlsIdentity::read(tls).err().unwrap(), ServeError::PrivateKey { .. }));
}

#[tokio::test]
async fn what_was_cut_off_is_cleaned_up_after_a_start() {
    let test = TestApp::new().await;
    let zone = json!({"type": PROVIDER, "name": "zone", "data": {"username": "u", "password": "p"}});
    assert_eq!(test.call("POST", "/v1/accounts/default/credentials", zone).await.status, 201);
    let broken = PluginError::Unavailable("the connection broke".to_owned());
    test.plugins.refusals.lock().unwrap().push_back(broken);
    let body = json!({"fqdn": "_acme-challenge.example.com", "value": "v"});
    let path = "/v1/accounts/default/credentials/zone/dns/present";
    test.call("POST", path, body).await.problem(503, "unavailable");

    test.clock.advance(Duration::from_mins(3));
    let (_, shutdown, server) = start(&test, None);
    while test.plugins.done.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.cancel();
    server.await.unwrap().unwrap();
    assert_eq!(*test.plugins.done.lock().unwrap(), ["cleanup _acme-challenge.example.com v"]);
}
