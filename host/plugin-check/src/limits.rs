//! How much of a host's time and memory limits calls used.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bursar_plugin_host::{Observed, Observer};

use crate::bench::Bench;
use crate::report::{Area, Level, Report};

/// Records every call.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    said: Vec<String>,
    peaks: BTreeMap<&'static str, Peak>,
}

/// The most that any call of one function took.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    time: Duration,
    budget: Duration,
    memory_bytes: usize,
    memory_limit_bytes: usize,
}

impl Recording {
    /// What the plugin said since it was last asked.
    pub(crate) fn take_texts(&self) -> Vec<String> {
        std::mem::take(&mut self.notes().said)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // The notes are valid after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recording {
    fn observe(&self, seen: Observed) {
        let mut notes = self.notes();
        notes.said.extend(seen.lines);
        let peak = notes.peaks.entry(seen.call).or_default();
        *peak = Peak {
            time: peak.time.max(seen.time),
            budget: seen.budget,
            memory_bytes: peak.memory_bytes.max(seen.memory_bytes),
            memory_limit_bytes: seen.memory_limit_bytes,
        };
    }

    fn refused(&self, reason: &str) {
        self.notes().said.push(reason.to_owned());
    }
}

/// Reports the most that calls used.
pub(crate) fn check(bench: &Bench, report: &mut Report) {
    validate(&bench.recording.notes().peaks, report);
}

fn validate(peaks: &BTreeMap<&'static str, Peak>, report: &mut Report) {
    let mut details = Vec::new();
    for (call, peak) in peaks {
        let (time, memory) = (millis(peak.time), mebibytes(peak.memory_bytes));
        let line = format!(
            "{call} took up to {time} of {} ms and {memory} of {} MiB",
            peak.budget.as_millis(),
            peak.memory_limit_bytes >> 20
        );
        if peak.time * 2 > peak.budget || peak.memory_bytes * 2 > peak.memory_limit_bytes {
            report.add(Level::Warn, Area::Limits, format!("{line}: more than half"));
        } else {
            details.push(line);
        }
    }
    if !details.is_empty() {
        report.explain(Level::Ok, Area::Limits, "calls stay below half of their time and memory", details);
    }
}

fn millis(time: Duration) -> String {
    format!("{}.{}", time.as_millis(), time.as_micros() / 100 % 10)
}

fn mebibytes(bytes: usize) -> String {
    format!("{}.{}", bytes >> 20, ((bytes * 10) >> 20) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_either_is_a_warning() {
        let peak = |millis, mebibytes: usize| Peak {
            time: Duration::from_millis(millis),
            budget: Duration::from_millis(250),
            memory_bytes: mebibytes << 20,
            memory_limit_bytes: 64 << 20,
        };
        let peaks = BTreeMap::from([("a", peak(125, 32)), ("b", peak(126, 1)), ("c", peak(1, 33))]);
        let mut report = Report::default();
        validate(&peaks, &mut report);
        let told: Vec<_> = report.findings.iter().map(|it| (it.level, it.summary.as_str())).collect();
        assert_eq!(
            told,
            [
                (Level::Warn, "b took up to 126.0 of 250 ms and 1.0 of 64 MiB: more than half"),
                (Level::Warn, "c took up to 1.0 of 250 ms and 33.0 of 64 MiB: more than half"),
                (Level::Ok, "calls stay below half of their time and memory"),
            ]
        );
        assert_eq!(report.findings[2].details, ["a took up to 125.0 of 250 ms and 32.0 of 64 MiB"]);
    }
}
