//! A compiled schema, and what it says about a document.

use std::collections::BTreeSet;

use bursar_kernel::{Violation, integer};
use jsonschema::{Draft, PatternOptions, Validator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::explain::Explanation;
use crate::pointer::escape;
use crate::wording::sentence;
use crate::{CheckError, Input, MAX_DEPTH, SchemaError, bounds, depth, secrets};

/// A compiled schema.
pub struct Schema {
    source: Value,
    input: Input,
    validator: Validator,
    /// Every property name declared anywhere, as pointers spell it.
    declared: BTreeSet<String>,
    marks_secrets: bool,
}

/// What a schema says about a document.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every violation, in the order of pointers.
    pub violations: Vec<Violation>,
    /// Where the secrets are: outermost places only, sorted.
    pub secret_pointers: Vec<String>,
}

impl Schema {
    /// Compiles a plugin's schema, which is third-party input: no remote
    /// references, no recursion, patterns in bounded time.
    ///
    /// # Errors
    ///
    /// See [`SchemaError`].
    pub fn compile(source: Value) -> Result<Self, SchemaError> {
        bounds::check(&source)?;
        Self::trusted(source, Input::Form)
    }

    /// Compiles a schema of our own. For [`Input::Body`] and [`Input::Settings`] its
    /// annotation `x-code` replaces a code as `x-message` replaces a message: with
    /// one text, or with an object of texts by JSON Schema keyword.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Invalid`].
    pub fn trusted(source: Value, input: Input) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(BACKTRACK_STEPS)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .build(&source)
            .map_err(|error| {
                let at = error.instance_path().as_str();
                SchemaError::Invalid {
                    at: if at.is_empty() { "/" } else { at }.to_owned(),
                    reason: sentence(&error.masked().to_string()),
                }
            })?;
        let (mut declared, mut marks_secrets) = (BTreeSet::new(), false);
        survey(&source, &mut declared, &mut marks_secrets);
        Ok(Self { source, input, validator, declared, marks_secrets })
    }

    /// The schema as it was given.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Checks a document. No message quotes a value.
    ///
    /// # Errors
    ///
    /// See [`CheckError`].
    pub fn check(&self, document: &Value) -> Result<Report, CheckError> {
        if depth(document) > MAX_DEPTH {
            return Ok(Report { violations: vec![self.too_large("is nested too deep")], ..Report::default() });
        }
        let secret_pointers = self.secret_pointers(document)?;
        let mut violations = Vec::new();
        if !self.validator.is_valid(document) {
            let mut explanation = Explanation::new(self.input, &self.source, document);
            for error in self.validator.iter_errors(document) {
                explanation.add(&error)?;
            }
            violations = explanation.into_violations();
            if violations.is_empty() {
                // Whatever the reason: what does not match must not pass.
                let message = format!("{} does not match its schema.", self.input.whole());
                violations.push(Violation::new("", "invalid", message));
            }
        }
        if violations.is_empty() && self.input == Input::Form && document.to_string().len() > MAX_FORM_BYTES {
            violations.push(self.too_large("is larger than 256 KiB"));
        }
        Ok(Report { violations, secret_pointers })
    }

    /// Checks a document and reads it, with integers such as `60.0` written as
    /// `60`.
    ///
    /// # Errors
    ///
    /// Every violation; one at the whole document where it could not be checked
    /// or does not match `T` although it matches the schema.
    pub fn read<T: DeserializeOwned>(&self, mut document: Value) -> Result<T, Vec<Violation>> {
        let whole = |fault: String| vec![Violation::new("", "invalid", format!("{} {fault}.", self.input.whole()))];
        integer::normalize(&mut document);
        let report = self.check(&document).map_err(|error| whole(format!("cannot be checked: {error}")))?;
        if !report.violations.is_empty() {
            return Err(report.violations);
        }
        // The reason may quote a value.
        serde_json::from_value(document).map_err(|_| whole("holds a value that is out of range".to_owned()))
    }

    /// Where the secrets of a document are, as in [`Report`]. In a document that
    /// is not valid, every place that any branch of the schema marks.
    ///
    /// # Errors
    ///
    /// [`CheckError::WholeSecret`] when the schema marks the whole document.
    pub fn secret_pointers(&self, document: &Value) -> Result<Vec<String>, CheckError> {
        if self.marks_secrets { secrets::locate(&self.validator.evaluate(document)) } else { Ok(Vec::new()) }
    }

    /// Whether the schema has a property of that name, as a pointer spells it.
    #[must_use]
    pub fn declares(&self, token: &str) -> bool {
        self.declared.contains(token)
    }

    fn too_large(&self, fault: &str) -> Violation {
        Violation::new("", "too-large", format!("{} {fault}.", self.input.whole()))
    }
}

/// Collects property names, and whether anything may be marked as a secret.
fn survey(schema: &Value, names: &mut BTreeSet<String>, marks_secrets: &mut bool) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| survey(item, names, marks_secrets)),
        Value::Object(fields) => {
            *marks_secrets |= fields.get("writeOnly") == Some(&Value::Bool(true));
            if let Some(Value::Object(properties)) = fields.get("properties") {
                names.extend(properties.keys().map(|name| escape(name).into_owned()));
            }
            fields.values().for_each(|field| survey(field, names, marks_secrets));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Bytes of a form.
pub const MAX_FORM_BYTES: usize = 256 << 10;
/// Steps a pattern with look-around may take on one value.
const BACKTRACK_STEPS: usize = 100_000;
const PATTERN_BYTES: usize = 1 << 20;
