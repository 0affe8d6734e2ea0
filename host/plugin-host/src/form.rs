//! A type's form: checks data against its JSON Schema, says everything that is
//! wrong at once, and tells where the secrets are. The dialect, with the
//! annotation `x-message`, is `schemas/form-schema.md`.

use std::collections::{BTreeMap, BTreeSet};

use bursar_domain::Violation;
use bursar_domain::plugin::{FormReport, PluginError};
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::answer::broke;
use crate::names::{MAX_POINTER_BYTES, child, is_within};
use crate::schema_bounds;
use crate::text::{MAX_DEPTH, MAX_JSON_BYTES, depth};
use crate::wording::{Wording, label};

/// A compiled form.
pub struct FormSchema {
    schema: Value,
    validator: Validator,
    /// Every property name that the schema declares anywhere.
    declared: BTreeSet<String>,
}

impl FormSchema {
    /// Compiles a schema, which is third-party input: no remote references, no
    /// recursion, patterns in bounded time.
    ///
    /// # Errors
    ///
    /// The reason, for the plugin's author.
    pub fn compile(schema: Value) -> Result<Self, String> {
        schema_bounds::check(&schema)?;
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(BACKTRACK_STEPS)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| {
                let place =
                    if error.instance_path().as_str().is_empty() { "/" } else { error.instance_path().as_str() };
                format!(
                    "its form's schema is not valid at {place}: {}",
                    crate::text::sentence(&error.masked().to_string())
                )
            })?;
        let mut declared = BTreeSet::new();
        collect_names(&schema, &mut declared);
        Ok(Self { schema, validator, declared })
    }

    /// The schema as the plugin gave it.
    #[must_use]
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Checks data: every violation, with the pointer at the field to mend, and
    /// where the secrets are. No message holds a value.
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] when a pattern ran out of its bounds.
    pub fn validate(&self, data: &Value) -> Result<FormReport, PluginError> {
        if depth(data) > MAX_DEPTH {
            let message = "This form is nested too deep.";
            return Ok(FormReport {
                violations: vec![Violation::new("", "too-large", message)],
                secret_pointers: Vec::new(),
            });
        }
        let evaluation = self.validator.evaluate(data);
        let secret_pointers = secrets(&evaluation)?;
        let mut found = Found::default();
        if !evaluation.flag().valid {
            for error in self.validator.iter_errors(data) {
                self.explain(&error, data, &mut found)?;
            }
            if found.is_empty() {
                // Whatever the reason was: what does not fit must not pass.
                found.add(String::new(), "invalid", || "This form does not fit what is asked for.".to_owned());
            }
        }
        if found.is_empty() && data.to_string().len() > MAX_JSON_BYTES {
            found.add(String::new(), "too-large", || "This form is larger than 256 KiB.".to_owned());
        }
        Ok(FormReport { violations: found.into_violations(), secret_pointers })
    }

    /// Where the secrets of `data` are: outermost places alone, sorted. Of data
    /// that is not valid, every place that any branch of the schema calls secret.
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] when the schema calls the whole form a secret.
    pub(crate) fn secret_pointers(&self, data: &Value) -> Result<Vec<String>, PluginError> {
        secrets(&self.validator.evaluate(data))
    }

    /// Whether the schema has a property of that name, as a pointer spells it.
    pub(crate) fn declares(&self, token: &str) -> bool {
        self.declared.contains(token)
    }

    fn explain(&self, error: &ValidationError<'_>, data: &Value, found: &mut Found) -> Result<(), PluginError> {
        let at = error.instance_path().as_str();
        match error.kind() {
            Kind::Required { property } => {
                let pointer = child(at, property.as_str().unwrap_or_default());
                found.add(pointer.clone(), "required", || self.wording(error, &pointer).required());
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    unknown(at, name, found);
                }
            }
            // What `additionalProperties: false` without `properties` is to the
            // validator: every field there is.
            Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
                for name in data.pointer(at).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
                    unknown(at, name, found);
                }
            }
            Kind::FalseSchema => found.add(at.to_owned(), "unknown", || self.wording(error, at).not_here()),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                // The branch the person means is the one whose constants fit.
                let meant =
                    context.iter().find(|branch| !branch.is_empty() && !branch.iter().any(tells_branches_apart));
                match meant {
                    Some(branch) => {
                        for error in branch {
                            self.explain(error, data, found)?;
                        }
                    }
                    None => self.plainly(error, at, found),
                }
            }
            Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
                return Err(broke("a pattern of its form ran out of its bounds"));
            }
            Kind::Referencing(_) => return Err(broke("a reference of its form does not resolve")),
            _ => self.plainly(error, at, found),
        }
        Ok(())
    }

    fn plainly(&self, error: &ValidationError<'_>, at: &str, found: &mut Found) {
        found.add(at.to_owned(), error.kind().keyword(), || self.wording(error, at).plain(error.kind()));
    }

    fn wording<'a>(&'a self, error: &'a ValidationError<'_>, pointer: &str) -> Wording<'a> {
        // The last part of the path is the keyword; before it is the subschema.
        let path = error.schema_path().as_str();
        let failing = path.rsplit_once('/').and_then(|(parent, _)| self.schema.pointer(parent));
        Wording { code: error.kind().keyword(), failing, label: label(&self.schema, failing, pointer) }
    }
}

