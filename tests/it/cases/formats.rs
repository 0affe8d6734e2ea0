//! Files whose readers have characters of their own, held against the readers.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::account::unique;
use crate::support::samples::{artifact, credential};
use crate::support::server::{eventually, free_port, workspace};
use crate::support::tools::{feed, locate, run, tool};
use crate::support::{Account, Guarded};

/// Each is written as one text that all readers read alike.
const WRITTEN: [&str; 22] = [
    "s3cret",
    "it's",
    "a b",
    " lead",
    "trail ",
    "#x",
    "a #b",
    "$(id)",
    "`id`",
    "$HOME",
    "$5",
    "\"quoted\"",
    "a\\nb",
    "a\\b",
    "=x",
    "p%s!~*&;|<>",
    "ünï 東京",
    "\u{1f511}\u{a0}x",
    "it's #1",
    "'",
    "x'",
    "\u{2028}x",
];
/// And of these no text is.
const REFUSED: [&str; 7] = ["it's $5", "a'b\"c", "pass\\", "a\\\\b", "${HOME}", "it's `x`", "'\\n"];

#[tokio::test]
async fn every_reader_of_an_environment_file_reads_the_same() {
    let account = Account::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(".env");
    for value in WRITTEN {
        let made = env_of(&account, value).await.expect(200);
        let text = artifact(&made, ".env");
        // Between others, so that a quote that is not closed takes them along.
        std::fs::write(&file, format!("FIRST='1'\n{text}LAST=\"2\"\n")).expect("a file");
        for (reader, read) in readers(folder.path()) {
            assert_eq!(read, value, "{reader} reads {text}");
        }
    }
    for value in REFUSED {
        let refused = env_of(&account, value).await;
        assert_eq!(refused.violations(), [("/password", "not-in-env")], "{value:?}: {}", refused.body);
    }
}

async fn env_of(account: &Account, value: &str) -> crate::support::Reply {
    let name = unique("c");
    account.create(credential("basic-auth", &name, json!({ "username": "ann", "password": value }))).await;
    account.manager.post(&format!("credentials/{name}/materialize"), json!({ "format": "env" })).await
}

/// What each reader makes of `BASIC_AUTH_PASSWORD` in `.env`.
fn readers(folder: &Path) -> Vec<(&'static str, String)> {
    let lab = workspace().join("target/lab");
    assert!(lab.join("node_modules/dotenv").is_dir(), "{} is not whole: make it with `cargo xtask lab`", lab.display());
    let shell = "set -a; . ./.env; printf %s \"$BASIC_AUTH_PASSWORD\"";
    let script = "process.stdout.write(process.env.BASIC_AUTH_PASSWORD)";
    let dotenv = format!(
        "process.stdout.write(require({:?}).parse(require('fs').readFileSync('.env')).BASIC_AUTH_PASSWORD)",
        lab.join("node_modules/dotenv").display().to_string()
    );
    let python = "import sys, dotenv; sys.stdout.write(dotenv.dotenv_values('.env')['BASIC_AUTH_PASSWORD'])";
    let mut python_dotenv = std::process::Command::new(lab.join("bin/python"));
    python_dotenv.env_clear().env("HOME", folder).env("PYTHONIOENCODING", "utf-8").env("LC_ALL", "C.UTF-8");
    vec![
        ("sh", run(tool("sh", "dash").args(["-c", shell]).current_dir(folder)).output()),
        ("node", run(tool("node", "nodejs").args(["--env-file=.env", "-e", script]).current_dir(folder)).output()),
        ("dotenv", run(tool("node", "nodejs").args(["-e", &dotenv]).current_dir(folder)).output()),
        ("python-dotenv", run(python_dotenv.args(["-c", python]).current_dir(folder)).output()),
        ("docker compose", compose(&lab, folder)),
    ]
}

