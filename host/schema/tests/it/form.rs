//! Forms: codes, places, words and secrets.

use bursar_schema::{CheckError, Report, Schema};
use serde_json::{Value, json};

fn check(schema: &Value, data: &Value) -> Report {
    Schema::compile(schema.clone()).expect("a schema").check(data).expect("a report")
}

fn codes(schema: &Value, data: &Value) -> Vec<(String, String)> {
    check(schema, data).violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
}

fn message(schema: &Value, data: &Value) -> String {
    let report = check(schema, data);
    assert_eq!(report.violations.len(), 1, "{:?}", report.violations);
    report.violations[0].message.clone()
}

fn secrets(schema: &Value, data: &Value) -> Vec<String> {
    check(schema, data).secret_pointers
}

#[test]
fn every_keyword_has_its_code_and_place() {
    let field = |schema: Value| json!({"type": "object", "properties": {"a": schema}});
    for (schema, data, pointer, code) in [
        (json!({"required": ["a"]}), json!({}), "/a", "required"),
        (json!({"required": ["a/b~c"]}), json!({}), "/a~1b~0c", "required"),
        (json!({"additionalProperties": false}), json!({"b": 1}), "/b", "unknown"),
        (json!({"unevaluatedProperties": false}), json!({"b": 1}), "/b", "unknown"),
        (field(json!(false)), json!({"a": 1}), "/a", "unknown"),
        (field(json!({"type": "string"})), json!({"a": 1}), "/a", "type"),
        (field(json!({"enum": ["x"]})), json!({"a": "y"}), "/a", "enum"),
        (field(json!({"const": "x"})), json!({"a": "y"}), "/a", "const"),
        (field(json!({"pattern": "^x"})), json!({"a": "y"}), "/a", "pattern"),
        (field(json!({"pattern": "^(?!y)"})), json!({"a": "y"}), "/a", "pattern"),
        (field(json!({"minLength": 2})), json!({"a": "y"}), "/a", "minLength"),
        (field(json!({"maxLength": 2})), json!({"a": "yyy"}), "/a", "maxLength"),
        (field(json!({"format": "email"})), json!({"a": "y"}), "/a", "format"),
        (field(json!({"minimum": 2})), json!({"a": 1}), "/a", "minimum"),
        (field(json!({"maximum": 2})), json!({"a": 3}), "/a", "maximum"),
        (field(json!({"minItems": 1})), json!({"a": []}), "/a", "minItems"),
        (field(json!({"uniqueItems": true})), json!({"a": [1, 1]}), "/a", "uniqueItems"),
        (field(json!({"items": {"type": "string"}})), json!({"a": ["x", 1]}), "/a/1", "type"),
        (field(json!({"not": {"const": 1}})), json!({"a": 1}), "/a", "not"),
        (json!({"type": "object"}), json!([]), "", "type"),
        (
            json!({"if": {"properties": {"p": {"const": "hub"}}, "required": ["p"]}, "then": {"required": ["email"]}}),
            json!({"p": "hub"}),
            "/email",
            "required",
        ),
        (
            json!({"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string", "minLength": 3}}}),
            json!({"a": "x"}),
            "/a",
            "minLength",
        ),
        (json!({"dependentRequired": {"a": ["b"]}}), json!({"a": 1}), "/b", "required"),
    ] {
        assert_eq!(codes(&schema, &data), [(pointer.to_owned(), code.to_owned())], "{schema} {data}");
    }
}

