//! A real `PostgreSQL` for this test process: its own data folder, a socket in
//! it and no TCP port, ended with the process; a database per test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bursar_store::{Config, RootKeySource, Storage};

use super::{Home, Still};

/// The URL of a new, empty database.
pub(crate) fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(Server::start);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let created = as_server_user(&server.bin.join("createdb"))
        .args(["-h", server.folder.to_str().unwrap(), "-U", "postgres", &name])
        .output()
        .unwrap();
    assert!(created.status.success(), "createdb: {}", String::from_utf8_lossy(&created.stderr));
    let host = server.folder.to_str().unwrap().replace('/', "%2F");
    format!("postgres://postgres@{host}/{name}")
}

/// A node on this database, with its id in the file `name` and its root key in
/// `key_file`.
pub(crate) fn node(home: &Home, url: &str, name: &str, key_file: &str) -> Config {
    Config {
        storage: Storage::Postgres { url: url.to_owned(), max_connections: 4, node_file: Some(home.path(name)) },
        root_key: RootKeySource::File(home.path(key_file)),
        clock: Arc::new(Still),
    }
}

struct Server {
    bin: PathBuf,
    folder: PathBuf,
}

static SERVER: OnceLock<Server> = OnceLock::new();

impl Server {
    fn start() -> Self {
        let bin = installed();
        let folder = tempfile::Builder::new().prefix("bursar-pg-").tempdir().unwrap().keep();
        own(&folder);
        let data = folder.join("data");
        let made = as_server_user(&bin.join("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let server = as_server_user(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        watch(server, &folder);
        let ready = || {
            let asked = as_server_user(&bin.join("pg_isready")).arg("-q").arg("-h").arg(&folder).status();
            asked.unwrap().success()
        };
        for _ in 0..600 {
            if ready() {
                return Self { bin, folder };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL did not start: {}", fs::read_to_string(folder.join("log")).unwrap_or_default());
    }
}

/// Statics are not dropped: a shell outlives this process by a moment, to stop the
/// server and remove its folder. It reads from a pipe that only this process holds.
fn watch(server: Child, folder: &Path) {
    let pid_file = folder.join("data/postmaster.pid");
    let script = r#"cat >/dev/null; kill -INT "$(head -n1 "$1")" "$2" 2>/dev/null; for _ in $(seq 100); do [ -e "$1" ] || break; sleep 0.1; done; rm -rf -- "$3""#;
    let watcher = Command::new("sh")
        .args(["-c", script, "watch"])
        .arg(pid_file)
        .arg(server.id().to_string())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Both end on their own; what must stay open is the watcher's pipe.
    std::mem::forget((server, watcher));
}

fn installed() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("these tests need a PostgreSQL server: install the Debian package `postgresql`")
}

/// `PostgreSQL` refuses to run as root: then it is another user's.
fn as_server_user(program: &Path) -> Command {
    let mut command = match server_user() {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.current_dir("/");
    command
}

fn own(folder: &Path) {
    if let Some(user) = server_user() {
        assert!(Command::new("chown").arg(user).arg(folder).status().unwrap().success());
    }
}

fn server_user() -> Option<&'static str> {
    let output = |args: &[&str]| Command::new("id").args(args).output().unwrap();
    if output(&["-u"]).stdout != b"0\n" {
        return None;
    }
    ["postgres", "nobody"].into_iter().find(|user| output(&[user]).status.success())
}
