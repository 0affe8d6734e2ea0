use std::time::UNIX_EPOCH;

use crate::clock;

/// Seconds to wait according to `Retry-After` (RFC 9110, section 10.2.3): a
/// number, or a date, which needs the host's clock. `None` if it is neither.
pub(super) fn seconds(header: &str) -> Option<u32> {
    let header = header.trim();
    if header.bytes().all(|byte| byte.is_ascii_digit()) && !header.is_empty() {
        return Some(header.parse().unwrap_or(u32::MAX));
    }
    let until = httpdate::parse_http_date(header).ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let wait = i64::try_from(until).ok()?.saturating_sub(clock::now().ok()?).max(0);
    Some(u32::try_from(wait).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::{Error, host, http::wire};

    struct At(i64);

    impl host::Host for At {
        fn send(&self, _: &wire::Request) -> Result<wire::Response, wire::Error> {
            Err(wire::Error::Unsupported)
        }

        fn now(&self) -> Result<i64, Error> {
            Ok(self.0)
        }
    }

    #[test]
    fn a_number_is_taken_as_it_is() {
        assert_eq!(seconds(" 120 "), Some(120));
        assert_eq!(seconds("99999999999"), Some(u32::MAX));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds(""), None);
    }

    #[test]
    fn a_date_is_told_as_seconds_from_now() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let at = |now| host::with(Rc::new(At(now)), || seconds(date));
        assert_eq!(at(784_111_777 - 90), Some(90));
        assert_eq!(at(784_111_777 + 90), Some(0));
        assert_eq!(seconds(date), None, "without a clock");
    }
}
