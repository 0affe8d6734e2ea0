//! Sentences for violations: the field, the fault and the cure. They are made of
//! the schema only, never of the value.

use std::fmt::Write as _;

use bursar_kernel::text::is_unprintable;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use crate::Input;
use crate::pointer::names;

/// What a sentence is made of.
pub(crate) struct Wording<'a> {
    pub(crate) input: Input,
    pub(crate) fault: Fault<'a>,
    /// The subschema it failed in.
    pub(crate) failing: Option<&'a Value>,
    pub(crate) label: Label<'a>,
}

/// What is wrong with a field.
#[derive(Clone, Copy)]
pub(crate) enum Fault<'a> {
    /// It is required.
    Missing,
    /// The schema has no such field.
    Unknown,
    /// The schema has it, but not together with the rest of the document.
    Unused,
    /// It violates a keyword.
    Keyword(&'a Kind),
}

/// How to call a field.
pub(crate) struct Label<'a> {
    title: String,
    /// The field's schema, where it is known.
    schema: Option<&'a Value>,
}

/// The subschema that property names lead to.
pub(crate) struct Declared<'a> {
    /// With references followed.
    pub(crate) schema: &'a Value,
    /// Before references were followed.
    unresolved: &'a Value,
    is_entry: bool,
}

impl Wording<'_> {
    /// The violation's code: `x-code` of one of our own schemas, or the keyword's.
    pub(crate) fn code(&self) -> String {
        let own = if self.input == Input::Form { None } else { self.annotation("x-code") };
        own.unwrap_or_else(|| self.input.code(self.keyword())).to_owned()
    }

    /// The sentence.
    pub(crate) fn message(&self) -> String {
        match (self.fault, self.annotation("x-message")) {
            (Fault::Unknown, _) => self.unknown(),
            (_, Some(own)) => sentence(own),
            (Fault::Missing, None) => self.sentence("is required", describe(self.label.schema)),
            (Fault::Unused, None) => self.sentence("is not used here; leave it out", None),
            (Fault::Keyword(kind), None) => self.violated(kind),
        }
    }

    fn keyword(&self) -> &str {
        match self.fault {
            Fault::Missing => "required",
            Fault::Unknown | Fault::Unused => "unknown",
            Fault::Keyword(kind) => kind.keyword(),
        }
    }

    fn unknown(&self) -> String {
        let member = self.input.member();
        if self.input == Input::Form {
            return format!("{} has no such {member}.", self.input.whole());
        }
        let known = self.failing.and_then(|schema| schema.get("properties")?.as_object());
        let known: Vec<&str> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
        if known.is_empty() {
            return format!("There is no such {member}.");
        }
        sentence(&format!("There is no such {member}: known are {}.", known.join(", ")))
    }

    fn violated(&self, kind: &Kind) -> String {
        let (fault, cure) = match kind {
            Kind::Type { .. } => (format!("must be {}", self.types()), None),
            Kind::Enum { options } => (format!("must be one of {}", list(options)), None),
            Kind::Constant { expected_value } => (format!("must be {}", show(expected_value)), None),
            Kind::MinLength { limit: 1 } => ("must not be empty".to_owned(), self.cure()),
            Kind::MinLength { limit } => (format!("must have at least {limit} characters"), None),
            Kind::MaxLength { limit } => (format!("must have at most {limit} characters"), None),
            Kind::MinItems { limit } => (format!("must have at least {limit} entries"), None),
            Kind::MaxItems { limit } => (format!("must have at most {limit} entries"), None),
            Kind::MinProperties { limit } => (format!("must have at least {limit} fields"), None),
            Kind::MaxProperties { limit } => (format!("must have at most {limit} fields"), None),
            Kind::Minimum { limit } => (format!("must be at least {limit}"), None),
            Kind::Maximum { limit } => (format!("must be at most {limit}"), None),
            Kind::ExclusiveMinimum { limit } => (format!("must be more than {limit}"), None),
            Kind::ExclusiveMaximum { limit } => (format!("must be less than {limit}"), None),
            Kind::UniqueItems => ("must not have the same entry twice".to_owned(), None),
            Kind::Format { format } => (format!("must be a valid {format}"), self.cure()),
            Kind::Pattern { pattern } if self.input != Input::Form => (format!("must match {pattern}"), self.cure()),
            Kind::Pattern { .. } => ("does not have the expected format".to_owned(), self.cure()),
            _ => ("does not match its schema".to_owned(), self.cure()),
        };
        self.sentence(&fault, cure)
    }

    /// An annotation of the subschema or the field: one text, or one for each
    /// keyword.
    fn annotation(&self, name: &str) -> Option<&str> {
        [self.failing, self.label.schema].into_iter().flatten().find_map(|schema| match schema.get(name)? {
            Value::String(text) => {
                // The subschema of a missing field is its whole parent.
                let about_parent = matches!(self.fault, Fault::Missing)
                    && self.failing.is_some_and(|failing| std::ptr::eq(failing, schema));
                (!about_parent || schema.get("properties").is_none()).then_some(text.as_str())
            }
            Value::Object(texts) => texts.get(self.keyword())?.as_str(),
            _ => None,
        })
    }

    fn cure(&self) -> Option<String> {
        describe(self.failing).or_else(|| describe(self.label.schema))
    }

    fn sentence(&self, fault: &str, cure: Option<String>) -> String {
        let mut text = format!("{} {fault}.", self.label.title);
        if let Some(cure) = cure {
            let _infallible = write!(text, " {cure}");
        }
        sentence(&text)
    }

    fn types(&self) -> String {
        let name = |kind| type_name(self.input, kind);
        match self.failing.and_then(|schema| schema.get("type")) {
            Some(Value::String(one)) => name(one),
            Some(Value::Array(many)) => {
                many.iter().filter_map(Value::as_str).map(name).collect::<Vec<_>>().join(" or ")
            }
            _ => "of another type".to_owned(),
        }
    }
}

