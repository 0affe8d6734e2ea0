//! The request's id: accepted or minted, in every problem, log line and audit
//! record, and echoed.

use bursar_kernel::clock::Entropy;
use http::HeaderMap;

tokio::task_local! {
    /// Of the request that this task is answering.
    static CURRENT: String;
}

/// The header's name.
pub(crate) const HEADER: &str = "x-request-id";

/// The id of the request being answered; `None` outside of one.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Runs `work` as part of answering the request with this id.
pub(crate) async fn within<T>(id: String, work: impl Future<Output = T>) -> T {
    CURRENT.scope(id, work).await
}

/// The client's id where it is 1 to 128 visible ASCII characters, else a new
/// random one.
pub(crate) fn accept_or_mint(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let sent = headers.get(HEADER).and_then(|value| value.to_str().ok());
    sent.filter(|id| is_acceptable(id)).map_or_else(|| mint(entropy), ToOwned::to_owned)
}

fn is_acceptable(id: &str) -> bool {
    (1..=MAX_CHARS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn mint(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

const MAX_CHARS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_ascii_is_taken_over() {
        assert!(is_acceptable("abc-123") && is_acceptable(&"x".repeat(128)));
        assert!(!is_acceptable("") && !is_acceptable("a b") && !is_acceptable(&"x".repeat(129)));
    }
}
