//! A terminal, by `script`: what is typed at prompts and what is then seen.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::runner::Cli;
use crate::support::tools::locate;

/// A run of the client at a terminal.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How much of the screen was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts the client with these arguments; none may need quoting.
    pub(crate) fn run(cli: &Cli, arguments: &[&str]) -> Self {
        let client = cli.command();
        let words: Vec<_> = std::iter::once(client.get_program().to_str().expect("a path that is text"))
            .chain(arguments.iter().copied())
            .collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:".contains(c);
        assert!(words.iter().all(|word| word.chars().all(plain)), "{words:?} would need quoting");
        let mut script = std::process::Command::new(locate("script", "bsdutils"));
        // --return: the exit code is the client's. The typescript is not kept.
        script.args(["--quiet", "--return", "--flush", "--command", &words.join(" "), "/dev/null"]);
        script.current_dir(cli.home()).env_clear().env("TERM", "xterm").env("SHELL", "/bin/sh");
        for (key, value) in client.get_envs() {
            script.env(key, value.expect("nothing is removed"));
        }
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = script.spawn().expect("script starts");
        let keyboard = child.stdin.take().expect("its input is piped");
        let mut output = child.stdout.take().expect("its output is piped");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                shared.lock().expect("no reader panicked").extend_from_slice(&chunk[..count]);
            }
        });
        Self { child, keyboard, screen, seen: 0 }
    }

    /// Waits until this stands on the part of the screen not looked at yet.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        let start = Instant::now();
        loop {
            let screen = self.screen.lock().expect("no reader panicked").clone();
            let rest = &screen[self.seen..];
            if let Some(at) = rest.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.seen += at + text.len();
                return self;
            }
            let shown = String::from_utf8_lossy(&screen);
            assert!(start.elapsed() < DEADLINE, "`{text}` is not on the screen:\n{shown}");
            std::thread::sleep(POLL);
        }
    }

    /// Types a line.
    pub(crate) fn enter(&mut self, line: &str) -> &mut Self {
        self.keyboard.write_all(format!("{line}\r").as_bytes()).expect("the terminal is open");
        self.keyboard.flush().expect("the terminal is open");
        self
    }

    /// Waits for the end: the client's exit code and everything on the screen.
    pub(crate) fn end(mut self) -> (i32, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("script can be waited for") {
                break status;
            }
            let screen = self.screen.lock().expect("no reader panicked").clone();
            if start.elapsed() > DEADLINE {
                let _ = self.child.kill();
                panic!("the client does not end:\n{}", String::from_utf8_lossy(&screen));
            }
            std::thread::sleep(POLL);
        };
        drop(self.keyboard);
        std::thread::sleep(POLL);
        let screen = self.screen.lock().expect("no reader panicked").clone();
        (status.code().expect("script was not killed"), String::from_utf8_lossy(&screen).into_owned())
    }
}

const DEADLINE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);
