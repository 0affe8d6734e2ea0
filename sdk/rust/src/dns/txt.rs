//! TXT values as the zone file format writes them (RFC 1035, sections 3.3.14
//! and 5.1): one or more strings of at most 255 bytes, in quotes.

/// `value` in quotes, in as many strings as it needs.
#[must_use]
pub fn quoted(value: &str) -> String {
    if value.is_empty() {
        return "\"\"".into();
    }
    let strings: Vec<_> = value.as_bytes().chunks(MAX_STRING_BYTES).map(quoted_string).collect();
    strings.join(" ")
}

/// The strings of a TXT record, written as one value: the inverse of
/// [`strings`].
pub fn quoted_strings<'a>(strings: impl IntoIterator<Item = &'a str>) -> String {
    let strings: Vec<_> = strings.into_iter().map(|string| quoted_string(string.as_bytes())).collect();
    strings.join(" ")
}

/// The bytes that a value stands for. An unquoted value stands for itself,
/// since some services return values without quotes.
#[must_use]
pub fn meant(content: &str) -> Vec<u8> {
    parsed(content).map_or_else(|| content.as_bytes().to_vec(), |strings| strings.concat())
}

/// The strings of a value, for services that take them separately. Invalid
/// UTF-8 is replaced.
#[must_use]
pub fn strings(content: &str) -> Vec<String> {
    let strings = parsed(content).unwrap_or_else(|| {
        let bytes = content.as_bytes();
        if bytes.is_empty() { vec![Vec::new()] } else { bytes.chunks(MAX_STRING_BYTES).map(<[u8]>::to_vec).collect() }
    });
    strings.iter().map(|string| String::from_utf8_lossy(string).into_owned()).collect()
}

/// Whether two values are equal, regardless of quoting, splitting and escaping.
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    left == right || meant(left) == meant(right)
}

/// The strings of a quoted value; `None` unless all of it is quoted.
fn parsed(content: &str) -> Option<Vec<Vec<u8>>> {
    let mut rest = content.trim().as_bytes();
    let mut strings = Vec::new();
    while let [b'"', inside @ ..] = rest {
        let (string, after) = string(inside)?;
        strings.push(string);
        rest = after.trim_ascii_start();
    }
    (rest.is_empty() && !strings.is_empty()).then_some(strings)
}

/// One string, read up to its closing quote.
fn string(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut string = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((string, after)),
            [b'\\', a @ b'0'..=b'2', b @ b'0'..=b'9', c @ b'0'..=b'9', after @ ..] => {
                let number = u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0');
                string.push(u8::try_from(number).ok()?);
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                string.push(*escaped);
                rest = after;
            }
            [byte, after @ ..] => {
                string.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

fn quoted_string(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => quoted.push(char::from(*byte)),
            _ => {
                let digits = [byte / 100, byte / 10 % 10, byte % 10];
                quoted.push('\\');
                quoted.extend(digits.map(|digit| char::from(b'0' + digit)));
            }
        }
    }
    quoted.push('"');
    quoted
}

const MAX_STRING_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quoted("w6uP8Tcg_-"), "\"w6uP8Tcg_-\"");
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quoted("ü\n"), r#""\195\188\010""#);
        assert_eq!(quoted(""), "\"\"");
    }

    #[test]
    fn long_values_are_split_at_255_bytes() {
        let long = "x".repeat(300);
        assert_eq!(quoted(&long), format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45)));
        assert_eq!(strings(&long).iter().map(String::len).collect::<Vec<_>>(), [255, 45]);
        assert!(same(&quoted(&long), &long));
    }

    #[test]
    fn a_value_is_itself_quoted_or_not() {
        assert!(same("abc", "\"abc\""));
        assert!(same("\"abc\"", "\"a\" \"bc\""));
        assert!(same("\"abc\"", r#""a\098c""#));
        assert!(same("a b", "\"a b\""));
        assert!(!same("abc", "\"abC\""));
        assert!(!same("\"abc", "abc"));
    }

    #[test]
    fn strings_survive_there_and_back() {
        let content = r#""v=spf1 \"x\"" "tail\\""#;
        assert_eq!(strings(content), ["v=spf1 \"x\"", "tail\\"]);
        assert_eq!(quoted_strings(strings(content).iter().map(String::as_str)), content);
        assert_eq!(strings(""), [""]);
    }

    #[test]
    fn what_is_no_value_in_quotes_means_itself() {
        for bare in ["\"a", "\"a\" b", "a\"b\"", "\"a\\", "\"\\999\"x"] {
            assert_eq!(meant(bare), bare.as_bytes());
        }
    }
}
