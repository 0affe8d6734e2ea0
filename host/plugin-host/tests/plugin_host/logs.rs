//! The operator's log tells which plugin, which call and what happened, and
//! nothing that a plugin said.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bursar_kernel::plugin::Plugins as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{SECRET, context, data, host};

#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while logging").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic while logging").clone()).expect("text")
    }
}

/// Captures what this thread logs until the guard is dropped.
pub(crate) fn capturing() -> (Captured, tracing::subscriber::DefaultGuard) {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    (captured, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn nothing_a_plugin_says_is_logged() {
    let host = host().await;
    let (captured, guard) = capturing();
    for behaviour in ["log-secret", "panic", "loop", "leak-message", "leak-code", "leak-internal", "rewrite-public"] {
        let _outcome = host.check("hostile", &data(behaviour), &["/password".to_owned()], &context()).await.is_ok();
    }
    drop(guard);
    let log = captured.text();
    assert!(!log.contains(SECRET), "{log}");
    for told in [
        r#"plugin="hostile" call="form.check" log_bytes=0 stop="trapped""#,
        r#"stop="ran out of its time budget""#,
        r#"rule="check rewrote a field that is neither secret nor granted""#,
    ] {
        assert!(log.contains(told), "{told} is not in {log}");
    }
    // A hundred lines of some sixty bytes, counted and gone.
    let counted =
        log.lines().find_map(|line| line.split_once("log_bytes=")?.1.split_whitespace().next()?.parse::<u64>().ok());
    assert!(counted.is_some_and(|bytes| bytes > 5000), "{log}");
}
