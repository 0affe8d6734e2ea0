//! Integers in JSON. JSON has one kind of number, and writers differ in how they
//! write a whole one: `60` and `60.0` are the same integer to JSON Schema
//! (2020-12, validation 6.1.1) and to most clients. Whoever reads an integer of
//! a caller's reads it here.

use serde_json::{Number, Value};

/// The whole number, 0 or more, that a value is: also with a zero fraction, as
/// long as that is read exactly (RFC 8259, section 6).
#[must_use]
pub fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| plain(value.as_number()?)?.as_u64())
}

/// Writes every integer in `value` without its zero fraction, so that a reader
/// that tells the two apart, such as a plugin, sees one form.
pub fn normalize(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(plain) = plain(number) {
                *number = plain;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(members) => members.values_mut().for_each(normalize),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A number with a zero fraction without it.
fn plain(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    if float.fract() != 0.0 || float.abs() > MAX_EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
    Some(Number::from(float as i64))
}

/// A float is read to the last place or the one beside it. Up to here a place is
/// less than a half, so that no integer is taken for another.
const MAX_EXACT: f64 = 1e15;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Option<u64> {
        whole_number(&serde_json::from_str(text).ok()?)
    }

    #[test]
    fn a_zero_fraction_is_no_fraction() {
        for (text, wanted) in [("60", 60), ("60.0", 60), ("60.000", 60), ("0.0", 0), ("-0.0", 0), ("6e1", 60)] {
            assert_eq!(read(text), Some(wanted), "{text}");
        }
        assert_eq!(read("18446744073709551615"), Some(u64::MAX), "as it is written, it is exact");
        assert_eq!(read("1000000000000000.0"), Some(1_000_000_000_000_000));
    }

    #[test]
    fn what_is_no_whole_number_is_none() {
        for text in [
            "60.5",
            "-1",
            "-1.0",
            "1e400",
            "1e300",
            "9007199254740991.0",
            "18446744073709551616",
            "\"60\"",
            "null",
            "[60]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_written_in_one_form_wherever_they_stand() {
        let mut value = json!({"port": 5432.0, "ratio": 0.5, "list": [1.0, {"n": -2.0}], "text": "3.0", "big": 1e300});
        normalize(&mut value);
        assert_eq!(
            value.to_string(),
            json!({"port": 5432, "ratio": 0.5, "list": [1, {"n": -2}], "text": "3.0", "big": 1e300}).to_string()
        );
    }
}
