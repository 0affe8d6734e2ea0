//! `schemas/plugin-cases.json` accepts what the loader accepts.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that the lint exempts")]

use std::fs;
use std::path::{Path, PathBuf};

use bursar_plugin_cases::load;
use jsonschema::Validator;
use serde_json::{Value, json};

#[test]
fn every_file_of_cases_fits() {
    let schema = schema();
    let mut files = 0;
    for parent in ["plugins", "plugins/examples", "examples"] {
        for folder in folders(&root().join(parent)) {
            let tests = folder.join("tests");
            load(&tests).unwrap();
            for file in fs::read_dir(&tests).unwrap().map(|entry| entry.unwrap().path()) {
                if file.extension().is_some_and(|extension| extension == "json") {
                    let content = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
                    let errors: Vec<_> = schema.iter_errors(&content).map(|error| error.to_string()).collect();
                    assert!(errors.is_empty(), "{}: {errors:?}", file.display());
                    files += 1;
                }
            }
        }
    }
    assert!(files > 5, "found only {files} files");
}

#[test]
fn the_loader_and_the_schema_refuse_the_same() {
    let good = json!({
        "about": "", "call": "cleanup", "data": {}, "txt": { "fqdn": "a.example", "value": "v", "ttlSeconds": 5 },
        "handle": "h", "now": 1, "context": { "name": "n", "version": 2, "seed": 3, "options": { "a": 1 } },
        "http": [
            { "request": { "method": "GET", "url": "https://a.example/?b=c", "headers": { "accept": "a" } },
              "answer": { "status": 200, "headers": { "etag": "e" }, "json": {} } },
            { "request": { "method": "POST", "url": "https://a.example/", "form": { "a": "b", "c": ["d", "e"] } },
              "answer": { "failure": "timeout" } },
            { "request": { "method": "PUT", "url": "https://a.example/", "body": "a" },
              "answer": { "status": 500, "body": "b" } },
        ],
        "ok": {},
    });
    let failing = json!({ "about": "", "call": "probe", "data": {}, "error": { "kind": "throttled", "seconds": 3 } });
    let poll = json!({ "about": "", "call": "poll", "data": {}, "handle": "h", "ok": { "progress": "done" } });
    for case in [&good, &failing, &poll] {
        assert_eq!((loads(case), fits(case)), (true, true), "{case}");
    }

    let bad: &[(&Value, &str, &str, Value)] = &[
        (&good, "", "colour", json!(1)),
        (&good, "", "format", json!("pem")),
        (&good, "", "ok", json!({ "handle": "h" })),
        (&good, "", "error", json!({ "kind": "denied" })),
        (&good, "", "data", json!([])),
        (&good, "", "call", json!("delete")),
        (&good, "/txt", "ttl", json!(1)),
        (&good, "/txt", "ttlSeconds", json!(-1)),
        (&good, "/context", "seed", json!(256)),
        (&good, "/http/0", "requests", json!({})),
        (&good, "/http/0/request", "method", json!("get")),
        (&good, "/http/0/request", "url", json!("a.example")),
        (&good, "/http/0/request", "url", json!("https://a.example/#b")),
        (&good, "/http/0/request", "headers", json!({ "Accept": "a" })),
        (&good, "/http/1/request", "body", json!("a")),
        (&good, "/http/1/request", "form", json!({ "a": 1 })),
        (&good, "/http/0/answer", "status", json!(99)),
        (&good, "/http/0/answer", "body", json!("a")),
        (&good, "/http/1/answer", "failure", json!("refused")),
        (&good, "/http/1/answer", "status", json!(200)),
        (&failing, "/error", "kind", json!("denied")),
        (&failing, "/error", "kind", json!("invalid")),
        (&failing, "/error", "violations", json!([{ "pointer": "/a", "code": "b" }])),
        (&failing, "/error", "reason", json!("x")),
        (&failing, "", "call", json!("form")),
        (&poll, "/ok", "pendingSeconds", json!(3)),
        (&poll, "", "ok", json!({})),
    ];
    for (case, at, member, value) in bad {
        let mut case = (*case).clone();
        case.pointer_mut(at).unwrap()[member] = value.clone();
        assert_eq!((loads(&case), fits(&case)), (false, false), "{case}");
    }
    let without = |case: &Value, member: &str| {
        let mut case = case.clone();
        case.as_object_mut().unwrap().remove(member);
        case
    };
    for (case, member) in [(&good, "txt"), (&good, "data"), (&poll, "handle"), (&good, "ok"), (&good, "about")] {
        let case = without(case, member);
        assert_eq!((loads(&case), fits(&case)), (false, false), "{case}");
    }
}

fn loads(case: &Value) -> bool {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("case.json"), case.to_string()).unwrap();
    load(folder.path()).is_ok()
}

fn fits(case: &Value) -> bool {
    schema().is_valid(case)
}

fn schema() -> Validator {
    let text = fs::read_to_string(root().join("schemas/plugin-cases.json")).unwrap();
    jsonschema::draft202012::new(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The plugins in a folder, which need not exist.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(parent).into_iter().flatten().map(|entry| entry.unwrap().path());
    listed.filter(|folder| folder.join("manifest.json").is_file()).collect()
}
