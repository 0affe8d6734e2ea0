//! API bodies, by components of an `OpenAPI` document, and settings of regions.

use std::collections::BTreeMap;

use bursar_kernel::Violation;
use bursar_schema::{Input, Schema, SchemaError};
use serde::Deserialize;
use serde_json::{Value, json};

/// A document with the shapes that `utoipa` writes.
fn openapi() -> Value {
    json!({"openapi": "3.1.0", "components": {"schemas": {
        "CreateToken": {
            "type": "object", "additionalProperties": false, "required": ["name", "kind"],
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z]+$", "description": "A slug:\nwhat it is for."},
                "kind": {"$ref": "#/components/schemas/Kind", "description": "Which kind."},
                "title": {"type": ["string", "null"], "maxLength": 5},
                "expiresAt": {"type": ["string", "null"], "format": "date-time"},
                "role": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
                "scope": {"oneOf": [{"$ref": "#/components/schemas/Scope", "description": "Its scope."}, {"type": "null"}]},
                "days": {"type": ["integer", "null"], "minimum": 1, "maximum": 30},
                "labels": {
                    "type": ["object", "null"], "maxProperties": 2, "propertyNames": {"type": "string", "pattern": "^[a-z]"},
                    "additionalProperties": {"type": "string"},
                },
            },
        },
        "Kind": {"type": "string", "enum": ["user", "robot"], "description": "A kind of token."},
        "Scope": {
            "type": "object", "additionalProperties": false, "required": ["all"],
            "properties": {
                "all": {"type": "boolean"},
                "names": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": true},
                "inner": {"oneOf": [{"$ref": "#/components/schemas/Scope"}, {"type": "null"}]},
            },
        },
        "Elsewhere": {"type": "object", "properties": {"x": {"$ref": "https://example.com/"}}},
    }}})
}

fn body() -> Schema {
    Schema::component(&openapi(), "CreateToken", Input::Body).expect("a schema")
}

fn check(schema: &Schema, document: &Value) -> Vec<Violation> {
    schema.check(document).expect("a report").violations
}

fn with(name: &str, value: &Value) -> Value {
    let mut document = json!({"name": "ci", "kind": "robot"});
    document[name] = value.clone();
    document
}

#[test]
fn violations_have_the_codes_of_the_api() {
    let schema = body();
    let scope = |value: Value| with("scope", &value);
    for (document, pointer, code, message) in [
        (json!([]), "", "type", "The body must be an object."),
        (json!(null), "", "type", "The body must be an object."),
        (json!({"kind": "user"}), "/name", "required", "name is required. A slug: what it is for."),
        (with("name", &json!(null)), "/name", "required", "name is required. A slug: what it is for."),
        (with("name", &json!(7)), "/name", "type", "name must be a string."),
        (with("name", &json!("A")), "/name", "format", "name must match ^[a-z]+$. A slug: what it is for."),
        (with("kind", &json!("x")), "/kind", "unknown", "kind must be one of user, robot."),
        (with("kind", &json!(7)), "/kind", "type", "kind must be a string."),
        (with("kind", &json!(null)), "/kind", "required", "kind is required. A kind of token."),
        (with("title", &json!("123456")), "/title", "too-long", "title must have at most 5 characters."),
        (with("title", &json!(1)), "/title", "type", "title must be a string or null."),
        (with("expiresAt", &json!("soon")), "/expiresAt", "format", "expiresAt must be a valid date-time."),
        (with("days", &json!(0)), "/days", "range", "days must be at least 1."),
        (with("days", &json!(31)), "/days", "range", "days must be at most 30."),
        (with("days", &json!(1.5)), "/days", "type", "days must be a whole number or null."),
        (with("labels", &json!({"a": 1})), "/labels/a", "type", "a must be a string."),
        (with("labels", &json!({"A/": "x"})), "/labels/A~1", "format", "A/ must match ^[a-z]."),
        (
            with("labels", &json!({"a": "", "b": "", "c": ""})),
            "/labels",
            "too-long",
            "labels must have at most 2 fields.",
        ),
        (
            with("na/me", &json!(1)),
            "/na~1me",
            "unknown",
            "There is no such field: known are days, expiresAt, kind, labels, name, role, scope, title.",
        ),
        // Beside null there is one thing to mean, and it is explained.
        (with("role", &json!("x")), "/role", "unknown", "role must be one of user, robot."),
        (with("role", &json!(true)), "/role", "type", "role must be a string."),
        (scope(json!("all")), "/scope", "type", "scope must be an object."),
        (scope(json!({})), "/scope/all", "required", "all is required."),
        (scope(json!({"all": null})), "/scope/all", "required", "all is required."),
        (scope(json!({"all": "yes"})), "/scope/all", "type", "all must be true or false."),
        (
            scope(json!({"all": true, "x": 1})),
            "/scope/x",
            "unknown",
            "There is no such field: known are all, inner, names.",
        ),
        (
            scope(json!({"all": true, "names": ["a", 1]})),
            "/scope/names/1",
            "type",
            "Entry 2 of names must be a string.",
        ),
        (scope(json!({"all": true, "names": [""]})), "/scope/names/0", "format", "Entry 1 of names must not be empty."),
        (
            scope(json!({"all": true, "names": ["a", "a"]})),
            "/scope/names",
            "duplicate",
            "names must not have the same entry twice.",
        ),
        (scope(json!({"all": true, "names": null})), "/scope/names", "type", "names must be a list."),
        (scope(json!({"all": true, "inner": {"all": 1}})), "/scope/inner/all", "type", "all must be true or false."),
    ] {
        assert_eq!(check(&schema, &document), [Violation::new(pointer, code, message)], "{document}");
    }
}

