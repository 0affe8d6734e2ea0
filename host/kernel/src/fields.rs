//! Reading the members of a JSON object: every violation is collected, and no
//! value is in any.

use serde_json::{Map, Value};

use crate::Violation;

/// The members nobody has asked for yet, and what is wrong so far.
pub struct Fields {
    map: Map<String, Value>,
    /// What is wrong so far.
    pub violations: Vec<Violation>,
}

impl Fields {
    /// Starts on a body that may hold `known` members.
    pub fn new(body: Value, known: &[&str]) -> Self {
        let mut fields = Self { map: Map::new(), violations: Vec::new() };
        match body {
            Value::Object(map) => fields.map = map,
            _ => fields.violations.push(Violation::new("", "type", "The body must be a JSON object.")),
        }
        let unknown: Vec<String> = fields.map.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
        for key in unknown {
            let shown = key.replace('~', "~0").replace('/', "~1");
            let list = known.join(", ");
            fields.complain(&shown, "unknown", &format!("there is no such field: known are {list}"));
        }
        fields
    }

    /// The member, if it is there.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key)
    }

    /// Whether the member is there as null, which takes it.
    pub fn is_null(&mut self, key: &str) -> bool {
        let is_null = self.map.get(key).is_some_and(Value::is_null);
        if is_null {
            self.map.remove(key);
        }
        is_null
    }

    /// Notes something wrong with the member.
    pub fn complain(&mut self, key: &str, code: &str, message: &str) {
        self.violations.push(Violation::new(format!("/{key}"), code, message));
    }

    /// Complains of a missing field, unless it already was complained of.
    pub fn require(&mut self, key: &str, cure: &str) {
        let pointer = format!("/{key}");
        if self.violations.iter().all(|violation| violation.pointer != pointer && !violation.pointer.is_empty()) {
            self.violations.push(Violation::new(pointer, "required", format!("This is required: {cure}.")));
        }
    }

    /// Complains of a type.
    pub fn wrong_type(&mut self, key: &str, wanted: &str) -> Value {
        self.complain(key, "type", &format!("This must be {wanted}."));
        Value::Object(Map::new())
    }

    /// A string that may be absent.
    pub fn text(&mut self, key: &str, max_chars: usize) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.chars().count() > max_chars => {
                self.complain(key, "too-long", &format!("At most {max_chars} characters."));
                None
            }
            Value::String(text) => Some(text),
            Value::Null => None,
            _ => {
                self.wrong_type(key, "a string");
                None
            }
        }
    }

    /// A truth value that may be absent.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(flag) => Some(flag),
            Value::Null => None,
            _ => {
                self.wrong_type(key, "true or false");
                None
            }
        }
    }
}
