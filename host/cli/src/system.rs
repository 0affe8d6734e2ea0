//! The system's clock, timers and random generator behind the domain's ports.

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand;
use bursar_kernel::clock::{Clock, Entropy, Timer};
use jiff::Timestamp;

/// [`Clock`] that reads the machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port's system implementation")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// [`Timer`] that uses the runtime's timers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemTimer;

#[async_trait]
impl Timer for SystemTimer {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// [`Entropy`] from AWS-LC's generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes).expect("AWS-LC's generator is seeded by the kernel and does not fail after the start");
    }
}
