//! Work that outlives its connection.

use std::future;
use std::panic::resume_unwind;

use tracing::Instrument as _;

/// Runs `work` to its end even if the client disconnects or the time limit passes: a
/// change at an external service must not be left half done.
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => future::pending().await,
        },
    }
}
