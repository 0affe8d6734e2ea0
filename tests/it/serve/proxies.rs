//! The client's address behind a real nginx.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use reqwest::header::HeaderName;

use crate::support::server::{eventually, free_port};
use crate::support::{Client, Server};

/// nginx with this in its location; ends with it.
struct Nginx {
    process: Child,
    _folder: tempfile::TempDir,
    base: String,
}

impl Nginx {
    async fn before(server: &Server, adds: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder.path(), port, server.base(), adds)).expect("its configuration");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let process = command.spawn().expect("nginx runs: install nginx-light");
        let base = format!("http://127.0.0.1:{port}");
        let nginx = Self { process, _folder: folder, base };
        let http = reqwest::Client::new();
        let answers = async || http.get(format!("{}/healthz", nginx.base)).send().await.is_ok();
        assert!(eventually(Duration::from_secs(20), answers).await, "nginx does not answer");
        nginx
    }

    /// The operator's client through it.
    fn client(&self, server: &Server) -> Client {
        Client::new(reqwest::Client::new(), self.base.clone(), Some(server.operator_token().to_owned()))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Without a master there is one process.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(folder: &Path, port: u16, upstream: &str, adds: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display()))
        .join(" ");
    format!(
        "daemon off; master_process off; pid {0}/pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off; {temporary}\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {upstream}; {adds} }} }} }}\n",
        folder.display()
    )
}

/// The client of the last record that making an account left, made with headers
/// of the client's own.
async fn client_of_record(client: &Client, direct: &Client, claims: &[(&str, &str)]) -> String {
    let name = crate::support::account::unique("proxied");
    let mut call = client.call(reqwest::Method::POST, "/v1/accounts").json(&serde_json::json!({ "name": name }));
    for (header, value) in claims {
        assert!(HeaderName::try_from(*header).is_ok());
        call = call.header(header, value);
    }
    let made = call.send().await.expect(201);
    let events = direct.all("/v1/audit").await;
    let event = events.iter().find(|event| event["account"] == made["id"] && event["action"] == "account.create");
    event.expect("a record of it")["client"].as_str().expect("a client").to_owned()
}

#[tokio::test]
async fn the_record_names_the_client_that_trusted_proxies_saw() {
    let server = Server::builder().env("BURSAR_SERVER__TRUSTED_PROXIES", "127.0.0.1").start().await;
    let direct = server.operator();
    // The usual nginx: adds whom it saw. A client elsewhere is played by what
    // it adds beyond 127.0.0.1, which is trusted and so skipped.
    let adding = Nginx::before(&server, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;").await;
    let through = adding.client(&server);
    assert_eq!(client_of_record(&through, &direct, &[]).await, "127.0.0.1");
    let elsewhere = [("x-forwarded-for", "1.1.1.1, 198.51.100.7")];
    assert_eq!(client_of_record(&through, &direct, &elsewhere).await, "198.51.100.7");
    // nginx passes `Forwarded` on as it came.
    let spoofed = [("forwarded", "for=9.9.9.9")];
    assert_eq!(client_of_record(&through, &direct, &spoofed).await, "127.0.0.1");
    let setting = Nginx::before(&server, "proxy_set_header X-Forwarded-For 203.0.113.9;").await;
    assert_eq!(client_of_record(&setting.client(&server), &direct, &elsewhere).await, "203.0.113.9");
}

#[tokio::test]
async fn a_client_that_is_no_trusted_proxy_cannot_say_who_it_is() {
    let server = Server::builder().env("BURSAR_SERVER__TRUSTED_PROXIES", "10.0.0.0/8").start().await;
    let direct = server.operator();
    let claims = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")];
    assert_eq!(client_of_record(&direct, &direct, &claims).await, "127.0.0.1");
}
