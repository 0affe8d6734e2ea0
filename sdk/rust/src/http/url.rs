//! Percent-encoding of what goes into a URL's path or a form.

/// A segment of a path, or a name or value of a form: all but the unreserved
/// characters of RFC 3986 encoded.
#[must_use]
pub fn encoded(segment: &str) -> String {
    encode(segment, false)
}

/// A path; slashes are kept.
pub(crate) fn encoded_path(path: &str) -> String {
    encode(path, true)
}

fn encode(text: &str, keep_slashes: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slashes && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encoded("a/b c~d_e-f.g"), "a%2Fb%20c~d_e-f.g");
        assert_eq!(encoded("ü+*"), "%C3%BC%2B%2A");
        assert_eq!(encoded_path("/a b/c"), "/a%20b/c");
    }
}
