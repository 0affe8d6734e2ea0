//! Work that does not end with its connection.

use std::future;
use std::panic::resume_unwind;

use tracing::Instrument as _;

/// Does `work` to its end, also where the client hangs up or the time limit
/// passes: what has begun at a service outside is not to be left half done.
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is going down, and this with it.
            Err(_) => future::pending().await,
        },
    }
}
