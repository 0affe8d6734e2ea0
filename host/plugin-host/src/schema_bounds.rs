//! Bounds on a form's schema, so that checking data against it takes bounded
//! time whatever the data.
//!
//! A schema is third-party input, and `$ref` makes it a program: two references
//! side by side, thirty deep, are a billion checks in 2 KiB. So references stay
//! inside the document, make no cycle, and the schema with all of them written
//! out may have only so many parts. Nothing here reads what a schema means.

use std::collections::HashMap;

use serde_json::Value;

use crate::text::{MAX_DEPTH, depth};

/// Checks the bounds.
///
/// # Errors
///
/// The reason, for the plugin's author.
pub(crate) fn check(schema: &Value) -> Result<(), String> {
    if depth(schema) > MAX_DEPTH {
        return Err("its form's schema is nested too deep".to_owned());
    }
    if let Some(dialect) = schema.get("$schema")
        && dialect != DIALECT
    {
        return Err(format!("its form's schema is not of JSON Schema 2020-12 ({DIALECT})"));
    }
    let mut walk = Walk { root: schema, sizes: HashMap::new(), open: Vec::new() };
    if walk.size(schema, true)? > MAX_PARTS {
        return Err("its form's schema is too large with its references written out".to_owned());
    }
    Ok(())
}

struct Walk<'a> {
    root: &'a Value,
    /// Of targets already measured.
    sizes: HashMap<&'a str, u64>,
    /// References being followed.
    open: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn size(&mut self, value: &'a Value, is_root: bool) -> Result<u64, String> {
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
                            return Err("its form's schema has a dynamic reference".to_owned());
                        }
                        ("$id", Value::String(_)) if !is_root => {
                            return Err("its form's schema has an $id inside".to_owned());
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

    fn reference(&mut self, target: &'a str) -> Result<u64, String> {
        if let Some(size) = self.sizes.get(target) {
            return Ok(*size);
        }
        if self.open.contains(&target) {
            return Err("its form's schema refers to itself".to_owned());
        }
        let place = target
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer))
            .ok_or("its form's schema refers to something that is not in it")?;
        self.open.push(target);
        let size = self.size(place, false)?;
        self.open.pop();
        self.sizes.insert(target, size);
        Ok(size)
    }
}

/// The one dialect.
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
            (json!({"$ref": "https://example.com/schema.json"}), "not in it"),
            (json!({"$ref": "#nope"}), "not in it"),
            (json!({"$ref": "#"}), "refers to itself"),
            (json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}), "refers to itself"),
            (json!({"$dynamicRef": "#a"}), "dynamic"),
            (json!({"properties": {"a": {"$id": "https://example.com/"}}}), "$id"),
            (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "2020-12"),
        ] {
            let reason = check(&schema).expect_err(&schema.to_string());
            assert!(reason.contains(why), "{schema}: {reason}");
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
        let reason = check(&json!({"$ref": "#/$defs/l0", "$defs": defs})).expect_err("a bomb");
        assert!(reason.contains("too large"), "{reason}");
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
            let reason = check(&patterns(250, keyword)).expect_err(keyword);
            assert!(reason.contains("too large"), "{reason}");
        }
        // Each use of a definition is compiled by itself.
        let uses = vec![json!({"$ref": "#/$defs/a"}); 250];
        assert!(check(&json!({"$defs": {"a": {"pattern": "x"}}, "allOf": uses})).is_err());
    }
}
