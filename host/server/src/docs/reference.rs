//! From the OpenAPI document to what its page shows.

use serde::Serialize;
use serde_json::Value;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Reference {
    title: String,
    version: String,
    description: String,
    groups: Vec<Group>,
    schemas: Vec<SchemaOf>,
}

#[derive(Serialize)]
struct Group {
    name: String,
    anchor: String,
    description: String,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    is_public: bool,
    parameters: Vec<Parameter>,
    bodies: Vec<Content>,
    responses: Vec<Answer>,
    problems: Vec<Answer>,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    place: String,
    kind: String,
    is_required: bool,
    description: String,
}

#[derive(Serialize)]
struct Content {
    media_type: String,
    schema: String,
    example: String,
}

#[derive(Serialize)]
struct Answer {
    status: String,
    description: String,
    problem: String,
    contents: Vec<Content>,
}

#[derive(Serialize)]
struct SchemaOf {
    name: String,
    description: String,
    properties: Vec<Parameter>,
}

impl Reference {
    pub(super) fn of(document: &Value) -> Self {
        let tags = document["tags"].as_array().into_iter().flatten();
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        Self {
            title: text(&document["info"]["title"]),
            version: text(&document["info"]["version"]),
            description: text(&document["info"]["description"]),
            groups: tags.map(|tag| group(tag, document)).collect(),
            schemas: schemas.map(|(name, schema)| schema_of(name, schema)).collect(),
        }
    }
}

fn group(tag: &Value, document: &Value) -> Group {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
    });
    let operations = all
        .filter(|(_, _, of)| of["tags"].as_array().is_some_and(|tags| tags.contains(&tag["name"])))
        .map(|(path, method, of)| operation(path, method, of, document))
        .collect();
    let name = text(&tag["name"]);
    Group { anchor: name.replace(' ', "-"), name, description: text(&tag["description"]), operations }
}

fn operation(path: &str, method: &str, of: &Value, document: &Value) -> Operation {
    let answers = of["responses"].as_object().into_iter().flatten();
    let answers = answers.map(|(status, of)| answer(status, resolved(of, document)));
    let (problems, responses) = answers.partition(|answer| !answer.problem.is_empty());
    Operation {
        id: text(&of["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&of["summary"]),
        description: text(&of["description"]),
        is_public: of.get("security").is_some(),
        parameters: of["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
        bodies: contents(&of["requestBody"]["content"]),
        responses,
        problems,
    }
}

/// What `$ref` leads to, or the value itself.
fn resolved<'a>(of: &'a Value, document: &'a Value) -> &'a Value {
    let target = of["$ref"].as_str().and_then(|target| document.pointer(target.trim_start_matches('#')));
    target.unwrap_or(of)
}

fn answer(status: &str, of: &Value) -> Answer {
    let problem = of["content"]["application/problem+json"]["example"]["type"].as_str().unwrap_or_default();
    Answer {
        status: status.to_owned(),
        description: text(&of["description"]),
        problem: problem.to_owned(),
        contents: contents(&of["content"]),
    }
}

fn contents(content: &Value) -> Vec<Content> {
    let each = content.as_object().into_iter().flatten();
    each.map(|(media_type, of)| Content {
        media_type: media_type.clone(),
        schema: kind(&of["schema"]),
        example: match &of["example"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => format!("{other:#}"),
        },
    })
    .collect()
}

fn parameter(of: &Value) -> Parameter {
    Parameter {
        name: text(&of["name"]),
        place: text(&of["in"]),
        kind: kind(&of["schema"]),
        is_required: of["required"] == true,
        description: text(&of["description"]),
    }
}

fn schema_of(name: &str, schema: &Value) -> SchemaOf {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let parts = schema["allOf"].as_array().into_iter().flatten().chain(std::iter::once(schema));
    let properties = parts.filter_map(|part| part["properties"].as_object()).flatten();
    let properties = properties.map(|(name, of)| Parameter {
        name: name.clone(),
        place: String::new(),
        kind: kind(of),
        is_required: required.iter().any(|required| required == name),
        description: text(&of["description"]),
    });
    SchemaOf { name: name.to_owned(), description: text(&schema["description"]), properties: properties.collect() }
}

/// A schema in a few words: `string (date-time)`, `list of Selector`.
fn kind(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return target.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let alternatives = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[key].as_array());
    if let Some(alternatives) = alternatives {
        return alternatives.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let named = match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    };
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    }
    match (schema["format"].as_str(), schema.get("items")) {
        (_, Some(items)) => format!("list of {}", kind(items)),
        (Some(format), None) => format!("{named} ({format})"),
        (None, None) => named,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
