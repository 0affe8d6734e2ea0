//! Text and JSON from a plugin, bounded before it is believed.

pub(crate) use bursar_domain::text::is_unprintable;
use serde_json::Value;

/// Reads one JSON document.
///
/// # Errors
///
/// One of our own sentences: it names the rule and quotes nothing.
pub(crate) fn parse_json(text: &str, most_bytes: usize) -> Result<Value, &'static str> {
    if text.len() > most_bytes {
        return Err("a JSON document is too large");
    }
    // serde_json stops at 128 by itself, so that this recursion is safe.
    let value: Value = serde_json::from_str(text).map_err(|_| "a text is not JSON")?;
    if depth(&value) > MAX_DEPTH {
        return Err("a JSON document is nested too deep");
    }
    Ok(value)
}

/// Nesting of a document; a scalar has none.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// A sentence of a plugin, fit for a terminal and a web page: at most 500
/// characters, without what is not seen.
pub(crate) fn sentence(text: &str) -> String {
    text.chars().filter(|c| !is_unprintable(*c)).take(MAX_SENTENCE).collect()
}

/// Bytes of a JSON document, unless the contract says otherwise.
pub(crate) const MAX_JSON_BYTES: usize = 256 << 10;
/// Bytes of a manifest and of a form's schema.
pub(crate) const MAX_DESCRIPTION_BYTES: usize = 64 << 10;
pub(crate) const MAX_DEPTH: usize = 64;
const MAX_SENTENCE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_documents_and_sentences() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(&nested(64), MAX_JSON_BYTES).is_ok());
        assert_eq!(parse_json(&nested(65), MAX_JSON_BYTES), Err("a JSON document is nested too deep"));
        assert_eq!(parse_json(&nested(100_000), MAX_JSON_BYTES), Err("a text is not JSON"));
        assert_eq!(parse_json("{} x", MAX_JSON_BYTES), Err("a text is not JSON"));
        assert_eq!(parse_json("\"xx\"", 3), Err("a JSON document is too large"));
        assert_eq!(sentence("a\u{1b}[31mb\u{202e}c\n"), "a[31mbc");
        assert_eq!(sentence(&"ä".repeat(600)).chars().count(), 500);
    }
}
