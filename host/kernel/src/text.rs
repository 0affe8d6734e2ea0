//! Text that comes from elsewhere: what of it nobody sees, and the mark that
//! editors put in front of it.

use serde_json::Value;

/// Whether a character steers how text is shown and is not itself seen: control
/// characters, the marks that turn the direction of writing (Unicode Technical
/// Report 36, section 2.10), line and paragraph separators, and what has no
/// width, tags included.
///
/// A line break and a tab are control characters too: who prints several lines
/// lets them through.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Text without the byte order mark in front of it, which says how the text is
/// encoded and is no part of it (RFC 3629, section 6; RFC 8259, section 8.1).
#[must_use]
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Takes the byte order mark from the front of every text in a document: they
/// came from files, by way of programs that know no such mark.
pub fn drop_byte_order_marks(document: &mut Value) {
    match document {
        Value::String(text) => {
            if text.starts_with('\u{feff}') {
                // In place, so that no copy of a secret is left behind.
                text.drain(..'\u{feff}'.len_utf8());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_byte_order_marks),
        Value::Object(fields) => fields.values_mut().for_each(drop_byte_order_marks),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_sees() {
        for c in "\u{1b}\u{7f}\u{9b}\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{200b}\u{200d}\u{feff}\u{2028}\u{e0001}\u{e0041}\u{ad}".chars() {
            assert!(is_unprintable(c), "{:x}", u32::from(c));
        }
        for c in "aZ9 -_/\u{fc}\u{5e9}\u{627}\u{6771}\u{1f600}\u{301}".chars() {
            assert!(!is_unprintable(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn a_byte_order_mark_goes_from_the_front_alone() {
        assert_eq!(without_byte_order_mark("\u{feff}a\u{feff}b"), "a\u{feff}b");
        assert_eq!(without_byte_order_mark(""), "");
        let mut document = json!({ "a": "\u{feff}x", "b": ["\u{feff}\u{feff}y", 1], "c": "z\u{feff}" });
        drop_byte_order_marks(&mut document);
        assert_eq!(document, json!({ "a": "x", "b": ["\u{feff}y", 1], "c": "z\u{feff}" }));
    }
}
