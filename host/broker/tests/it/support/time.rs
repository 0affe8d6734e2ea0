//! Time and chance: tokio's paused clock, and numbers that differ.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::clock::{Clock, Entropy, Timer};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Stands still until everybody waits.
pub(super) struct Time(Instant);

impl Default for Time {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        Timestamp::from_second(1_800_000_000).unwrap() + passed
    }
}

#[async_trait]
impl Timer for Time {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// No two fills alike, in no process.
pub(super) struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut state = NEXT.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_be_bytes()[0];
        }
    }
}
