//! A person with a home folder of their own, at one account.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::server::binary;
use crate::support::{Account, Client, Server};

/// Runs the client. Its profile, files and terminal are this test's alone.
pub(crate) struct Cli {
    home: TempDir,
    environment: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cli {
    /// Without broker, token or account.
    pub(crate) fn bare() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        Self { home, environment: Vec::new() }
    }

    /// At this broker, with this client's token.
    pub(crate) fn at(server: &Server, client: &Client) -> Self {
        Self::bare().env("BURSAR_ADDR", server.base()).env("BURSAR_TOKEN", client.token())
    }

    /// As the account's credentials manager.
    pub(crate) fn managing(account: &Account) -> Self {
        Self::at(&account.server, &account.manager).env("BURSAR_ACCOUNT", &account.name)
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != key);
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the home folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(name);
        std::fs::write(&path, content).expect("a file in a temporary folder");
        path
    }

    /// Runs without a terminal and without input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs without a terminal, with this on stdin.
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        // One that does not read its input closes the pipe; that is its business.
        let _ = child.stdin.take().expect("its input is piped").write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("the client ends");
        Ran {
            code: output.status.code().expect("the client was not killed"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// The environment of every run, as a command that does nothing else yet.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.home()).env_clear().env("HOME", self.home()).env("PATH", "/usr/bin:/bin");
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }
}

impl Ran {
    /// This run, if it did what it was asked.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// This run, if it ended with this code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Its output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Its one line of output.
    #[track_caller]
    pub(crate) fn line(&self) -> &str {
        let mut lines = self.stdout.lines();
        let line = lines.next().unwrap_or_else(|| panic!("no output; stderr: {}", self.stderr));
        assert_eq!(lines.next(), None, "{}", self.stdout);
        line
    }
}