/// Finds how to call the field at `pointer`: by the title where the schema is
/// followed by property names, then by that of the failing subschema, else by
/// the name itself.
pub(crate) fn label<'a>(input: Input, root: &'a Value, failing: Option<&'a Value>, pointer: &str) -> Label<'a> {
    let names = names(pointer);
    let Some((last, parents)) = names.split_last() else {
        return Label { title: input.whole().to_owned(), schema: None };
    };
    let declared = declared(root, &names);
    let is_entry = declared.as_ref().is_some_and(|declared| declared.is_entry);
    let declared = declared.map(|declared| declared.unresolved);
    let nearby = failing.and_then(|schema| schema.get("properties")?.get(last));
    let titled = [declared, nearby].into_iter().flatten().filter_map(|schema| resolve(root, schema));
    let schema = titled.clone().find(|schema| schema.get("title").is_some()).or_else(|| titled.clone().next());
    let title = schema
        .and_then(|schema| schema.get("title"))
        .or_else(|| if nearby.is_none() { failing.and_then(own_title) } else { None })
        .and_then(Value::as_str)
        .map_or_else(|| if is_entry { entry(parents, last) } else { last.clone() }, str::to_owned);
    Label { title, schema }
}

/// Follows property names, and entries of lists, through a schema.
pub(crate) fn declared<'a>(root: &'a Value, names: &[String]) -> Option<Declared<'a>> {
    let start = Declared { schema: resolve(root, root)?, unresolved: root, is_entry: false };
    names.iter().try_fold(start, |parent, name| {
        let property = parent.schema.get("properties").and_then(|properties| properties.get(name));
        let unresolved = property.or_else(|| parent.schema.get("items"))?;
        Some(Declared { schema: resolve(root, unresolved)?, unresolved, is_entry: property.is_none() })
    })
}

/// Text fit for a terminal and a web page: at most 500 characters, all visible.
#[must_use]
pub fn sentence(text: &str) -> String {
    text.chars().filter(|c| !is_unprintable(*c)).take(MAX_SENTENCE).collect()
}

/// The title of a subschema that is a field's and not a whole form's.
fn own_title(schema: &Value) -> Option<&Value> {
    if schema.get("properties").is_some() { None } else { schema.get("title") }
}

/// One step through a reference or a choice between null and something else, to
/// find titles; only the validator decides what a schema means.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    if schema.get("title").is_some() {
        return Some(schema);
    }
    let branches = ["oneOf", "anyOf"].into_iter().find_map(|keyword| schema.get(keyword)?.as_array());
    let schema = match branches.map(Vec::as_slice) {
        Some([other, null] | [null, other]) if null["type"] == "null" => other,
        _ => schema,
    };
    match schema.get("$ref").and_then(Value::as_str) {
        Some(target) if schema.get("title").is_none() => root.pointer(target.strip_prefix('#')?),
        _ => Some(schema),
    }
}

fn entry(parents: &[String], index: &str) -> String {
    match (parents.last(), index.parse::<usize>()) {
        (Some(list), Ok(index)) => format!("Entry {} of {list}", index.saturating_add(1)),
        _ => index.to_owned(),
    }
}

fn describe(schema: Option<&Value>) -> Option<String> {
    let text = schema?.get("description")?.as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn type_name(input: Input, kind: &str) -> String {
    let for_people = input == Input::Form;
    match kind {
        "string" if for_people => "a text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "array" => "a list".to_owned(),
        "object" if for_people => "a group of fields".to_owned(),
        "object" => "an object".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" if for_people => "empty".to_owned(),
        "null" => "null".to_owned(),
        other => format!("a {other}"),
    }
}

fn list(options: &Value) -> String {
    options.as_array().map(|options| options.iter().map(show).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

const MAX_SENTENCE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_short_and_visible() {
        assert_eq!(sentence("a\u{1b}[31mb\u{202e}c\n"), "a[31mbc");
        assert_eq!(sentence(&"ä".repeat(600)).chars().count(), 500);
    }
}
