use serde::Serialize;

use crate::json::{Map, Value, json, to_value};
use crate::{Error, Selector};

/// What a type reads from the public half of the data.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The public data, normalised.
    pub data: Value,
    /// Facts for people.
    pub attributes: Map<String, Value>,
    /// Selectors by which the credential is found.
    pub selectors: Vec<Selector>,
    /// For types with the ability `acme-order`.
    pub order: Option<Value>,
    /// When it becomes valid, in Unix seconds.
    pub not_before: Option<i64>,
    /// When it expires, in Unix seconds.
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

    /// Adds a warning about the field at `pointer`. `code` is one of the
    /// manifest's `messages`, which people are shown. A repeated warning is
    /// ignored.
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

/// The attribute in which the host looks for warnings.
const WARNINGS: &str = "warnings";