#[test]
fn every_violation_is_reported_once_and_at_once() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["server", "password"],
        "properties": {"server": {"type": "string"}, "port": {"maximum": 65535}, "password": {"minLength": 8}},
        "allOf": [{"required": ["server"]}],
    });
    let expected = [("/extra", "unknown"), ("/password", "minLength"), ("/port", "maximum"), ("/server", "required")];
    let codes = codes(&schema, &json!({"port": 70000, "password": "x", "extra": 1}));
    assert_eq!(codes.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn the_branch_that_is_meant_is_explained() {
    let branch =
        |kind: &str, field: &str| json!({"properties": {"kind": {"const": kind}}, "required": ["kind", field]});
    let schema = json!({"oneOf": [branch("a", "x"), branch("b", "y")]});
    assert_eq!(codes(&schema, &json!({"kind": "b"})), [("/y".to_owned(), "required".to_owned())]);
    assert_eq!(codes(&schema, &json!({"kind": "c"})), [(String::new(), "oneOf".to_owned())]);
}

#[test]
fn words_name_the_field_and_the_cure_and_never_the_value() {
    let secret = "hunter2";
    let field = |schema: Value| json!({"properties": {"key": schema}});
    for (schema, expected) in [
        (json!({"title": "API key", "minLength": 8}), "API key must have at least 8 characters."),
        (json!({"minLength": 8}), "key must have at least 8 characters."),
        (
            json!({"title": "API key", "description": "Found under Settings.", "pattern": "^x"}),
            "API key does not have the expected format. Found under Settings.",
        ),
        (json!({"pattern": "^x", "x-message": "A key starts with x."}), "A key starts with x."),
        (json!({"pattern": "^x", "x-message": {"pattern": "Begin with x."}}), "Begin with x."),
        (json!({"title": "Key", "enum": ["a", "b"]}), "Key must be one of a, b."),
        (json!({"title": "Key", "type": ["integer", "null"]}), "Key must be a whole number or empty."),
        (json!({"title": "Key", "format": "email"}), "Key must be a valid email."),
        (json!({"title": "Key", "const": "x"}), "Key must be x."),
    ] {
        let words = message(&field(schema.clone()), &json!({"key": secret}));
        assert_eq!(words, expected, "{schema}");
        assert!(!words.contains(secret));
    }
    let missing = json!({"required": ["key"], "properties": {"key": {"title": "API key", "description": "Make one."}}});
    assert_eq!(message(&missing, &json!({})), "API key is required. Make one.");
    let missing = json!({"required": ["key"], "properties": {"key": {"x-message": {"required": "Give the key."}}}});
    assert_eq!(message(&missing, &json!({})), "Give the key.");
    let conditional = json!({
        "properties": {"email": {"title": "E-mail"}},
        "then": {"required": ["email"], "x-message": {"required": "Docker Hub asks for an e-mail address."}}, "if": true,
    });
    assert_eq!(message(&conditional, &json!({})), "Docker Hub asks for an e-mail address.");
}

#[test]
fn secrets_are_found_wherever_the_schema_marks_them() {
    let marked = json!({"type": "string", "writeOnly": true});
    let flat =
        json!({"type": "object", "required": ["user"], "properties": {"user": {"type": "string"}, "password": marked}});
    let by_reference = json!({"$defs": {"secret": marked}, "properties": {"password": {"$ref": "#/$defs/secret"}}});
    let list = json!({"properties": {"keys": {"items": {"properties": {"key": marked, "id": {}}}}}});
    let whole = json!({"properties": {"account": {"writeOnly": true, "properties": {"key": marked}}}});
    let branch =
        |kind: &str, field: &str| json!({"properties": {"kind": {"const": kind}, field: marked}, "required": ["kind"]});
    let branches = json!({"oneOf": [branch("a", "x"), branch("b", "y")]});
    let conditional = json!({
        "if": {"properties": {"kind": {"const": "a"}}}, "then": {"properties": {"x": {"writeOnly": true}}},
        "else": {"properties": {"y": {"writeOnly": true}}},
    });
    for (schema, data, expected) in [
        (&flat, json!({"user": "u", "password": "p"}), vec!["/password"]),
        (&flat, json!({"user": "u"}), vec![]),
        (&by_reference, json!({"password": "p"}), vec!["/password"]),
        (&list, json!({"keys": [{"id": 1, "key": "k"}, {"key": "k"}]}), vec!["/keys/0/key", "/keys/1/key"]),
        (&whole, json!({"account": {"key": "k"}}), vec!["/account"]),
        (&branches, json!({"kind": "a", "x": "s", "y": "t"}), vec!["/x"]),
        (&branches, json!({"kind": "b", "x": "s", "y": "t"}), vec!["/y"]),
        (&conditional, json!({"kind": "a", "x": "s", "y": "t"}), vec!["/x"]),
        (&conditional, json!({"kind": "b", "x": "s", "y": "t"}), vec!["/y"]),
        // Not valid, and a secret all the same.
        (&flat, json!({"password": "p"}), vec!["/password"]),
        (&flat, json!({"user": 1, "password": 1}), vec!["/password"]),
    ] {
        assert_eq!(secrets(schema, &data), expected, "{schema} {data}");
    }
}

#[test]
fn a_form_that_is_one_secret_is_an_error() {
    let form = Schema::compile(json!({"type": "object", "writeOnly": true})).expect("a schema");
    assert_eq!(form.check(&json!({})).err(), Some(CheckError::WholeSecret));
}

#[test]
fn a_hostile_pattern_runs_out_of_steps() {
    let form = Schema::compile(json!({"pattern": r"^(a|a)+\1(?=b)$"})).expect("a schema");
    assert_eq!(form.check(&json!("a".repeat(64))).err(), Some(CheckError::PatternLimit));
}

#[test]
fn a_document_nested_too_deep_is_refused() {
    let mut data = json!({});
    for _ in 0..70 {
        data = json!({"a": data});
    }
    assert_eq!(codes(&json!({"type": "object"}), &data), [(String::new(), "too-large".to_owned())]);
}
