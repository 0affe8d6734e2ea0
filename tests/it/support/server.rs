//! The real `bursar serve`.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::{Client, Guarded};

/// A running broker: its process ends with the last clone.
#[derive(Clone)]
pub(crate) struct Server {
    process: Arc<Process>,
    /// Of this test: connections belong to the runtime that opened them.
    http: reqwest::Client,
}

struct Process {
    guarded: Guarded,
    data_dir: PathBuf,
    base: String,
    operator_token: String,
}

/// What is special about a server.
#[derive(Default)]
pub(crate) struct Builder {
    data_dir: Option<PathBuf>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    https_root: Option<Vec<u8>>,
    most_memory_bytes: Option<u64>,
}

impl Server {
    /// The one that tests share; each makes its own account in it. Limits are
    /// so high that they are not met.
    pub(crate) async fn shared() -> Self {
        static SHARED: OnceLock<tokio::sync::OnceCell<Arc<Process>>> = OnceLock::new();
        let cell = SHARED.get_or_init(tokio::sync::OnceCell::new);
        let process = cell.get_or_init(async || Self::builder().start().await.process).await;
        Self { process: Arc::clone(process), http: http_client(None) }
    }

    /// The one on `PostgreSQL` that tests share.
    pub(crate) async fn shared_on_postgres() -> Self {
        static SHARED: OnceLock<tokio::sync::OnceCell<Arc<Process>>> = OnceLock::new();
        let cell = SHARED.get_or_init(tokio::sync::OnceCell::new);
        let start = async || Self::builder().postgres(&super::postgres::database().await).start().await.process;
        Self { process: Arc::clone(cell.get_or_init(start).await), http: http_client(None) }
    }

    /// One of its own.
    pub(crate) fn builder() -> Builder {
        Builder::default()
            .env("BURSAR_LIMITS__REQUESTS_PER_SECOND", "1000000")
            .env("BURSAR_LIMITS__BURST", "1000000")
            .env("BURSAR_LIMITS__CONNECTIONS_PER_ADDRESS", "4096")
            .env("BURSAR_LOG__LEVEL", "info")
    }

    /// A client with the operator's token.
    pub(crate) fn operator(&self) -> Client {
        self.with_token(&self.process.operator_token)
    }

    /// A client with this token.
    pub(crate) fn with_token(&self, token: &str) -> Client {
        Client::new(self.http.clone(), self.process.base.clone(), Some(token.to_owned()))
    }

    /// A client without any.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.http.clone(), self.process.base.clone(), None)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.process.base
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.process.base.split("//").nth(1).expect("a scheme")
    }

    pub(crate) fn operator_token(&self) -> &str {
        &self.process.operator_token
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.process.data_dir
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.guarded.pid()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.guarded.output()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.guarded.is_running()
    }

    /// A run of the same binary as this server's client, without a terminal.
    pub(crate) fn cli(&self, arguments: &[&str]) -> std::process::Output {
        let home = tempfile::tempdir().expect("a temporary folder");
        std::process::Command::new(binary())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .env("BURSAR_ADDR", self.base())
            .env("BURSAR_TOKEN", self.operator_token())
            .env("NO_COLOR", "1")
            .stdin(std::process::Stdio::null())
            .output()
            .expect("the client runs")
    }
}

impl Builder {
    /// A folder that outlives the server, instead of a temporary one.
    pub(crate) fn data_dir(mut self, folder: &Path) -> Self {
        self.data_dir = Some(folder.to_owned());
        self
    }

    /// On this database: `postgres://...`.
    pub(crate) fn postgres(self, url: &str) -> Self {
        self.env("BURSAR_STORAGE__URL", url)
    }

    /// With the components in this folder.
    pub(crate) fn plugins(mut self, folder: &Path) -> Self {
        self.arguments.extend([OsString::from("--plugins"), folder.into()]);
        self
    }

    /// With a flag of `bursar serve`.
    pub(crate) fn flag(mut self, flag: &str) -> Self {
        self.arguments.push(flag.into());
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.environment.retain(|(known, _)| known != key);
        self.environment.push((key.into(), value.into()));
        self
    }

