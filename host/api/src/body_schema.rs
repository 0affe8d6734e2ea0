//! Validates a body against the JSON Schema of its type, and reads it as far as it is
//! valid.

use std::collections::BTreeMap;

use bursar_kernel::{Error, Kind, Submitted, Violation, integer};
use bursar_schema::pointer::child;
use bursar_schema::{Input, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The schema of a request body, as OpenAPI describes it, and the rules beyond it.
pub(super) struct BodySchema {
    schema: Schema,
    rules: BTreeMap<&'static str, &'static [Rule]>,
    /// Members that hold an object of any content: that is not validated here.
    opaque: Vec<String>,
}

/// How the validation of a member differs from what OpenAPI says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// The content of the text is left to the command, whose rule says more.
    OwnText,
    /// Violations with one of the codes `from` have the code `to`.
    Code {
        /// The codes of the schema.
        from: &'static [&'static str],
        /// The code of the API.
        to: &'static str,
    },
    /// Whatever is wrong within the member is one violation of it.
    Whole {
        /// Its code.
        code: &'static str,
        /// Its message.
        message: &'static str,
    },
    /// A text that is accepted and not part of the description.
    Undescribed,
    /// The member is not part of the description: its presence is a violation.
    Immutable(&'static str),
}

impl BodySchema {
    /// Compiles the schema of `T`. `rules` are by member, the empty name stands for the
    /// body.
    pub(super) fn of<T: ToSchema>(rules: &'static [(&'static str, &'static [Rule])]) -> Self {
        let name = T::name();
        let mut components = vec![(name.to_string(), T::schema())];
        T::schemas(&mut components);
        let components: BTreeMap<_, _> = components.into_iter().collect();
        let mut document = json!({ "components": { "schemas": components } });
        let root = &mut document["components"]["schemas"][&*name];
        for (member, rules) in rules.iter().filter(|(member, _)| !member.is_empty()) {
            rules.iter().for_each(|rule| rule.adapt(&mut root["properties"][member]));
        }
        let properties = root["properties"].as_object().into_iter().flatten();
        let opaque = properties.filter(|(_, schema)| is_opaque(schema)).map(|(name, _)| name.clone()).collect();
        let schema = Schema::component(&document, &name, Input::Body)
            .unwrap_or_else(|error| unreachable!("the schema of each body compiles, see the tests: {name} {error}"));
        Self { schema, rules: rules.iter().copied().collect(), opaque }
    }

    /// Reads a body. Members with violations hold placeholders.
    ///
    /// # Errors
    ///
    /// Where not even that can be read.
    pub(super) fn read<T: DeserializeOwned>(&self, mut body: Value) -> Result<Submitted<T>, Error> {
        integer::normalize(&mut body);
        let opaque = self.take_opaque(&mut body);
        let report = self.schema.check(&body);
        let report = report.map_err(|error| Error::new(Kind::Internal, "a body cannot be checked").because(error))?;
        let violations = self.apply_rules(report.violations);
        if let Some(members) = body.as_object_mut() {
            members.extend(opaque);
        }
        if !violations.is_empty() {
            body = self.with_placeholders(body, &violations);
        }
        match serde_json::from_value(body) {
            Ok(command) => Ok(Submitted::new(command, violations)),
            Err(_) if !violations.is_empty() => Err(Error::invalid(violations)),
            // The reason may quote a value.
            Err(_) => {
                let violation = Violation::new("", "invalid", "The body holds a value that is out of range.");
                Err(Error::invalid(self.apply_rules(vec![violation])))
            }
        }
    }

    /// Takes the content of opaque members out: only their type is checked.
    fn take_opaque(&self, body: &mut Value) -> Vec<(String, Value)> {
        let Some(members) = body.as_object_mut() else { return Vec::new() };
        let names = self.opaque.iter().filter_map(|name| {
            let object = members.get_mut(name).filter(|member| member.is_object())?;
            Some((name.clone(), std::mem::replace(object, json!({}))))
        });
        names.collect()
    }

