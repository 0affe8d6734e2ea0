//! Timing many requests over one or many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::Connection;

/// Where to send requests.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) token: Option<String>,
}

/// How it went.
pub(crate) struct Outcome {
    elapsed: Duration,
    /// Of each request, ascending.
    latencies: Vec<Duration>,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        count(self.latencies.len()) / self.elapsed.as_secs_f64()
    }

    pub(crate) fn p50(&self) -> Duration {
        self.percentile(50)
    }

    /// The latency that so many of a hundred requests did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.latencies[self.latencies.len() * percent / 100]
    }
}

impl Target {
    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(&self.address, self.token.as_deref()).await.expect("a connection")
    }

    /// Sends `total` requests over `connections` at once; `send` is told the
    /// number of its request.
    pub(crate) async fn run<F>(&self, connections: usize, total: usize, send: F) -> Outcome
    where
        F: AsyncSend,
    {
        let next = Arc::new(AtomicUsize::new(0));
        let request = Arc::new(send);
        let mut clients = JoinSet::new();
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(self.connect().await);
        }
        let begun = Instant::now();
        for mut connection in open {
            let (next, request) = (Arc::clone(&next), Arc::clone(&request));
            clients.spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total {
                        return latencies;
                    }
                    let begun = Instant::now();
                    request.send(&mut connection, number).await;
                    latencies.push(begun.elapsed());
                }
            });
        }
        let mut latencies: Vec<Duration> = clients.join_all().await.into_iter().flatten().collect();
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Outcome { elapsed, latencies }
    }
}

/// One request of many.
pub(crate) trait AsyncSend: Send + Sync + 'static {
    fn send(&self, connection: &mut Connection, number: usize) -> impl Future<Output = ()> + Send;
}

/// A number small enough to be exact.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("a benchmark does not send four billion requests"))
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
