//! The processes that are measured.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::client::Connection;

/// A server that ends with this value.
pub(crate) struct Process {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// From spawn to the first good answer.
    pub(crate) start: Duration,
}

impl Process {
    /// The broker on this data directory, once it is ready.
    pub(crate) async fn broker(data_dir: &Path) -> Self {
        Self::serve(data_dir, &[], &[]).await
    }

    /// The same, told otherwise than by default.
    pub(crate) async fn broker_with_environment(data_dir: &Path, environment: &[(&str, String)]) -> Self {
        Self::serve(data_dir, &[], environment).await
    }

    /// The same, with the components in a folder beside the built-in ones.
    pub(crate) async fn broker_with_plugins(data_dir: &Path, plugins: &Path) -> Self {
        Self::serve(data_dir, &["--plugins".as_ref(), plugins.as_os_str()], &[]).await
    }

    /// The same of another build.
    pub(crate) async fn broker_of(binary: &Path, data_dir: &Path) -> Self {
        Self::serve_by(binary, data_dir, &[], &[]).await
    }

    async fn serve(data_dir: &Path, flags: &[&OsStr], environment: &[(&str, String)]) -> Self {
        Self::serve_by(&binary(), data_dir, flags, environment).await
    }

    async fn serve_by(binary: &Path, data_dir: &Path, flags: &[&OsStr], environment: &[(&str, String)]) -> Self {
        let address = free_address();
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", &address, "--data-dir"]).arg(data_dir).args(flags);
        command.envs(environment.iter().map(|(key, value)| (key, value)));
        let log = File::create(data_dir.with_extension("log")).expect("a log file");
        command.stdout(Stdio::null()).stderr(log);
        Self::start(command, address, "/readyz").await
    }

    /// axum's hello-world.
    pub(crate) async fn hello_world() -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.args(["hello-world", &address]);
        Self::start(command, address, "/").await
    }

    async fn start(mut command: Command, address: String, ready: &str) -> Self {
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).spawn().expect("it starts");
        let mut process = Self { child, address, start: Duration::ZERO };
        while !process.answers(ready).await {
            let ended = process.child.try_wait().expect("it can be waited for");
            assert!(ended.is_none() && begun.elapsed() < DEADLINE, "{command:?} does not become ready");
            sleep(Duration::from_millis(1)).await;
        }
        process.start = begun.elapsed();
        process
    }

    async fn answers(&self, path: &str) -> bool {
        match Connection::open(&self.address, None).await {
            Ok(mut connection) => connection.get(path).await.is_ok_and(|answer| answer.status == 200),
            Err(_) => false,
        }
    }

    /// Resident memory in KiB, as the kernel counts it.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line VmRSS");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number of KiB")
    }

    /// CPU time of all its threads so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the process runs");
        // The name before may hold spaces; user and system time are the 14th and 15th of all fields.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<u64>().expect("a number of ticks");
        Duration::from_millis((ticks(11) + ticks(12)) * 1_000 / TICKS_PER_SECOND)
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the process runs");
        let status = self.child.wait().expect("it can be waited for");
        assert!(status.success(), "the broker ended with {status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already after `stop`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The operator's token of a data directory.
pub(crate) fn operator_token(data_dir: &Path) -> String {
    fs::read_to_string(data_dir.join("operator-token")).expect("a token file").trim().to_owned()
}

fn binary() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    std::env::var_os("BURSAR_BIN").map_or_else(|| root.join("target/release/bursar"), PathBuf::from)
}

fn free_address() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    socket.to_string()
}

/// Of every Linux that runs on ordinary machines: `getconf CLK_TCK`.
const TICKS_PER_SECOND: u64 = 100;
const DEADLINE: Duration = Duration::from_mins(2);