/// Violations by place and code, each once, in the order of places.
#[derive(Default)]
struct Found(BTreeMap<(String, String), String>);

impl Found {
    fn add(&mut self, pointer: String, code: &str, message: impl FnOnce() -> String) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.entry((pointer, code.to_owned())).or_insert_with(message);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn into_violations(self) -> Vec<Violation> {
        self.0.into_iter().map(|((pointer, code), message)| Violation { pointer, code, message }).collect()
    }
}

/// A name too long to be a field's is told at the place that holds it.
fn unknown(at: &str, name: &str, found: &mut Found) {
    let pointer = child(at, name);
    let pointer = if pointer.len() > MAX_POINTER_BYTES { at.to_owned() } else { pointer };
    found.add(pointer, "unknown", || "This form has no such field.".to_owned());
}

fn tells_branches_apart(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. } | Kind::Type { .. })
}

fn secrets(evaluation: &jsonschema::Evaluation) -> Result<Vec<String>, PluginError> {
    let mut places = BTreeSet::new();
    if evaluation.flag().valid {
        for entry in evaluation.iter_annotations() {
            if is_write_only(entry.annotations.value()) {
                places.insert(entry.instance_location.as_str().to_owned());
            }
        }
    } else {
        // A failing schema annotates nothing, and its secrets are secrets all
        // the same.
        let output =
            serde_json::to_value(evaluation.hierarchical()).map_err(|_| broke("its form could not be read"))?;
        collect_write_only(&output, &mut places);
    }
    if places.contains("") {
        return Err(broke("its form calls the whole form a secret"));
    }
    // A set is sorted, so an outer place comes before what is inside it.
    let mut outermost: Vec<String> = Vec::new();
    for place in places {
        if !outermost.iter().any(|outer| is_within(&place, outer)) {
            outermost.push(place);
        }
    }
    Ok(outermost)
}

fn is_write_only(annotations: &Value) -> bool {
    annotations.get("writeOnly") == Some(&Value::Bool(true))
}

fn collect_write_only(unit: &Value, places: &mut BTreeSet<String>) {
    let marked = |key: &str| unit.get(key).is_some_and(is_write_only);
    if (marked("annotations") || marked("droppedAnnotations"))
        && let Some(place) = unit.get("instanceLocation").and_then(Value::as_str)
    {
        places.insert(place.to_owned());
    }
    for detail in unit.get("details").and_then(Value::as_array).into_iter().flatten() {
        collect_write_only(detail, places);
    }
}

fn collect_names(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get("properties") {
                names.extend(properties.keys().map(|name| child("", name).split_off(1)));
            }
            fields.values().for_each(|field| collect_names(field, names));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Steps a pattern with look-around may take on one value.
const BACKTRACK_STEPS: usize = 100_000;
const PATTERN_BYTES: usize = 1 << 20;
const MAX_VIOLATIONS: usize = 256;
