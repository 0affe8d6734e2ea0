//! Text and JSON from a plugin, bounded before it is believed.

pub(crate) use bursar_kernel::text::is_unprintable;
pub(crate) use bursar_schema::sentence;
use bursar_schema::{MAX_DEPTH, MAX_FORM_BYTES, depth};
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
    // serde_json stops at depth 128, which makes this recursion safe.
    let value: Value = serde_json::from_str(text).map_err(|_| "a text is not JSON")?;
    if depth(&value) > MAX_DEPTH {
        return Err("a JSON document is nested too deep");
    }
    Ok(value)
}

/// Bytes of a JSON document, unless the contract says otherwise.
pub(crate) const MAX_JSON_BYTES: usize = MAX_FORM_BYTES;
/// Bytes of a manifest and of a form's schema.
pub(crate) const MAX_DESCRIPTION_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_documents() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(&nested(64), MAX_JSON_BYTES).is_ok());
        assert_eq!(parse_json(&nested(65), MAX_JSON_BYTES), Err("a JSON document is nested too deep"));
        assert_eq!(parse_json(&nested(100_000), MAX_JSON_BYTES), Err("a text is not JSON"));
        assert_eq!(parse_json("{} x", MAX_JSON_BYTES), Err("a text is not JSON"));
        assert_eq!(parse_json("\"xx\"", 3), Err("a JSON document is too large"));
    }
}