    fn apply_rules(&self, found: Vec<Violation>) -> Vec<Violation> {
        let mut violations: Vec<Violation> = Vec::new();
        for violation in found {
            let violation = self.apply_rule(violation);
            if !violations.iter().any(|known| (&known.pointer, &known.code) == (&violation.pointer, &violation.code)) {
                violations.push(violation);
            }
        }
        violations
    }

    fn apply_rule(&self, found: Violation) -> Violation {
        let of = |name: &str| self.rules.get(name).into_iter().copied().flatten();
        let name = member(&found.pointer);
        let rules = name.as_deref().into_iter().flat_map(|name| of(name).map(move |rule| (child("", name), *rule)));
        for (at, rule) in rules.chain(of("").map(|rule| (String::new(), *rule))) {
            match rule {
                Rule::Code { from, to } if found.pointer == at && from.contains(&found.code.as_str()) => {
                    return Violation { code: to.to_owned(), ..found };
                }
                Rule::Whole { code, message } => return Violation::new(at, code, message),
                Rule::Immutable(message) => return Violation::new(at, "immutable", message),
                Rule::Code { .. } | Rule::OwnText | Rule::Undescribed => {}
            }
        }
        found
    }

    /// The body without the members that are wrong, and with placeholders for those
    /// that it needs.
    fn with_placeholders(&self, body: Value, violations: &[Violation]) -> Value {
        let mut members = match body {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        for violation in violations {
            match member(&violation.pointer) {
                Some(name) => drop(members.remove(&name)),
                None => members.clear(),
            }
        }
        self.fill(self.resolved(self.schema.source()), &mut members);
        Value::Object(members)
    }

    /// Adds what the object `schema` requires.
    fn fill(&self, schema: &Value, members: &mut Map<String, Value>) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                members.insert(name.to_owned(), self.placeholder(&schema["properties"][name]));
            }
        }
    }

    /// The simplest value of the type that a schema asks for.
    fn placeholder(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(first) = schema.pointer("/enum/0") {
            return first.clone();
        }
        if let Some(first) = ["/oneOf/0", "/anyOf/0", "/allOf/0"].iter().find_map(|at| schema.pointer(at)) {
            return self.placeholder(first);
        }
        match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
            Some("string") => json!(""),
            Some("boolean") => json!(false),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
            Some("array") => json!([]),
            Some("object") => {
                let mut members = Map::new();
                self.fill(schema, &mut members);
                Value::Object(members)
            }
            _ => Value::Null,
        }
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
        target.and_then(|pointer| self.schema.source().pointer(pointer)).unwrap_or(schema)
    }
}

impl Rule {
    /// Changes the member's schema.
    fn adapt(self, schema: &mut Value) {
        match self {
            Self::OwnText => {
                if let Some(keywords) = schema.as_object_mut() {
                    keywords.retain(|keyword, _| !TEXT_KEYWORDS.contains(&keyword.as_str()));
                }
            }
            Self::Undescribed => *schema = json!({ "type": ["string", "null"] }),
            Self::Immutable(_) => *schema = json!({ "not": {} }),
            Self::Code { .. } | Self::Whole { .. } => {}
        }
    }
}

/// Whether a schema accepts objects of any content.
fn is_opaque(schema: &Value) -> bool {
    let is_object = |kind: &Value| kind == "object";
    let takes_objects =
        is_object(&schema["type"]) || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(is_object));
    takes_objects && ["properties", "additionalProperties"].iter().all(|keyword| schema.get(keyword).is_none())
}

/// The name of the member that a pointer leads into; `None` for the whole body.
fn member(pointer: &str) -> Option<String> {
    let token = pointer.split('/').nth(1)?;
    Some(token.replace("~1", "/").replace("~0", "~"))
}

const TEXT_KEYWORDS: [&str; 4] = ["pattern", "format", "minLength", "maxLength"];
