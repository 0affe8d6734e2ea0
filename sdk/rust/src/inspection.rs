use serde::Serialize;

use crate::json::{Map, Value, json, to_value};
use crate::{Error, Selector};

/// What a type found in the public half of the data.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The public data, normalised.
    pub data: Value,
    /// Facts for people.
    pub attributes: Map<String, Value>,
    /// What to find the credential by.
    pub selectors: Vec<Selector>,
    /// For types with the ability `acme-order`.
    pub order: Option<Value>,
    /// Usable from then on, Unix seconds.
    pub not_before: Option<i64>,
    /// Usable until then, Unix seconds.
    pub not_after: Option<i64>,
}

impl Inspection {
    /// An inspection of normalised public data, with nothing else yet.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when `data` is not JSON.
    pub fn new(data: impl Serialize) -> Result<Self, Error> {
        Ok(Self { data: value(data)?, ..Self::default() })
    }

    /// Adds a fact.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when `fact` is not JSON.
    pub fn attribute(mut self, name: &str, fact: impl Serialize) -> Result<Self, Error> {
        self.attributes.insert(name.to_owned(), value(fact)?);
        Ok(self)
    }

    /// Adds something a person should know that is no violation, about the field
    /// at `pointer`. `code` is one of the manifest's `messages`, which is what
    /// people are shown. The same is told once.
    #[must_use]
    pub fn warning(mut self, pointer: &str, code: &str) -> Self {
        let warning = json!({ "pointer": pointer, "code": code });
        let warnings = self.attributes.entry(WARNINGS).or_insert_with(|| json!([]));
        if let Value::Array(warnings) = warnings
            && !warnings.contains(&warning)
        {
            warnings.push(warning);
        }
        self
    }

    /// Adds a selector: see the WIT for the kinds.
    #[must_use]
    pub fn selector(mut self, kind: &str, value: impl Into<String>) -> Self {
        self.selectors.push(Selector { kind: kind.to_owned(), value: value.into() });
        self
    }
}

fn value(value: impl Serialize) -> Result<Value, Error> {
    to_value(value).map_err(|_| Error::Internal("the answer is not JSON".into()))
}

/// The attribute that the host takes warnings from.
const WARNINGS: &str = "warnings";
