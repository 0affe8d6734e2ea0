//! From the validator's errors to violations: one for each place and code.

use std::collections::BTreeMap;

use bursar_kernel::Violation;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value};

use crate::pointer::{MAX_BYTES, child, names};
use crate::wording::{Fault, Wording, declared, label};
use crate::{CheckError, Input};

/// The violations of one document so far.
pub(crate) struct Explanation<'a> {
    input: Input,
    schema: &'a Value,
    document: &'a Value,
    /// Messages by pointer and code.
    found: BTreeMap<(String, String), String>,
}

impl<'a> Explanation<'a> {
    pub(crate) fn new(input: Input, schema: &'a Value, document: &'a Value) -> Self {
        Self { input, schema, document, found: BTreeMap::new() }
    }

    /// Adds what one error of the validator means.
    ///
    /// # Errors
    ///
    /// See [`CheckError`].
    pub(crate) fn add(&mut self, error: &ValidationError<'_>) -> Result<(), CheckError> {
        let at = error.instance_path().as_str();
        match error.kind() {
            Kind::Required { property } => {
                let pointer = child(at, property.as_str().unwrap_or_default());
                self.note(error, pointer, Fault::Missing);
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    self.unknown(error, at, name);
                }
            }
            // The validator turns `additionalProperties: false` without
            // `properties` into this: every field is unexpected.
            Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
                let fields = self.document.pointer(at).and_then(Value::as_object);
                fields.into_iter().flat_map(Map::keys).for_each(|name| self.unknown(error, at, name));
            }
            Kind::FalseSchema => self.note(error, at.to_owned(), Fault::Unused),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match self.meant(context) {
                Some(branch) => branch.iter().try_for_each(|error| self.add(error))?,
                None => self.note(error, at.to_owned(), Fault::Keyword(error.kind())),
            },
            // The API and its settings read null as absent.
            Kind::Type { .. } if self.input != Input::Form && error.instance().is_null() && self.requires(at) => {
                self.note(error, at.to_owned(), Fault::Missing);
            }
            Kind::PropertyNames { error: inner } if self.input != Input::Form => {
                let pointer = inner.instance().as_str().map_or_else(|| at.to_owned(), |name| member(at, name));
                self.note(inner, pointer, Fault::Keyword(inner.kind()));
            }
            Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
                return Err(CheckError::PatternLimit);
            }
            Kind::Referencing(_) => return Err(CheckError::UnresolvedReference),
            _ => self.note(error, at.to_owned(), Fault::Keyword(error.kind())),
        }
        Ok(())
    }

    /// Every violation, in the order of pointers.
    pub(crate) fn into_violations(mut self) -> Vec<Violation> {
        if self.input != Input::Form {
            // A value of the wrong type is also none of the known ones.
            let mistyped: Vec<String> = self
                .found
                .keys()
                .filter(|(_, code)| code == "type" || code == "required")
                .map(|(pointer, _)| pointer.clone())
                .collect();
            self.found.retain(|(pointer, code), _| code != "unknown" || !mistyped.contains(pointer));
        }
        self.found.into_iter().map(|((pointer, code), message)| Violation { pointer, code, message }).collect()
    }

    fn unknown(&mut self, error: &ValidationError<'_>, at: &str, name: &str) {
        self.note(error, member(at, name), Fault::Unknown);
    }

    fn note(&mut self, error: &ValidationError<'_>, pointer: String, fault: Fault<'_>) {
        if self.found.len() >= MAX_VIOLATIONS {
            return;
        }
        let failing = self.failing(error);
        let label = label(self.input, self.schema, failing, &pointer);
        let wording = Wording { input: self.input, fault, failing, label };
        self.found.entry((pointer, wording.code())).or_insert_with(|| wording.message());
    }

    /// The branch that the writer meant: the one beside null, or the one whose
    /// constants match.
    fn meant<'e>(&self, branches: &'e [Vec<ValidationError<'static>>]) -> Option<&'e Vec<ValidationError<'static>>> {
        let mut others = branches.iter().filter(|branch| !self.wants_null(branch));
        match (others.next(), others.next()) {
            (Some(other), None) if branches.len() > 1 => Some(other),
            _ => branches.iter().find(|branch| !branch.is_empty() && !branch.iter().any(tells_branches_apart)),
        }
    }

    fn wants_null(&self, branch: &[ValidationError<'_>]) -> bool {
        matches!(branch, [error] if self.failing(error).is_some_and(|schema| schema["type"] == "null"))
    }

    /// Whether the object around `pointer` needs that member.
    fn requires(&self, pointer: &str) -> bool {
        let mut names = names(pointer);
        let Some(last) = names.pop() else { return false };
        let parent = declared(self.schema, &names);
        let required = parent.and_then(|parent| parent.schema.get("required")?.as_array());
        required.is_some_and(|required| required.iter().any(|name| *name == last))
    }

    /// The subschema that failed: the path's last token is the keyword.
    fn failing(&self, error: &ValidationError<'_>) -> Option<&'a Value> {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(parent)
    }
}

/// The member `name` of the object at `at`; the object itself where the name is
/// too long for a field's.
fn member(at: &str, name: &str) -> String {
    let pointer = child(at, name);
    if pointer.len() > MAX_BYTES { at.to_owned() } else { pointer }
}

fn tells_branches_apart(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. } | Kind::Type { .. })
}

const MAX_VIOLATIONS: usize = 256;
