//! How deep a document is nested.

use serde_json::Value;

/// Nesting of a document; a scalar has none.
#[must_use]
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The deepest nesting of a document and of a schema.
pub const MAX_DEPTH: usize = 64;
