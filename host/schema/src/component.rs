//! One schema out of an `OpenAPI` document.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Input, Schema, SchemaError};

impl Schema {
    /// Compiles the component `name` of one of our own `OpenAPI` documents, with
    /// the components it refers to.
    ///
    /// # Errors
    ///
    /// [`SchemaError::DanglingReference`] when a component is missing.
    pub fn component(openapi: &Value, name: &str, input: Input) -> Result<Self, SchemaError> {
        let mut needed = BTreeMap::new();
        collect(openapi, name, &mut needed)?;
        let root = json!({ "$ref": format!("{COMPONENTS}{name}"), "components": { "schemas": needed } });
        Self::trusted(root, input)
    }
}

fn collect<'a>(
    openapi: &'a Value,
    name: &'a str,
    needed: &mut BTreeMap<&'a str, &'a Value>,
) -> Result<(), SchemaError> {
    if needed.contains_key(name) {
        return Ok(());
    }
    let schema = openapi
        .pointer("/components/schemas")
        .and_then(|schemas| schemas.get(name))
        .ok_or(SchemaError::DanglingReference)?;
    needed.insert(name, schema);
    let mut unread = vec![schema];
    while let Some(value) = unread.pop() {
        match value {
            Value::Array(items) => unread.extend(items),
            Value::Object(fields) => {
                if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                    let name = target.strip_prefix(COMPONENTS).ok_or(SchemaError::DanglingReference)?;
                    collect(openapi, name, needed)?;
                }
                unread.extend(fields.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

const COMPONENTS: &str = "#/components/schemas/";
