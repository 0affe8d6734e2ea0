use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::pki::{P256, Workshop};
use crate::support::samples::{basic, tls_with};
use crate::support::server::{eventually, free_port};
use crate::support::tools::{locate, run, tool};
use crate::support::{Account, Guarded};

/// A real nginx with the files as they come: TLS and basic authentication (S0-10, S0-11).
#[tokio::test]
async fn nginx_serves_with_the_files() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    let made = workshop.hierarchy(P256, "localhost");
    let mut body = tls_with("www", &made.leaf);
    body["data"]["chain"] = json!(made.intermediate.certificate);
    account.create(body).await;
    account.create(basic("staging")).await;

    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    for (name, format) in [("www", "nginx"), ("staging", "nginx/htpasswd")] {
        let files = account
            .manager
            .post(&format!("credentials/{name}/materialize"), json!({ "format": format }))
            .await
            .expect(200);
        for file in files["artifacts"].as_array().expect("artifacts") {
            let name = file["name"].as_str().expect("a name");
            std::fs::write(folder.join(name), file["content"].as_str().expect("text")).expect("a file");
        }
    }
    let port = free_port();
    let config = folder.join("nginx.conf");
    std::fs::write(&config, configuration(&folder, port)).expect("a file");
    let nginx = locate("nginx", "nginx-light");
    let arguments = ["-c".into(), config.into(), "-p".into(), folder.clone().into(), "-e".into(), "stderr".into()];
    // TERM ends the master with its workers.
    let process = Guarded::spawn(&nginx, &arguments, &[], &folder, "TERM");

    workshop.write("root.pem", &made.root.certificate);
    let status = |user: &[&str]| {
        let url = format!("https://localhost:{port}/");
        let mut curl = tool("curl", "curl");
        curl.current_dir(workshop.path()).args(["-s", "--noproxy", "*", "--cacert", "root.pem", "-o", "/dev/null"]);
        run(curl.args(["-w", "%{http_code}", "--resolve", &format!("localhost:{port}:127.0.0.1")]).args(user).arg(url))
            .stdout
    };
    let answers = eventually(Duration::from_secs(30), async || status(&[]) != "000").await;
    assert!(answers, "{}", process.output());
    assert_eq!(status(&["-u", "staging:correct horse"]), "200", "{}", process.output());
    assert_eq!(status(&["-u", "staging:wrong"]), "401");
    assert_eq!(status(&["-u", "other:correct horse"]), "401");
    assert_eq!(status(&[]), "401");
}

/// `tls.conf` is ours to be included; the rest is the least nginx needs.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nworker_processes 1;\nuser root;\npid {folder}/nginx.pid;\nerror_log stderr;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;\n  \
         fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;\n  \
         server {{\n    listen 127.0.0.1:{port} ssl;\n    include {folder}/tls.conf;\n    \
         location / {{ auth_basic \"test\"; auth_basic_user_file {folder}/auth; try_files /none @ok; }}\n    \
         location @ok {{ return 200 \"ok\"; }}\n  }}\n}}\n"
    )
}