#[test]
fn every_violation_of_a_body_is_reported_at_once() {
    let document = json!({"scope": {"names": [1, 2]}, "title": 1, "x": 1});
    let expected = ["/kind", "/name", "/scope/all", "/scope/names/0", "/scope/names/1", "/title", "/x"];
    let violations = check(&body(), &document);
    assert_eq!(violations.iter().map(|violation| violation.pointer.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn what_matches_is_accepted() {
    let full = json!({
        "name": "ci", "kind": "user", "title": null, "expiresAt": "2030-01-01T00:00:00Z", "role": "user", "days": 30.0,
        "scope": {"all": true, "names": ["a"], "inner": {"all": false, "inner": null}}, "labels": {"a": "b"},
    });
    for document in [full, json!({"name": "ci", "kind": "user", "role": null, "scope": null, "labels": null})] {
        assert_eq!(check(&body(), &document), []);
    }
}

#[test]
fn a_document_is_read_with_plain_integers() {
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CreateToken {
        name: String,
        days: Option<u32>,
        labels: Option<BTreeMap<String, String>>,
    }
    let read = |days: Value| body().read::<CreateToken>(with("days", &days));
    let token = read(json!(7.0)).expect("a token");
    assert_eq!((token.name.as_str(), token.days, token.labels), ("ci", Some(7), None));
    assert_eq!(read(json!(7.5)).expect_err("no integer")[0].pointer, "/days");
    // The schema has no bound here, and serde has.
    let number = Schema::trusted(json!({"type": "integer"}), Input::Body).expect("a schema");
    let out_of_range = vec![Violation::new("", "invalid", "The body holds a value that is out of range.")];
    assert_eq!(number.read::<u8>(json!(256)), Err(out_of_range));
}

#[test]
fn settings_have_their_own_nouns_and_may_have_their_own_codes() {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "path": {"type": "string", "minLength": 1, "x-code": "type", "x-message": "This must not be empty."},
            "token": {"type": "string", "minLength": 16, "x-code": {"minLength": "length"}, "writeOnly": true},
        },
    });
    let schema = Schema::trusted(schema, Input::Settings).expect("a schema");
    for (document, pointer, code, message) in [
        (json!(1), "", "type", "The settings must be an object."),
        (json!({"x": 1}), "/x", "unknown", "There is no such setting: known are path, token."),
        (json!({"path": ""}), "/path", "type", "This must not be empty."),
        (json!({"token": "short"}), "/token", "length", "token must have at least 16 characters."),
        (json!({"token": 1}), "/token", "type", "token must be a string."),
    ] {
        assert_eq!(check(&schema, &document), [Violation::new(pointer, code, message)], "{document}");
    }
    assert_eq!(schema.check(&json!({"token": "x"})).expect("a report").secret_pointers, ["/token"]);
}

#[test]
fn components_must_be_in_the_document() {
    for name in ["Nowhere", "Elsewhere"] {
        let schema = Schema::component(&openapi(), name, Input::Body);
        assert_eq!(schema.err(), Some(SchemaError::DanglingReference), "{name}");
    }
}

#[test]
fn every_request_body_of_the_api_has_a_schema() {
    let openapi: Value = serde_json::from_str(include_str!("../../../../schemas/openapi.json")).expect("JSON");
    let operations = openapi["paths"].as_object().expect("paths").values().flat_map(|path| path.as_object().unwrap());
    let mut bodies = 0;
    for reference in operations
        .filter_map(|(_, operation)| operation.pointer("/requestBody/content/application~1json/schema/$ref")?.as_str())
    {
        let name = reference.rsplit('/').next().expect("a name");
        let schema = Schema::component(&openapi, name, Input::Body).unwrap_or_else(|error| panic!("{name} {error}"));
        let violations = check(&schema, &json!({"no-such-field": 1}));
        let unknown = violations.iter().find(|violation| violation.pointer == "/no-such-field").expect(name);
        assert!(
            unknown.code == "unknown" && unknown.message.starts_with("There is no such field: known are "),
            "{name}"
        );
        bodies += 1;
    }
    assert!(bodies > 15, "{bodies} bodies");
}
