//! Observes calls, for an author who checks a plugin with test data. A broker has
//! no observer: an observer sees what a broker drops, since a plugin that saw a
//! secret could have put it there.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::limits::{Call, Limits};

/// Observes every call.
pub trait Observer: Send + Sync {
    /// A call ended.
    fn observe(&self, seen: Observed);

    /// A plugin refused with this reason, of which a broker may drop all but the
    /// kind.
    fn refused(&self, reason: &str);
}

/// How one call went. No `Debug`: a logged line may hold a secret.
pub struct Observed {
    /// Its name in the contract: `form.check`.
    pub call: &'static str,
    /// CPU time it took, including instantiation.
    pub time: Duration,
    /// CPU time it may take.
    pub budget: Duration,
    /// Linear memory at its end, which is the peak.
    pub memory_bytes: usize,
    /// Linear memory that it may have.
    pub memory_limit_bytes: usize,
    /// Lines that it logged.
    pub lines: Vec<String>,
}

/// What one call uses and logs.
pub(crate) struct Usage {
    pub(crate) log_bytes: AtomicU64,
    pub(crate) memory_bytes: AtomicUsize,
    call: Call,
    budget: Duration,
    memory_limit_bytes: usize,
    lines: Mutex<Vec<String>>,
    observer: Option<Arc<dyn Observer>>,
}

impl Usage {
    pub(crate) fn new(call: Call, limits: &Limits, observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            log_bytes: AtomicU64::new(0),
            memory_bytes: AtomicUsize::new(0),
            call,
            budget: limits.budget(call),
            memory_limit_bytes: limits.memory_bytes,
            lines: Mutex::default(),
            observer,
        }
    }

    /// Counts a line, and keeps it only for an observer.
    pub(crate) fn logged(&self, line: &str) {
        self.log_bytes.fetch_add(line.len() as u64, Ordering::Relaxed);
        if self.observer.is_some() {
            // The list is valid after every step.
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        }
    }

    /// Runs a call, and reports to the observer how it went.
    pub(crate) async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(observer) = &self.observer else {
            return work.await;
        };
        let mut work = pin!(work);
        let mut time = Duration::ZERO;
        let done = poll_fn(|context| {
            // Of this thread: other work on the machine does not count.
            let begun = thread_time();
            let polled = work.as_mut().poll(context);
            time += thread_time().saturating_sub(begun);
            polled
        })
        .await;
        observer.observe(Observed {
            call: self.call.as_str(),
            time,
            budget: self.budget,
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
            memory_limit_bytes: self.memory_limit_bytes,
            lines: std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner)),
        });
        done
    }
}

/// CPU time of this thread.
fn thread_time() -> Duration {
    // Never negative.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
