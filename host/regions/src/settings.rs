//! The settings of a kind of target: one JSON Schema.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The JSON Schema (2020-12) of the settings of a kind of target: an object whose
/// properties are the settings, in the order people see.
///
/// Annotations add what a schema does not know: `description` is what people read
/// about a setting, `writeOnly` marks it as secret, and `x-moves` says that it
/// decides where things are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingsSchema {
    document: Value,
    settings: Vec<Setting>,
}

/// One setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    /// Its name in `settings`.
    pub name: String,
    /// What it is, with its default.
    pub about: String,
    /// Whether it is never shown again.
    pub secret: bool,
    /// Whether it decides where things are. It can be changed only while nothing
    /// is there, which would otherwise be lost sight of.
    pub moves: bool,
    /// Whether a region needs it.
    pub required: bool,
}

impl SettingsSchema {
    /// Parses a schema.
    ///
    /// # Errors
    ///
    /// Where the text is not JSON, or not the schema of an object with properties.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let Outline { properties, required } = serde_json::from_str(text)?;
        let setting = |(name, property): (String, Property)| Setting {
            required: required.contains(&name),
            name,
            about: property.description,
            secret: property.write_only,
            moves: property.moves,
        };
        let settings = properties.0.into_iter().map(setting).collect();
        Ok(Self { document: serde_json::from_str(text)?, settings })
    }

    /// The schema itself.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The settings, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }
}

#[derive(serde::Deserialize)]
struct Outline {
    properties: Properties,
    #[serde(default)]
    required: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Property {
    #[serde(default)]
    description: String,
    #[serde(default, rename = "writeOnly")]
    write_only: bool,
    #[serde(default, rename = "x-moves")]
    moves: bool,
}

/// Properties in the order of the document, which a JSON map does not keep.
struct Properties(Vec<(String, Property)>);

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Properties;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of properties")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut properties = Vec::new();
                while let Some(property) = map.next_entry()? {
                    properties.push(property);
                }
                Ok(Properties(properties))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_the_order_of_their_schema() {
        let schema = SettingsSchema::parse(
            r#"{"type": "object", "required": ["path"], "properties": {
                "path": {"type": "string", "description": "where", "x-moves": true},
                "key": {"type": "string", "writeOnly": true},
                "mode": true
            }}"#,
        );
        assert!(schema.is_err(), "a property must be an object");
        let schema = SettingsSchema::parse(
            r#"{"required": ["path"], "properties": {
                "path": {"type": "string", "description": "where", "x-moves": true},
                "key": {"writeOnly": true},
                "a": {}
            }}"#,
        );
        let schema = schema.expect("a schema");
        let setting = |name: &str, about: &str, secret, moves, required| Setting {
            name: name.to_owned(),
            about: about.to_owned(),
            secret,
            moves,
            required,
        };
        let expected = [
            setting("path", "where", false, true, true),
            setting("key", "", true, false, false),
            setting("a", "", false, false, false),
        ];
        assert_eq!(schema.iter().cloned().collect::<Vec<_>>(), expected);
        assert_eq!(schema.document()["properties"]["path"]["type"], "string");
    }
}
