//! Bounds on a third-party schema that keep the time to check any document
//! bounded.
//!
//! `$ref` makes a schema a program: two references side by side, thirty deep,
//! are a billion checks in 2 KiB. References must therefore stay inside the
//! document and make no cycle, and the schema with all references expanded may
//! have only so many parts. Nothing here interprets the schema.

use std::collections::HashMap;

use serde_json::Value;

use crate::{MAX_DEPTH, SchemaError, depth};

/// Checks the bounds.
///
/// # Errors
///
/// See [`SchemaError`].
pub(crate) fn check(schema: &Value) -> Result<(), SchemaError> {
    if depth(schema) > MAX_DEPTH {
        return Err(SchemaError::TooDeep);
    }
    if let Some(dialect) = schema.get("$schema")
        && dialect != DIALECT
    {
        return Err(SchemaError::Dialect);
    }
    let mut walk = Walk { root: schema, sizes: HashMap::new(), open: Vec::new() };
    if walk.size(schema, true)? > MAX_PARTS {
        return Err(SchemaError::TooLarge);
    }
    Ok(())
}

struct Walk<'a> {
    root: &'a Value,
    /// Sizes of the targets already measured.
    sizes: HashMap<&'a str, u64>,
    /// References being followed.
    open: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn size(&mut self, value: &'a Value, is_root: bool) -> Result<u64, SchemaError> {
        let mut size = 1_u64;
        match value {
            Value::Array(items) => {
                for item in items {
                    size = size.saturating_add(self.size(item, false)?);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    let more = match (name.as_str(), field) {
                        ("$ref", Value::String(target)) => self.reference(target)?,
                        ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                            return Err(SchemaError::DynamicReference);
                        }
                        ("$id", Value::String(_)) if !is_root => {
                            return Err(SchemaError::InnerId);
                        }
                        ("pattern", Value::String(_)) => PATTERN_PARTS,
                        ("patternProperties", Value::Object(patterns)) => {
                            let count = u64::try_from(patterns.len()).unwrap_or(u64::MAX);
                            self.size(field, false)?.saturating_add(count.saturating_mul(PATTERN_PARTS))
                        }
                        _ => self.size(field, false)?,
                    };
                    size = size.saturating_add(more);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(size)
    }

    fn reference(&mut self, target: &'a str) -> Result<u64, SchemaError> {
        if let Some(size) = self.sizes.get(target) {
            return Ok(*size);
        }
        if self.open.contains(&target) {
            return Err(SchemaError::Recursive);
        }
        let place = target
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer))
            .ok_or(SchemaError::DanglingReference)?;
        self.open.push(target);
        let size = self.size(place, false)?;
        self.open.pop();
        self.sizes.insert(target, size);
        Ok(size)
    }
}

/// The only dialect.
pub(crate) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const MAX_PARTS: u64 = 20_000;
/// A pattern may take up to a mebibyte when it is compiled: 200 of them at most.
const PATTERN_PARTS: u64 = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_what_a_schema_costs() {
        assert_eq!(
            check(&json!({"$schema": DIALECT, "$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}})),
            Ok(())
        );
        for (schema, why) in [
            (json!({"$ref": "https://example.com/schema.json"}), SchemaError::DanglingReference),
            (json!({"$ref": "#nope"}), SchemaError::DanglingReference),
            (json!({"$ref": "#"}), SchemaError::Recursive),
            (json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}), SchemaError::Recursive),
            (json!({"$dynamicRef": "#a"}), SchemaError::DynamicReference),
            (json!({"properties": {"a": {"$id": "https://example.com/"}}}), SchemaError::InnerId),
            (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), SchemaError::Dialect),
        ] {
            assert_eq!(check(&schema), Err(why), "{schema}");
        }
    }

    #[test]
    fn refuses_a_bomb_of_references() {
        let mut defs = serde_json::Map::new();
        for level in 0..40 {
            let next = json!({"$ref": format!("#/$defs/l{}", level + 1)});
            defs.insert(format!("l{level}"), json!({"allOf": [next, next]}));
        }
        defs.insert("l40".to_owned(), json!({"type": "string"}));
        assert_eq!(check(&json!({"$ref": "#/$defs/l0", "$defs": defs})), Err(SchemaError::TooLarge));
    }

    #[test]
    fn refuses_what_is_costly_to_compile() {
        let patterns = |count: usize, keyword: &str| {
            let parts = (0..count).map(|number| match keyword {
                "pattern" => json!({"pattern": format!("^\\w{{{number}}}$")}),
                _ => json!({"patternProperties": {(format!("^\\w{{{number}}}$")): true}}),
            });
            json!({"allOf": parts.collect::<Vec<_>>()})
        };
        for keyword in ["pattern", "patternProperties"] {
            assert_eq!(check(&patterns(150, keyword)), Ok(()), "{keyword}");
            assert_eq!(check(&patterns(250, keyword)), Err(SchemaError::TooLarge), "{keyword}");
        }
        // Each use of a definition is compiled separately.
        let uses = vec![json!({"$ref": "#/$defs/a"}); 250];
        assert!(check(&json!({"$defs": {"a": {"pattern": "x"}}, "allOf": uses})).is_err());
    }
}
