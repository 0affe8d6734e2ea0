//! The broker's side of the compiler process.

use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{CODE, CompileError, REASON, SETTINGS_BYTES};
use crate::limits::CompilationLimits;
use crate::text::sentence;

/// A program that compiles one component each time it runs.
#[derive(Clone, Debug)]
pub struct CompilerProcess {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl CompilerProcess {
    /// The running program, with arguments that lead to
    /// [`compile_for_parent`](crate::compile_for_parent).
    ///
    /// # Errors
    ///
    /// Those of the system, when it cannot name the program.
    pub fn of_this_program(arguments: &[&str]) -> io::Result<Self> {
        // The program that was started, even if its file was replaced since.
        let running = Path::new("/proc/self/exe");
        let program = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
        Ok(Self { program, arguments: arguments.iter().map(OsString::from).collect() })
    }

    /// Starts the process and waits for its answer.
    pub(super) fn compile(
        &self,
        settings: &[u8; SETTINGS_BYTES],
        wasm: &[u8],
        limits: &CompilationLimits,
        cancellation: &Cancellation,
    ) -> Result<Vec<u8>, CompileError> {
        let mut child = self.start(limits)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let most_bytes = limits.code_bytes + (CODE.len() + SETTINGS_BYTES) as u64;
        cancellation.watch(child)?;
        let (done, ended) = channel();
        let (answer, stderr_text, in_time) = thread::scope(|scope| {
            // The process may end before it has read everything.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(wasm)));
            let answer = scope.spawn(move || {
                let answer = read(stdout, most_bytes + 1);
                // Nobody listens any more after a timeout.
                let _ = done.send(());
                answer
            });
            let stderr_text = scope.spawn(move || read(stderr, MAX_STDERR_BYTES));
            let in_time = ended.recv_timeout(limits.wall()) != Err(RecvTimeoutError::Timeout);
            if !in_time {
                cancellation.kill();
            }
            (answer.join().unwrap_or_default(), stderr_text.join().unwrap_or_default(), in_time)
        });
        let status = cancellation.wait()?;
        if !in_time {
            let seconds = limits.wall().as_secs();
            return Err(CompileError::Ended(format!("it took more than {seconds} s by the clock ({SECONDS_KEY})")));
        }
        if answer.len() as u64 > most_bytes {
            let most = limits.code_bytes;
            return Err(CompileError::Ended(format!("its machine code is larger than {most} bytes")));
        }
        if !status.success() {
            return Err(why(status, &stderr_text, limits));
        }
        take(answer, settings)
    }

    fn start(&self, limits: &CompilationLimits) -> Result<Child, CompileError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(format!("--parent={}", std::process::id()))
            .args(limits.arguments())
            // The broker's environment may hold secrets.
            .env_clear()
            // Every thread and every allocator arena needs memory: usage must not
            // grow with the number of cores.
            .env("RAYON_NUM_THREADS", threads().to_string())
            .env("MALLOC_ARENA_MAX", "2")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().map_err(|error| CompileError::Unavailable(format!("no process for it: {error}")))
    }
}

/// Ends a compilation early.
#[derive(Clone, Default)]
pub(crate) struct Cancellation(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    stopped: bool,
    child: Option<Child>,
}

/// Cancels when dropped, since nobody waits for the code any more.
pub(crate) struct CancelOnDrop(pub(crate) Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let mut watched = self.0.watched();
        watched.stopped = true;
        drop(watched);
        self.0.kill();
    }
}

impl Cancellation {
    fn watch(&self, mut child: Child) -> Result<(), CompileError> {
        let mut watched = self.watched();
        if watched.stopped {
            end(&mut child);
            return Err(CompileError::Stopped);
        }
        watched.child = Some(child);
        Ok(())
    }

    fn kill(&self) {
        if let Some(child) = self.watched().child.as_mut() {
            // It may have ended on its own.
            let _ = child.kill();
        }
    }

    /// Waits for the process, which has closed its output, and kills it after a
    /// grace period.
    fn wait(&self) -> Result<ExitStatus, CompileError> {
        let child = self.watched().child.take();
        let Some(mut child) = child else { return Err(CompileError::Stopped) };
        let deadline = Instant::now() + GRACE;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                _ => break end(&mut child).ok_or(()),
            }
        };
        if self.watched().stopped {
            return Err(CompileError::Stopped);
        }
        status.map_err(|()| CompileError::Unavailable("its process cannot be waited for".to_owned()))
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills and reaps the process.
fn end(child: &mut Child) -> Option<ExitStatus> {
    let _ = child.kill();
    child.wait().ok()
}

fn read(from: Option<impl Read>, most_bytes: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // The caller evaluates a partial answer.
        let _ = from.take(most_bytes).read_to_end(&mut bytes);
    }
    bytes
}

/// Explains why the process died.
fn why(status: ExitStatus, stderr_text: &[u8], limits: &CompilationLimits) -> CompileError {
    use std::os::unix::process::ExitStatusExt as _;
    let stderr_text = String::from_utf8_lossy(stderr_text);
    let out_of_memory = stderr_text.contains("memory allocation of") || stderr_text.contains("Cannot allocate memory");
    let what = match status.signal() {
        _ if out_of_memory => {
            format!("it took more than {} MiB of memory ({MEMORY_KEY})", limits.memory_bytes >> 20)
        }
        Some(SIGXCPU) => format!("it took more than {} s of computing time ({SECONDS_KEY})", limits.cpu.as_secs()),
        Some(SIGKILL) => "its process was killed, as the system does when memory runs out".to_owned(),
        Some(signal) => format!("its process crashed with signal {signal}"),
        None if status.code() == Some(PANICKED) => "the compiler gave up on it".to_owned(),
        // Its limits or its pipes failed: the component is not to blame.
        None => return CompileError::Unavailable(sentence(stderr_text.trim())),
    };
    CompileError::Ended(what)
}

fn take(mut answer: Vec<u8>, settings: &[u8; SETTINGS_BYTES]) -> Result<Vec<u8>, CompileError> {
    if let Some(reason) = answer.strip_prefix(REASON) {
        return Err(CompileError::Invalid(sentence(&String::from_utf8_lossy(reason))));
    }
    match answer.strip_prefix(CODE).and_then(|rest| rest.get(..SETTINGS_BYTES)) {
        Some(theirs) if theirs == settings => {
            answer.drain(..CODE.len() + SETTINGS_BYTES);
            Ok(answer)
        }
        Some(_) => Err(CompileError::Unavailable("the process compiles for another engine".to_owned())),
        None => Err(CompileError::Unavailable("its process answered nothing".to_owned())),
    }
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

/// Keys as in docs/operator-guide.md.
const MEMORY_KEY: &str = "plugins.limits.compile_memory_mib";
const SECONDS_KEY: &str = "plugins.limits.compile_seconds";
const MAX_THREADS: usize = 4;
const MAX_STDERR_BYTES: u64 = 4 << 10;
/// Time between the end of its output and its exit.
const GRACE: Duration = Duration::from_secs(1);
/// The exit status of a Rust program after a panic.
const PANICKED: i32 = 101;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
