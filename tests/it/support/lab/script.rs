//! A Python process of `tests/lab` that says in a file when it is ready, and has a control port.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::support::Guarded;
use crate::support::guarded::arguments;
use crate::support::server::{eventually, workspace};

/// One that runs.
pub(super) struct Script {
    // It ends with this.
    _process: Guarded,
    pub(super) ready_file: PathBuf,
    /// What it said when it was ready.
    pub(super) ready: Value,
}

impl Script {
    /// Starts a script with a folder of its own, besides what is given.
    pub(super) async fn start(script: &str, given: Vec<OsString>, mut environment: Vec<(OsString, OsString)>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let line = python(script);
        let mut words = arguments(&line.get_args().collect::<Vec<_>>());
        words.extend(given);
        words.extend(arguments(&["--folder".as_ref(), folder.as_os_str()]));
        environment.extend(line.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
        let process = Guarded::spawn(Path::new(line.get_program()), &words, &environment, &folder, "KILL");
        let ready_file = folder.join("ready.json");
        let answers = async || ready_file.exists() || !process.is_running();
        assert!(
            eventually(START_DEADLINE, answers).await && ready_file.exists(),
            "{script} does not start:\n{}",
            process.output()
        );
        let text = std::fs::read_to_string(&ready_file).expect("ready.json is whole when it is there");
        let ready = serde_json::from_str(&text).expect("ready.json is JSON");
        Self { _process: process, ready_file, ready }
    }

    /// Asks at its control port.
    pub(super) async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("http://127.0.0.1:{}/{path}", self.ready["control"]);
        let mut request = plain_http().request(method.clone(), url);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = response.status();
        let text = response.text().await.expect("a whole answer");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("an answer in JSON") }
    }
}

/// A script of `tests/lab`, in the Python that `cargo xtask lab` makes.
pub(super) fn python(script: &str) -> Command {
    let interpreter = workspace().join("target/lab/bin/python");
    assert!(interpreter.exists(), "{} is not there: make it with `cargo xtask lab`", interpreter.display());
    let mut command = Command::new(interpreter);
    command.arg(workspace().join("tests/lab").join(script));
    // What Python compiles is not left among the sources.
    command.env("PYTHONPYCACHEPREFIX", workspace().join("target/lab/pycache"));
    command
}

/// A client for loopback HTTP. One for each call: connections belong to the runtime that opened them, and a fake may be
/// shared by tests.
pub(super) fn plain_http() -> reqwest::Client {
    let no_roots = None::<reqwest::Certificate>;
    reqwest::Client::builder().no_proxy().tls_certs_only(no_roots).build().expect("an HTTP client")
}

pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("not a list: {other}"),
    }
}

/// Generous: several may start at once on a small machine, and the SDKs are large.
const START_DEADLINE: Duration = Duration::from_mins(2);