fn compose(lab: &Path, folder: &Path) -> String {
    let packages = std::fs::read_dir(lab.join("lib")).expect("the lab's Python").flatten();
    let programs = packages.map(|python| python.path().join("site-packages/compose/docker-compose"));
    let program = programs.into_iter().find(|program| program.is_file()).expect("`cargo xtask lab` brings it");
    std::fs::write(folder.join("compose.yaml"), "services:\n  s:\n    image: x\n    env_file: [.env]\n")
        .expect("a file");
    let mut command = std::process::Command::new(program);
    command.env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin").current_dir(folder);
    let shown = run(command.args(["config", "--format", "json"])).output();
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let read = shown["services"]["s"]["environment"]["BASIC_AUTH_PASSWORD"].as_str().expect("a value");
    // What it prints is a compose file again, where a dollar is written twice.
    read.replace("$$", "$")
}

/// `#` starts a comment in a htpasswd file, for nginx as for Apache.
#[tokio::test]
async fn a_user_whom_no_htpasswd_file_can_name_is_refused() {
    let account = Account::new().await;
    for username in ["#admin", " admin", "\u{a0}admin"] {
        let name = unique("c");
        let data = json!({ "username": username, "password": "s3cret" });
        account.create(credential("basic-auth", &name, data)).await;
        let path = format!("credentials/{name}/materialize");
        let refused = account.manager.post(&path, json!({ "format": "nginx/htpasswd" })).await;
        assert_eq!(refused.violations(), [("/username", "not-in-htpasswd")], "{}", refused.body);
        let login = account.manager.post(&path, json!({ "format": "login" })).await.expect(200);
        assert_eq!(artifact(&login, "username"), username);
    }
}

/// nginx lets those in whom the file names; the line that we refuse it would
/// pass over.
#[tokio::test]
async fn nginx_reads_the_users_of_htpasswd_files() {
    let account = Account::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    let (mut lines, mut users) = (String::new(), Vec::new());
    for username in ["admin#", "a#b", "a b", "ünï", "\\x", "\"q\"", "%41"] {
        let name = unique("c");
        let data = json!({ "username": username, "password": "s3cret" });
        account.create(credential("basic-auth", &name, data)).await;
        let path = format!("credentials/{name}/materialize");
        let made = account.manager.post(&path, json!({ "format": "nginx/htpasswd" })).await.expect(200);
        lines += artifact(&made, "auth");
        users.push(username);
    }
    // The refused line, made by hand of another's.
    let hash = lines.lines().next().and_then(|line| line.split_once(':')).expect("a line").1;
    std::fs::write(folder.join("auth"), format!("#admin:{hash}\n{lines}")).expect("a file");
    let port = free_port();
    let at = folder.display();
    let config = format!(
        "daemon off;\nworker_processes 1;\nuser root;\npid {at}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\n  access_log off; client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;\n  \
         uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;\n  server {{ listen 127.0.0.1:{port}; auth_basic x;\n    \
         auth_basic_user_file {at}/auth; location / {{ try_files /none @ok; }} location @ok {{ return 200 ok; }} }}\n}}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, config).expect("a file");
    let arguments = ["-c".into(), file.into(), "-p".into(), folder.clone().into(), "-e".into(), "stderr".into()];
    let process = Guarded::spawn(&locate("nginx", "nginx-light"), &arguments, &[], &folder, "TERM");
    let status = |user: &str| {
        let mut curl = tool("curl", "curl");
        curl.args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "--config", "-"]);
        let user = format!("{user}:s3cret").replace('\\', "\\\\").replace('"', "\\\"");
        feed(curl.arg(format!("http://127.0.0.1:{port}/")), &format!("user = \"{user}\"\n")).stdout
    };
    let answers = eventually(Duration::from_secs(30), async || status("none") != "000").await;
    assert!(answers, "{}", process.output());
    for user in users {
        assert_eq!(status(user), "200", "{user}: {}", process.output());
    }
    assert_eq!(status("#admin"), "401", "or the refusal is for nothing");
}
