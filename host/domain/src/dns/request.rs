//! Reading which record is wanted.

use serde_json::{Map, Value};

use super::Fqdn;
use crate::integer::whole_number;
use crate::{Error, Violation};

/// A record to be put somewhere or removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RecordRequest {
    pub(crate) fqdn: Fqdn,
    pub(crate) value: String,
    pub(crate) ttl_seconds: u32,
}

impl RecordRequest {
    /// Reads a request body; `with_ttl` where it may say how long resolvers may
    /// keep the record.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub(crate) fn read(body: Value, with_ttl: bool) -> Result<Self, Error> {
        let mut violations = Vec::new();
        let Value::Object(mut fields) = body else {
            let message = "The body must be a JSON object.";
            return Err(Error::invalid(vec![Violation::new("", "type", message)]));
        };
        let fqdn = text(&mut fields, "fqdn", "name the record, such as _acme-challenge.example.com", &mut violations);
        let fqdn = fqdn.and_then(|text| {
            Fqdn::parse(&text).map_err(|rule| violations.push(Violation::new("/fqdn", "format", rule))).ok()
        });
        let value = text(&mut fields, "value", "give the record's text", &mut violations);
        if let Some(rule) = value.as_deref().and_then(value_rule) {
            violations.push(Violation::new("/value", "format", rule));
        }
        let ttl = if with_ttl { fields.remove("ttlSeconds").filter(|ttl| !ttl.is_null()) } else { None };
        let ttl_seconds = match ttl {
            None => Some(DEFAULT_TTL_SECONDS),
            Some(ttl) => {
                whole_number(&ttl).and_then(|ttl| u32::try_from(ttl).ok()).filter(|ttl| TTL_SECONDS.contains(ttl))
            }
        };
        if ttl_seconds.is_none() {
            let message = format!("This is a whole number of seconds from 1 to {}.", TTL_SECONDS.end());
            violations.push(Violation::new("/ttlSeconds", "format", message));
        }
        let known = if with_ttl { "fqdn, value, ttlSeconds" } else { "fqdn, value" };
        for name in fields.keys() {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            let message = format!("There is no such field: known are {known}.");
            violations.push(Violation::new(pointer, "unknown", message));
        }
        match (fqdn, value, ttl_seconds) {
            (Some(fqdn), Some(value), Some(ttl_seconds)) if violations.is_empty() => {
                Ok(Self { fqdn, value, ttl_seconds })
            }
            _ => Err(Error::invalid(violations)),
        }
    }
}

fn text(fields: &mut Map<String, Value>, name: &str, cure: &str, violations: &mut Vec<Violation>) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        None | Some(Value::Null) => {
            violations.push(Violation::new(format!("/{name}"), "required", format!("This is required: {cure}.")));
            None
        }
        Some(_) => {
            violations.push(Violation::new(format!("/{name}"), "type", "This must be a string."));
            None
        }
    }
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
    use serde_json::json;

    use super::*;

    fn told(body: Value, with_ttl: bool) -> Vec<(String, String)> {
        let violations = RecordRequest::read(body, with_ttl).unwrap_err().violations;
        violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn a_good_request_is_read_whole() {
        let read =
            RecordRequest::read(json!({"fqdn": "_ACME-challenge.a.example.", "value": "v", "ttlSeconds": 120}), true);
        let expected = RecordRequest {
            fqdn: Fqdn::parse("_acme-challenge.a.example").unwrap(),
            value: "v".to_owned(),
            ttl_seconds: 120,
        };
        assert_eq!(read.unwrap(), expected);
        let plain = RecordRequest::read(json!({"fqdn": "a", "value": "x".repeat(255), "ttlSeconds": null}), true);
        assert_eq!(plain.unwrap().ttl_seconds, DEFAULT_TTL_SECONDS);
        let read = |ttl: &str| {
            let ttl: Value = serde_json::from_str(ttl).unwrap();
            RecordRequest::read(json!({"fqdn": "a", "value": "v", "ttlSeconds": ttl}), true)
        };
        assert_eq!(read("60.0").unwrap().ttl_seconds, 60, "an integer, however it is written");
        for bad in ["60.5", "0.0", "-60.0", "86401.0", "1e300", "\"60\""] {
            assert_eq!(read(bad).unwrap_err().violations[0].pointer, "/ttlSeconds", "{bad}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert_eq!(told(json!([]), true), pairs(&[("", "type")]));
        assert_eq!(told(json!({}), true), pairs(&[("/fqdn", "required"), ("/value", "required")]));
        let wrong = json!({"fqdn": "a..b", "value": "", "ttlSeconds": 0, "zo/ne": 1});
        let all = [("/fqdn", "format"), ("/value", "format"), ("/ttlSeconds", "format"), ("/zo~1ne", "unknown")];
        assert_eq!(told(wrong, true), pairs(&all));
        let types = json!({"fqdn": 7, "value": ["v"], "ttlSeconds": "60"});
        assert_eq!(told(types, true), pairs(&[("/fqdn", "type"), ("/value", "type"), ("/ttlSeconds", "format")]));
        let cleanup = json!({"fqdn": "a", "value": "v", "ttlSeconds": 60});
        assert_eq!(told(cleanup, false), pairs(&[("/ttlSeconds", "unknown")]));
    }

    #[test]
    fn values_that_providers_write_differently_are_refused() {
        for bad in ["\"v\"", "a\\b", "ä", "a\tb", "a\u{7f}", &"x".repeat(256)] {
            assert_eq!(told(json!({"fqdn": "a", "value": bad}), true), pairs(&[("/value", "format")]), "{bad}");
        }
    }
}
