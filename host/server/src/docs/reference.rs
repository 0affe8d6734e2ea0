//! The content of the reference page, from the OpenAPI document.

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
    title: String,
    anchor: String,
    description: String,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    id: String,
    title: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    is_public: bool,
    /// A request, and the body of its answer.
    curl: String,
    answer: String,
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
    Group { anchor: name.replace(' ', "-"), title: title(&name), description: text(&tag["description"]), operations }
}

fn operation(path: &str, method: &str, of: &Value, document: &Value) -> Operation {
    let answers = of["responses"].as_object().into_iter().flatten();
    let answers = answers.map(|(status, of)| answer(status, resolved(of, document)));
    let (problems, responses): (Vec<Answer>, Vec<Answer>) = answers.partition(|answer| !answer.problem.is_empty());
    let answer = responses.first().and_then(|answer| answer.contents.first());
    Operation {
        id: text(&of["operationId"]),
        title: title(&text(&of["operationId"]).replace('_', " ")),
        curl: curl(path, method, of),
        answer: answer.map(|content| content.example.clone()).unwrap_or_default(),
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

/// A heading of a tag's or an operation's name.
fn title(name: &str) -> String {
    let words =
        name.split(' ').map(|word| if ABBREVIATIONS.contains(&word) { word.to_uppercase() } else { word.to_owned() });
    let words = words.collect::<Vec<_>>().join(" ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A request with the examples of the document.
fn curl(path: &str, method: &str, of: &Value) -> String {
    let parameters = || of["parameters"].as_array().into_iter().flatten();
    let example = |parameter: &Value| match &parameter["example"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (mut url, mut query) = (path.to_owned(), Vec::new());
    for parameter in parameters() {
        let name = text(&parameter["name"]);
        match parameter["in"].as_str() {
            Some("path") => url = url.replace(&format!("{{{name}}}"), &example(parameter)),
            Some("query") if parameter["required"] == true => query.push(format!("{name}={}", example(parameter))),
            _ => {}
        }
    }
    if !query.is_empty() {
        url = format!("{url}?{}", query.join("&"));
    }
    let mut lines = vec![format!("curl \"$BURSAR_ADDR{url}\"")];
    let body = contents(&of["requestBody"]["content"]).into_iter().next();
    // Without a word curl sends GET, and POST where there is a body.
    let implied = if body.is_some() { "post" } else { "get" };
    if method != implied {
        lines.push(format!("  --request {}", method.to_uppercase()));
    }
    if of.get("security").is_none() {
        lines.push("  --header \"Authorization: Bearer $BURSAR_TOKEN\"".to_owned());
    }
    if let Some(body) = body {
        lines.push(format!("  --json '{}'", body.example.replace('\'', "'\\''")));
    }
    lines.join(" \\\n")
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

/// Words that are written in capitals.
const ABBREVIATIONS: [&str; 2] = ["dns", "api"];
