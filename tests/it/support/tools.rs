//! Programs that are not ours.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How an outside program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program of a Debian package, with a clean environment. Fails, and names
/// the package, where it is not installed.
pub(crate) fn tool(program: &str, package: &str) -> Command {
    let mut command = Command::new(locate(program, package));
    // A proxy or a root certificate of the machine's would change what they say.
    command.env_clear().env("PATH", SEARCH.join(":")).env("LC_ALL", "C.UTF-8").env("HOME", std::env::temp_dir());
    command
}

/// Where a program of a Debian package is.
pub(crate) fn locate(program: &str, package: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = SEARCH.iter().map(PathBuf::from).collect();
    // PostgreSQL's server programs are not on the path there.
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("`{program}` is not installed: it is in the Debian package `{package}`"))
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    feed(command, "")
}

/// Runs it to its end with this input.
pub(crate) fn feed(command: &mut Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // One that does not read its input closes the pipe; that is its business.
    let _ = child.stdin.take().expect("its input is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it can be waited for");
    Ran {
        ok: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// Its output, if it succeeded.
    #[track_caller]
    pub(crate) fn output(self) -> String {
        assert!(self.ok, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

const SEARCH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
