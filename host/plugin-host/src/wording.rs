//! Sentences for what is wrong with a form: which field, and the cure. They are
//! made of the schema alone, never of the value.

use std::fmt::Write as _;

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use crate::text::sentence;

/// What a sentence is made of.
pub(crate) struct Wording<'a> {
    /// The keyword that failed.
    pub(crate) code: &'a str,
    /// The subschema it failed in.
    pub(crate) failing: Option<&'a Value>,
    /// The field's name for people, and its schema where it is known.
    pub(crate) label: Label<'a>,
}

/// How to call a field.
pub(crate) struct Label<'a> {
    title: String,
    schema: Option<&'a Value>,
}

impl Wording<'_> {
    /// For a field that is missing.
    pub(crate) fn required(&self) -> String {
        self.own_words().unwrap_or_else(|| self.sentence("is required", describe(self.label.schema)))
    }

    /// For a field that must not be there.
    pub(crate) fn not_here(&self) -> String {
        self.own_words().unwrap_or_else(|| self.sentence("is not used here; leave it out", None))
    }

    /// For everything else.
    pub(crate) fn plain(&self, kind: &Kind) -> String {
        if let Some(own) = self.own_words() {
            return own;
        }
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
            Kind::Pattern { .. } => ("does not have the form that is asked for".to_owned(), self.cure()),
            _ => ("does not fit what is asked for".to_owned(), self.cure()),
        };
        self.sentence(&fault, cure)
    }

    /// `x-message`: one sentence for the subschema or the field, or one for each
    /// code.
    fn own_words(&self) -> Option<String> {
        [self.failing, self.label.schema].into_iter().flatten().find_map(|schema| match schema.get("x-message")? {
            Value::String(message) => {
                // On a missing field the subschema is its whole parent.
                let about_parent =
                    self.code == "required" && self.failing.is_some_and(|failing| std::ptr::eq(failing, schema));
                (!about_parent || schema.get("properties").is_none()).then(|| sentence(message))
            }
            Value::Object(messages) => messages.get(self.code)?.as_str().map(sentence),
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
        match self.failing.and_then(|schema| schema.get("type")) {
            Some(Value::String(one)) => with_article(one),
            Some(Value::Array(many)) => {
                many.iter().filter_map(Value::as_str).map(with_article).collect::<Vec<_>>().join(" or ")
            }
            _ => "of another type".to_owned(),
        }
    }
}

/// Finds how to call the field at `pointer`: by the title where the schema is
/// followed by property names, then by that of the failing subschema, else by
/// the name itself.
pub(crate) fn label<'a>(root: &'a Value, failing: Option<&'a Value>, pointer: &str) -> Label<'a> {
    let tokens: Vec<String> =
        pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = tokens.last() else {
        return Label { title: "The form".to_owned(), schema: None };
    };
    let declared = tokens.iter().try_fold(root, |schema, token| {
        let schema = resolve(root, schema)?;
        schema.get("properties").and_then(|properties| properties.get(token)).or_else(|| schema.get("items"))
    });
    let nearby = failing.and_then(|schema| schema.get("properties")?.get(last));
    let titled = [declared, nearby].into_iter().flatten().filter_map(|schema| resolve(root, schema));
    let schema = titled.clone().find(|schema| schema.get("title").is_some()).or_else(|| titled.clone().next());
    let title = schema
        .and_then(|schema| schema.get("title"))
        .or_else(|| if nearby.is_none() { failing.and_then(own_title) } else { None })
        .and_then(Value::as_str)
        .map_or_else(|| last.clone(), str::to_owned);
    Label { title, schema }
}

/// The title of a subschema that is a field's and not a whole form's.
fn own_title(schema: &Value) -> Option<&Value> {
    if schema.get("properties").is_some() { None } else { schema.get("title") }
}

/// One step through a reference, for a title; what a schema means is for the
/// validator alone.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(target) if schema.get("title").is_none() => root.pointer(target.strip_prefix('#')?),
        _ => Some(schema),
    }
}

fn describe(schema: Option<&Value>) -> Option<String> {
    schema?.get("description")?.as_str().map(str::to_owned)
}

fn with_article(kind: &str) -> String {
    match kind {
        "string" => "a text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a group of fields".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "empty".to_owned(),
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