    /// Without one of the usual variables.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.environment.retain(|(known, _)| known != key);
        self
    }

    /// Over TLS, by a certificate that this root (PEM) vouches for.
    pub(crate) fn https(mut self, certificate: &Path, key: &Path, root_pem: &[u8]) -> Self {
        self.https_root = Some(root_pem.to_owned());
        self.env("BURSAR_SERVER__TLS_CERT", certificate).env("BURSAR_SERVER__TLS_KEY", key)
    }

    /// With only so much memory; what sandboxes reserve and never use aside.
    pub(crate) fn most_memory(mut self, bytes: u64) -> Self {
        self.most_memory_bytes = Some(bytes);
        self
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(self) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let data_dir = self.data_dir.unwrap_or_else(|| folder.join("data"));
        let http = http_client(self.https_root.as_deref());
        let scheme = if self.https_root.is_some() { "https" } else { "http" };
        let mut last_output = String::new();
        // Between finding a free port and using it another process may take it.
        for _ in 0..5 {
            let address = format!("127.0.0.1:{}", free_port());
            let mut arguments = vec!["serve".into(), "--data-dir".into(), data_dir.clone().into()];
            arguments.extend(["--listen".into(), OsString::from(&address)]);
            arguments.extend(self.arguments.iter().cloned());
            std::fs::create_dir_all(&folder).expect("a folder for its output");
            let mut program = binary();
            if let Some(bytes) = self.most_memory_bytes {
                // It becomes the program, so the process is the same.
                arguments.splice(0..0, [format!("--data={bytes}").into(), program.into()]);
                program = "prlimit".into();
            }
            let guarded = Guarded::spawn(&program, &arguments, &self.environment, &folder, "KILL");
            let base = format!("{scheme}://{address}");
            if until_ready(&http, &base, &guarded).await {
                let token_file = data_dir.join("operator-token");
                let operator_token = std::fs::read_to_string(&token_file)
                    .unwrap_or_else(|error| panic!("{}: {error}", token_file.display()))
                    .trim()
                    .to_owned();
                let process = Arc::new(Process { guarded, data_dir, base, operator_token });
                return Server { process, http };
            }
            last_output = guarded.output();
        }
        panic!("bursar serve does not become ready:\n{last_output}");
    }
}

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    let path = std::env::var_os("BURSAR_BIN").map_or_else(|| workspace().join("target/debug/bursar"), PathBuf::from);
    assert!(
        path.is_file(),
        "{} is not there: build it with `cargo xtask plugins && cargo build -p bursar`, or name another by BURSAR_BIN",
        path.display()
    );
    path
}

/// The checkout.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_owned()
}

/// A folder with one of the examples alone: some of the others take their time
/// to compile.
pub(crate) fn example(id: &str) -> tempfile::TempDir {
    let name = format!("{id}.wasm");
    let built = workspace().join("target/plugins/examples").join(&name);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copied = std::fs::copy(&built, folder.path().join(&name));
    copied.unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo xtask plugins`", built.display()));
    folder
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// Calls `probe` until it says so, or the deadline passes.
pub(crate) async fn eventually(deadline: Duration, mut probe: impl AsyncFnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if probe().await {
            return true;
        }
        if start.elapsed() > deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn until_ready(http: &reqwest::Client, base: &str, guarded: &Guarded) -> bool {
    let url = format!("{base}/readyz");
    let answered = async || match http.get(&url).send().await {
        Ok(response) => response.status().is_success(),
        Err(_) => !guarded.is_running(),
    };
    eventually(START_DEADLINE, answered).await && guarded.is_running()
}

fn http_client(root_pem: Option<&[u8]>) -> reqwest::Client {
    let roots = root_pem.map(|pem| reqwest::Certificate::from_pem(pem).expect("a root certificate"));
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(roots)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_mins(1))
        .build()
        .expect("an HTTP client")
}

const POLL: Duration = Duration::from_millis(20);
/// Generous: a debug build compiles its plugins at the first start.
const START_DEADLINE: Duration = Duration::from_mins(2);
