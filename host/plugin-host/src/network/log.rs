//! Log lines of plugins in the network plane. A plugin saw no secrets, but its
//! lines are limited, scrubbed and escaped all the same.

use bursar_scrub::Scrubber;

use crate::text::is_unprintable;

/// A line's level.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// The lines of one call.
#[derive(Default)]
pub(crate) struct Lines {
    count: usize,
    bytes: usize,
    dropped: u64,
}

impl Lines {
    /// Logs a line, unless the call has reached its limit.
    pub(crate) fn log(&mut self, plugin: &str, level: Level, message: &str, known: &Scrubber) {
        if self.count >= MAX_LINES || self.bytes + message.len() > MAX_BYTES {
            self.dropped += 1;
            return;
        }
        self.count += 1;
        self.bytes += message.len();
        let line = printable(&known.scrub_text(message));
        match level {
            Level::Debug => tracing::debug!(target: TARGET, plugin, "{line}"),
            Level::Info => tracing::info!(target: TARGET, plugin, "{line}"),
            Level::Warn => tracing::warn!(target: TARGET, plugin, "{line}"),
            Level::Error => tracing::error!(target: TARGET, plugin, "{line}"),
        }
    }

    /// How many lines were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Escapes a message to a single line.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if is_unprintable(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

const TARGET: &str = "bursar::plugin";
const MAX_LINES: usize = 64;
const MAX_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(printable("a\nb\u{1b}[31m\u{202e}ü"), "a\\nb\\u{1b}[31m\\u{202e}ü");
    }

    #[test]
    fn a_call_can_say_only_so_much() {
        let mut lines = Lines::default();
        for _ in 0..70 {
            lines.log("test", Level::Debug, "x", &Scrubber::default());
        }
        assert_eq!((lines.count, lines.dropped()), (64, 6));
        let mut long = Lines::default();
        long.log("test", Level::Debug, &"x".repeat(17 << 10), &Scrubber::default());
        assert_eq!((long.count, long.dropped()), (0, 1));
    }
}
