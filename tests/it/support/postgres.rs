//! A real `PostgreSQL` server from the Debian package `postgresql`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::Guarded;
use super::account::unique;
use super::guarded::arguments;
use super::server::{eventually, free_port};
use super::tools::{locate, run};

/// A server. One is shared by all tests of this process, with a database for each.
pub(crate) struct Postgres {
    port: u16,
    folder: PathBuf,
    settings: Vec<String>,
    /// The newest last: the first one's end takes the data along.
    processes: Mutex<Vec<Guarded>>,
}

/// The URL of a fresh database.
pub(crate) async fn database() -> String {
    let postgres = Postgres::shared().await;
    let name = unique("bursar").replace('-', "_");
    postgres.sql("postgres", &format!("CREATE DATABASE {name}")).output();
    format!("postgres://bursar@127.0.0.1:{}/{name}", postgres.port)
}

impl Postgres {
    /// The one.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceLock<tokio::sync::OnceCell<Postgres>> = OnceLock::new();
        SHARED.get_or_init(tokio::sync::OnceCell::new).get_or_init(|| Self::start(&["fsync=off"])).await
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A server of a test's own, with these settings.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        let folder = own_folder();
        let mut init = as_postgres(&locate("initdb", "postgresql"));
        init.args(["--username=bursar", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        run(init.arg("--pgdata").arg(folder.join("data")).current_dir(&folder)).output();
        std::fs::write(folder.join("data/pg_hba.conf"), RULES).expect("the access rules");
        Self::serve(folder, settings).await
    }

    /// A standby that follows this one, and is a server of its own once promoted.
    pub(crate) async fn standby(&self) -> Self {
        let folder = own_folder();
        let mut copy = as_postgres(&beside_initdb("pg_basebackup"));
        copy.args(["--host=127.0.0.1", "--username=bursar", "--checkpoint=fast", "--no-sync", "--write-recovery-conf"]);
        copy.arg(format!("--port={}", self.port)).arg("--pgdata").arg(folder.join("data"));
        run(copy.current_dir(&folder)).output();
        Self::serve(folder, &[]).await
    }

    async fn serve(folder: PathBuf, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let postgres = Self { port: free_port(), folder: folder.clone(), settings, processes: Mutex::default() };
        postgres.spawn(&folder).await;
        postgres
    }

    /// Ends at once, as in a crash, and comes back after a while.
    pub(crate) async fn crash_and_recover(&self, after: Duration) {
        let pid = self.processes().last().expect("it runs").pid();
        // At once, and with the children.
        run(Command::new("kill").args(["-s", "QUIT", &pid.to_string()])).output();
        let gone = async || !self.processes().last().expect("it ran").is_running();
        assert!(eventually(Duration::from_secs(30), gone).await, "PostgreSQL does not end");
        tokio::time::sleep(after).await;
        self.spawn(&own_folder()).await;
    }

    fn processes(&self) -> MutexGuard<'_, Vec<Guarded>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it on its data; its output goes to a folder that goes with it.
    async fn spawn(&self, output: &Path) {
        let start = as_postgres(&beside_initdb("postgres"));
        let mut line = arguments(&start.get_args().collect::<Vec<_>>());
        line.extend(arguments(&["-D", &self.folder.join("data").to_string_lossy(), "-p", &self.port.to_string()]));
        // The tests count no PostgreSQL commits.
        let usual = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];
        for setting in usual.into_iter().chain(self.settings.iter().map(String::as_str)) {
            line.extend(arguments(&["-c", setting]));
        }
        // QUIT ends the postmaster with its children; KILL would orphan them.
        self.processes().push(Guarded::spawn(Path::new(start.get_program()), &line, &[], output, "QUIT"));
        let ready = eventually(Duration::from_mins(1), async || self.sql("postgres", "SELECT 1").ok).await;
        assert!(ready, "PostgreSQL does not start:\n{}", self.processes().last().expect("it was started").output());
    }

    /// Runs a statement as the superuser.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> super::tools::Ran {
        let mut psql = Command::new(locate("psql", "postgresql-client"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--host=127.0.0.1", "--username=bursar"]);
        run(psql
            .arg(format!("--port={}", self.port))
            .args([format!("--dbname={database}"), format!("--command={statement}")]))
    }
}

/// Debian keeps the server's programs out of the path.
fn beside_initdb(program: &str) -> PathBuf {
    let initdb = locate("initdb", "postgresql").canonicalize().expect("it is there");
    initdb.with_file_name(program)
}

/// The server refuses to run as root.
fn own_folder() -> PathBuf {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(&folder)).output();
    }
    folder
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut processes = self.processes();
        while processes.pop().is_some() {}
    }
}

/// Runs `program` as the user `postgres` when this is root, by replacing a
/// process and not by starting a second one, so that its pid is its own.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new(locate("setpriv", "util-linux"));
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

/// The superuser gets in by name; `asked_app` needs a password.
const RULES: &str = "\
host all asked_app 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
";

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).output().trim() == "0"
}
