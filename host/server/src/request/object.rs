//! Reading a small JSON object by hand, so that what is wrong is told without
//! what was sent.

use bursar_domain::{Error, Violation};
use serde_json::{Map, Value};

/// The members nobody has asked for yet, and what is wrong so far.
pub(crate) struct ObjectReader {
    members: Map<String, Value>,
    violations: Vec<Violation>,
}

impl ObjectReader {
    /// Starts on a body; none is as good as an empty object.
    pub(crate) fn new(body: Option<Value>) -> Self {
        let (members, violations) = match body {
            None => (Map::new(), Vec::new()),
            Some(Value::Object(members)) => (members, Vec::new()),
            Some(_) => (Map::new(), vec![Violation::new("", "type", "The body must be a JSON object.")]),
        };
        Self { members, violations }
    }

    /// Whatever is there.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// A string that may be absent.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.members.remove(name)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => {
                self.complain(format!("/{name}"), "type", "This must be a string.");
                None
            }
        }
    }

    /// A string that must be there; empty where it is not, which is noted.
    pub(crate) fn required_text(&mut self, name: &str, cure: &str) -> String {
        let before = self.violations.len();
        let text = self.text(name);
        if text.is_none() && self.violations.len() == before {
            self.complain(format!("/{name}"), "required", &format!("This is required: {cure}."));
        }
        text.unwrap_or_default()
    }

    /// A list of strings that may be absent.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let items = match self.members.remove(name)? {
            Value::Null => return None,
            Value::Array(items) => items,
            _ => {
                self.complain(format!("/{name}"), "type", "This must be a list of strings.");
                return None;
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                _ => self.complain(format!("/{name}/{index}"), "type", "This must be a string."),
            }
        }
        Some(texts)
    }

    /// Notes something wrong.
    pub(crate) fn complain(&mut self, pointer: String, code: &str, message: &str) {
        self.violations.push(Violation::new(pointer, code, message));
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, unknown members included.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        for name in std::mem::take(&mut self.members).keys() {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            self.complain(pointer, "unknown", "There is no such field here: see /docs.");
        }
        if self.violations.is_empty() { Ok(()) } else { Err(Error::invalid(self.violations)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_everything_without_what_was_sent() {
        let mut object =
            ObjectReader::new(Some(json!({"format": 7, "fields": ["/a", {"x": "hunter2"}], "hunter2": 1})));
        assert_eq!(object.text("format"), None);
        assert_eq!(object.texts("fields"), Some(vec!["/a".to_owned()]));
        let violations = object.finish().unwrap_err().violations;
        let told: Vec<_> = violations.iter().map(|v| (v.pointer.as_str(), v.code.as_str())).collect();
        assert_eq!(told, [("/format", "type"), ("/fields/1", "type"), ("/hunter2", "unknown")]);
        assert_eq!(ObjectReader::new(Some(json!([]))).finish().unwrap_err().violations[0].code, "type");
        assert!(ObjectReader::new(None).finish().is_ok());
    }
}
