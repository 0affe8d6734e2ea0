//! Which record is wanted.

use bursar_kernel::{Error, Fqdn, Submitted, Violation};

/// A record to be put somewhere.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PresentRecord {
    /// Where.
    pub fqdn: String,
    /// Its text.
    pub value: String,
    /// How long resolvers may keep it; `None` for a short time.
    pub ttl_seconds: Option<u32>,
}

/// A record to be removed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CleanUpRecord {
    /// Where.
    pub fqdn: String,
    /// Its text.
    pub value: String,
}

/// A record to be put somewhere or removed, validated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RecordRequest {
    pub(crate) fqdn: Fqdn,
    pub(crate) value: String,
    pub(crate) ttl_seconds: u32,
}

impl RecordRequest {
    /// Reads a command that is to present a record.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub(crate) fn present(mut submitted: Submitted<PresentRecord>) -> Result<Self, Error> {
        let command = submitted.command();
        let mut violations = validate(&command.fqdn, &command.value);
        if command.ttl_seconds.is_some_and(|ttl| !TTL_SECONDS.contains(&ttl)) {
            violations.push(ttl_violation());
        }
        submitted.complain(violations);
        let PresentRecord { fqdn, value, ttl_seconds } = submitted.accept()?;
        Self::new(&fqdn, value, ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS))
    }

    /// Reads a command that is to clean a record up.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub(crate) fn clean_up(mut submitted: Submitted<CleanUpRecord>) -> Result<Self, Error> {
        let command = submitted.command();
        let violations = validate(&command.fqdn, &command.value);
        submitted.complain(violations);
        let CleanUpRecord { fqdn, value } = submitted.accept()?;
        Self::new(&fqdn, value, DEFAULT_TTL_SECONDS)
    }

    fn new(fqdn: &str, value: String, ttl_seconds: u32) -> Result<Self, Error> {
        let fqdn = Fqdn::parse(fqdn).map_err(|rule| Error::invalid(vec![Violation::new("/fqdn", "format", rule)]))?;
        Ok(Self { fqdn, value, ttl_seconds })
    }
}

fn validate(fqdn: &str, value: &str) -> Vec<Violation> {
    let fqdn = Fqdn::parse(fqdn).err().map(|rule| Violation::new("/fqdn", "format", rule));
    fqdn.into_iter().chain(value_rule(value).map(|rule| Violation::new("/value", "format", rule))).collect()
}

fn ttl_violation() -> Violation {
    let message = format!("This is a whole number of seconds from 1 to {}.", TTL_SECONDS.end());
    Violation::new("/ttlSeconds", "format", message)
}

/// One character-string holds at most 255 bytes (RFC 1035, section 3.3), and
/// quotes and backslashes are the zone file's own (section 5.1): providers
/// differ in whether they keep, drop or double them, so that a value with one
/// could not be found again.
fn value_rule(value: &str) -> Option<&'static str> {
    let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    let fine = (1..=MAX_VALUE_BYTES).contains(&value.len()) && value.bytes().all(fits);
    (!fine).then_some("A value has 1 to 255 printable ASCII characters, without quotes and backslashes.")
}

const MAX_VALUE_BYTES: usize = 255;
/// Short, so that the next challenge at the name is not answered from a cache.
const DEFAULT_TTL_SECONDS: u32 = 60;
const TTL_SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn present(fqdn: &str, value: &str, ttl_seconds: Option<u32>) -> Result<RecordRequest, Error> {
        let command = PresentRecord { fqdn: fqdn.to_owned(), value: value.to_owned(), ttl_seconds };
        RecordRequest::present(command.into())
    }

    fn told(request: Result<RecordRequest, Error>) -> Vec<(String, String)> {
        let violations = request.unwrap_err().violations;
        violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn a_good_request_is_read_whole() {
        let expected = RecordRequest {
            fqdn: Fqdn::parse("_acme-challenge.a.example").unwrap(),
            value: "v".to_owned(),
            ttl_seconds: 120,
        };
        assert_eq!(present("_ACME-challenge.a.example.", "v", Some(120)).unwrap(), expected);
        assert_eq!(present("a", &"x".repeat(255), None).unwrap().ttl_seconds, DEFAULT_TTL_SECONDS);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let all = [("/fqdn", "format"), ("/value", "format"), ("/ttlSeconds", "format")];
        assert_eq!(told(present("a..b", "", Some(0))), pairs(&all));
        assert_eq!(told(present("a", "v", Some(86_401))), pairs(&[("/ttlSeconds", "format")]));
    }

    #[test]
    fn values_that_providers_write_differently_are_refused() {
        for bad in ["\"v\"", "a\\b", "ä", "a\tb", "a\u{7f}", &"x".repeat(256)] {
            assert_eq!(told(present("a", bad, None)), pairs(&[("/value", "format")]), "{bad}");
        }
    }
}
