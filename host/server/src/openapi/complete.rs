//! Completes the document with what operations share: examples, headers, the security
//! scheme.

use bursar_api as api;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::{examples, responses};
use crate::problem::ProblemType;

/// Completes the document in place.
pub(super) fn complete(document: &mut Value) {
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["info"]["license"] = json!({ "name": "Apache-2.0", "identifier": "Apache-2.0" });
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "brs_<kind>_<digits>",
            "description": "A token of this installation, in `Authorization: Bearer brs_...`."
        }
    });
    document["components"]["schemas"]["Problem"] = described::<api::Problem>();
    document["components"]["schemas"]["InputError"] = described::<api::InputError>();
    document["components"]["schemas"]["Conflict"] = described::<api::Conflict>();
    document["components"]["responses"] = problems();
    for operation in operations(document) {
        if let Some(body) = operation.get_mut("requestBody") {
            allow_absence(body);
            give_examples(&mut body["content"]);
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            if response.get("$ref").is_some() {
                continue;
            }
            if let Some(content) = response.get_mut("content") {
                give_examples(content);
            }
            give_headers(status, response);
        }
    }
}

/// The response to each type of problem, by its slug.
fn problems() -> Value {
    let each = ProblemType::ALL.map(|of| {
        let mut response = serde_json::to_value(responses::response(of)).unwrap_or_default();
        give_headers(&of.row().status.to_string(), &mut response);
        (of.row().slug.to_owned(), response)
    });
    Value::Object(each.into_iter().collect())
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut).flat_map(Map::values_mut)
}

/// A body that may be left out is absent, never null.
fn allow_absence(body: &mut Value) {
    for content in body["content"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(name) = schema_name(content.get("schema")) else { continue };
        if content["schema"].get("oneOf").is_some() {
            content["schema"] = json!({ "$ref": format!("#/components/schemas/{name}") });
        }
    }
}

/// The example of its schema for each content that has none of its own.
fn give_examples(content: &mut Value) {
    for (media_type, content) in content.as_object_mut().into_iter().flatten() {
        if content.get("example").is_some() {
            continue;
        }
        let example = match schema_name(content.get("schema")) {
            Some(name) => examples::of(&name),
            None => text_example(media_type),
        };
        if let Some(example) = example {
            content["example"] = example;
        }
    }
}

/// The name behind `$ref`, also where null is allowed beside it.
fn schema_name(schema: Option<&Value>) -> Option<String> {
    let schema = schema?;
    let alternatives = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let reference = std::iter::once(schema).chain(alternatives).find_map(|schema| schema.get("$ref")?.as_str())?;
    reference.rsplit('/').next().map(ToOwned::to_owned)
}

fn text_example(media_type: &str) -> Option<Value> {
    Some(match media_type {
        "text/html" => json!("<!doctype html>..."),
        "text/css" => json!("body { ... }"),
        "application/openmetrics-text" => {
            json!("# TYPE bursar_auth_refused counter\nbursar_auth_refused_total 0\n# EOF\n")
        }
        "text/event-stream" => json!("id: 5f0c6a528f8e4d7a-118\nevent: ...\ndata: {...}\n\n"),
        "application/octet-stream" => json!("<binary>"),
        "application/json" => json!({ "openapi": "3.1.0" }),
        _ => return None,
    })
}

fn give_headers(status: &str, response: &mut Value) {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut headers = response.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
    headers.insert("X-Request-Id".to_owned(), text("The request's id: the client's, or a new one."));
    match status {
        "201" => {
            headers.insert("Location".to_owned(), text("Where the new resource is."));
            let replayed = text("`true` where an earlier request with the same key created it.");
            headers.insert("Idempotency-Replayed".to_owned(), replayed);
        }
        "401" => {
            headers.insert("WWW-Authenticate".to_owned(), text("`Bearer`"));
        }
        "429" | "503" => {
            let wait = json!({ "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 1 } });
            headers.insert("Retry-After".to_owned(), wait);
        }
        _ => {}
    }
    response["headers"] = Value::Object(headers);
}

fn described<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every content of every operation that could have an example has one.
    #[test]
    fn every_body_and_response_has_an_example() {
        let mut document = crate::document();
        let mut seen = 0;
        for operation in operations(&mut document) {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            let contents = operation.pointer("/requestBody/content").into_iter().chain(
                operation["responses"].as_object().unwrap().values().filter_map(|response| response.get("content")),
            );
            for (media_type, content) in contents.flat_map(|content| content.as_object().unwrap()) {
                assert!(content.get("example").is_some(), "{id}: {media_type} has no example");
                seen += 1;
            }
        }
        assert!(seen > 50, "only {seen} contents were seen");
    }

    #[test]
    fn operations_are_named_once_and_described() {
        let mut document = crate::document();
        let mut names = std::collections::HashSet::new();
        for operation in operations(&mut document) {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name} has no summary");
            assert!(names.insert(name.clone()), "{name} twice");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, document: &Value) {
            match value {
                Value::Object(map) => {
                    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                    }
                    map.values().for_each(|value| walk(value, document));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
                _ => {}
            }
        }
        let document = crate::document();
        walk(&document, &document);
        assert_eq!(document["openapi"], "3.1.0");
    }
}
