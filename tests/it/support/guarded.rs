//! Child processes that cannot outlive the tests.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A daemon behind a watching shell that holds one end of a pipe. When the
/// other end closes, because this was dropped or because the whole test process
/// is gone, the shell ends the daemon and removes its folder. A static can
/// therefore own one, although statics are never dropped.
pub(crate) struct Guarded {
    shell: Child,
    pid: u32,
    log: PathBuf,
}

impl Guarded {
    /// Starts `program`; its output goes to a file in `folder`, which goes away
    /// with it. `signal` is what ends it: `KILL`, or what a daemon needs to
    /// take its children along.
    pub(crate) fn spawn(
        program: &Path,
        arguments: &[OsString],
        environment: &[(OsString, OsString)],
        folder: &Path,
        signal: &str,
    ) -> Self {
        let log = folder.join("output.log");
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(WATCH)
            .arg("watch")
            .arg(signal)
            .arg(folder)
            .arg(&log)
            .arg(program)
            .args(arguments)
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let mut first = String::new();
        let stdout = shell.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut first).expect("the shell tells the pid");
        let pid = first.trim().parse().expect("a pid");
        Self { shell, pid, log }
    }

    /// The daemon's pid.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has written so far.
    pub(crate) fn output(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = std::fs::File::open(&self.log) {
            file.read_to_end(&mut text).expect("the log can be read");
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&self) -> bool {
        // A zombie is no longer running, and its `stat` says so after the name.
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Owned arguments from anything that is one.
pub(crate) fn arguments<S: AsRef<OsStr>>(list: &[S]) -> Vec<OsString> {
    list.iter().map(|item| item.as_ref().to_owned()).collect()
}

const WATCH: &str = r#"
signal=$1; folder=$2; log=$3; shift 3
"$@" </dev/null >"$log" 2>&1 &
echo $!
read -r _
kill -s "$signal" $! 2>/dev/null
wait $! 2>/dev/null
rm -rf "$folder"
"#;
