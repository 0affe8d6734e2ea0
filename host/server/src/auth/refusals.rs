//! Requests without a valid token, counted per address prefix: one audit record a
//! minute stands for many, so recording them cannot fill the disk.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use bursar_kernel::Error;

use crate::problem::Problem;

/// The refusals since the last [`Refusals::drain`].
pub(crate) struct Refusals {
    counts: Mutex<HashMap<String, u64>>,
    max_per_prefix: u64,
}

impl Refusals {
    pub(crate) fn new(max_per_prefix: u64) -> Self {
        Self { counts: Mutex::default(), max_per_prefix }
    }

    /// Counts one refusal and answers it with `error`, or with 429 where the prefix is
    /// over its limit for this minute. Only refused requests get here, so nobody can
    /// lock out the owner of a valid token.
    pub(crate) fn refuse(&self, address: Option<IpAddr>, error: Error) -> Problem {
        if self.count(prefix(address), 1) > self.max_per_prefix {
            return Problem::throttled(
                SECONDS_PER_ROUND,
                "too many requests without a valid token: wait and try again",
            );
        }
        error.into()
    }

    /// Takes all counts and starts a new round.
    pub(crate) fn drain(&self) -> HashMap<String, u64> {
        std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Restores a count that could not be recorded.
    pub(crate) fn put_back(&self, prefix: String, count: u64) {
        self.count(prefix, count);
    }

    fn count(&self, prefix: String, more: u64) -> u64 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.contains_key(&prefix) || counts.len() < MAX_PREFIXES;
        let count = counts.entry(if known { prefix } else { ELSEWHERE.to_owned() }).or_default();
        *count = count.saturating_add(more);
        *count
    }
}

/// The network an address is counted under: /24 for IPv4, /64 for IPv6.
fn prefix(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The length of a round; see the background work.
const SECONDS_PER_ROUND: u32 = 60;
/// Distinct prefixes in one round; further ones are counted together.
const MAX_PREFIXES: usize = 4_096;
const ELSEWHERE: &str = "elsewhere";

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use bursar_kernel::Kind;

    use super::*;

    #[test]
    fn neighbours_share_a_prefix() {
        let prefix_of = |text: &str| prefix(Some(text.parse().unwrap()));
        assert_eq!(prefix_of("203.0.113.7"), "203.0.113.0/24");
        assert_eq!(prefix_of("::ffff:203.0.113.9"), "203.0.113.0/24");
        assert_eq!(prefix_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(prefix(None), "unknown");
    }

    #[test]
    fn past_the_share_it_is_too_many_until_the_next_round() {
        let refusals = Refusals::new(2);
        let refuse = |address: &str| {
            let error = Error::new(Kind::Unauthenticated, "no");
            refusals.refuse(Some(address.parse().unwrap()), error).into_response().status().as_u16()
        };
        assert_eq!([refuse("192.0.2.1"), refuse("192.0.2.2"), refuse("192.0.2.3")], [401, 401, 429]);
        assert_eq!(refuse("198.51.100.1"), 401);
        assert_eq!(
            refusals.drain(),
            HashMap::from([("192.0.2.0/24".to_owned(), 3), ("198.51.100.0/24".to_owned(), 1)])
        );
        assert_eq!(refuse("192.0.2.1"), 401);
    }

    #[test]
    fn the_number_of_prefixes_is_bounded() {
        let refusals = Refusals::new(1);
        for number in 0..u32::try_from(MAX_PREFIXES).unwrap() + 100 {
            let address = IpAddr::from((number << 8).to_be_bytes());
            refusals.refuse(Some(address), Error::new(Kind::Unauthenticated, "no"));
        }
        let counts = refusals.drain();
        assert_eq!((counts.len(), counts[ELSEWHERE]), (MAX_PREFIXES + 1, 100));
    }
}
