//! Reading a target's settings: every complaint at once, no value in any.

use std::collections::BTreeMap;

use bursar_domain::Violation;
use bursar_domain::integer::whole_number;
use bursar_domain::region::TargetKind;
use bursar_domain::secret::SecretJson;
use serde_json::{Map, Value};

/// Takes settings apart; what was not read well is a complaint at the end.
pub(crate) struct Settings<'a> {
    map: Option<&'a Map<String, Value>>,
    violations: Vec<Violation>,
}

impl<'a> Settings<'a> {
    /// Begins with complaints of what `kind` does not know or misses.
    pub(crate) fn new(kind: &TargetKind, settings: &'a SecretJson) -> Self {
        let map = settings.expose().as_object();
        let mut reader = Self { map, violations: Vec::new() };
        let Some(map) = map else {
            reader.complain("", "type", "The settings must be a JSON object.");
            return reader;
        };
        let known: Vec<&str> = kind.settings.iter().map(|setting| setting.name).collect();
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let pointer = key.replace('~', "~0").replace('/', "~1");
            reader.complain(&pointer, "unknown", &format!("There is no such setting: known are {}.", known.join(", ")));
        }
        for setting in kind.settings.iter().filter(|setting| setting.required) {
            if map.get(setting.name).is_none_or(Value::is_null) {
                reader.complain(setting.name, "required", &format!("This is required: {}.", setting.about));
            }
        }
        reader
    }

    /// A text that is not empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                self.complain(name, "type", "This must be a text that is not empty.");
                None
            }
        }
    }

    /// A whole number from 0 on.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        let value = self.value(name)?;
        let number = whole_number(value);
        if number.is_none() {
            self.complain(name, "type", "This must be a whole number, 0 or more.");
        }
        number
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.value(name)?;
        if value.as_bool().is_none() {
            self.complain(name, "type", "This must be true or false.");
        }
        value.as_bool()
    }

    /// An object of texts.
    pub(crate) fn texts(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        let value = self.value(name)?;
        let texts = value.as_object().and_then(|map| {
            map.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()
        });
        if texts.is_none() {
            self.complain(name, "type", "This must be an object whose values are texts.");
        }
        texts
    }

    /// Adds a complaint about a setting.
    pub(crate) fn complain(&mut self, name: &str, code: &str, message: &str) {
        let pointer = if name.is_empty() { String::new() } else { format!("/{name}") };
        self.violations.push(Violation::new(pointer, code, message));
    }

    /// What was complained of.
    pub(crate) fn finish(self) -> Vec<Violation> {
        self.violations
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }
}
