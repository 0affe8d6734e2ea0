//! A plugin that misbehaves as told.
//!
//! The field `behaviour` of the data says how. What it describes itself as is in
//! three blobs that a test overwrites in the built component; a blob that starts
//! with `!` misbehaves instead.

mod behaviour;
mod blob;

use serde_json::Value;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../../../wit/v0.1",
        inline: "
            package test:hostile;
            world hostile {
                import bursar:plugin/log@0.1.0;
                import bursar:plugin/clock@0.1.0;
                import bursar:plugin/http@0.1.0;
                import bursar:plugin/signing@0.1.0;
                import wasi:clocks/wall-clock@0.2.6;
                import wasi:clocks/monotonic-clock@0.2.6;
                import wasi:random/random@0.2.6;
                import wasi:cli/environment@0.2.6;
                export bursar:plugin/form@0.1.0;
                export bursar:plugin/materializer@0.1.0;
            }
            package wasi:clocks@0.2.6 {
                interface wall-clock {
                    record datetime { seconds: u64, nanoseconds: u32 }
                    now: func() -> datetime;
                }
                interface monotonic-clock {
                    use wasi:io/poll@0.2.6.{pollable};
                    subscribe-duration: func(when: u64) -> pollable;
                }
            }
            package wasi:io@0.2.6 {
                interface poll { resource pollable { block: func(); } }
            }
            package wasi:random@0.2.6 {
                interface random { get-random-bytes: func(len: u64) -> list<u8>; }
            }
            package wasi:cli@0.2.6 {
                interface environment { get-environment: func() -> list<tuple<string, string>>; }
            }
        ",
        world: "test:hostile/hostile",
        generate_all,
    });
}

use bindings::bursar::plugin::types::{Context, Error, Violation};
use bindings::exports::bursar::plugin::form;

struct Hostile;

bindings::export!(Hostile with_types_in bindings);

impl form::Guest for Hostile {
    fn describe() -> String {
        blob::read(&blob::MANIFEST)
    }

    fn schema() -> String {
        blob::read(&blob::SCHEMA)
    }

    fn template(variant: Option<String>) -> Result<String, Error> {
        match variant.as_deref() {
            Some("none") => Err(Error::NotFound("no such variant".into())),
            _ => Ok(blob::read(&blob::TEMPLATE)),
        }
    }

    fn inspect(data: String, context: Context) -> Result<form::Inspection, Error> {
        let value: Value = serde_json::from_str(&data).expect("data is JSON");
        if let Some(answer) = behaviour::reach_out(&value) {
            return Ok(inspection(data, answer));
        }
        let ok = |attributes: Value| Ok(inspection(data.clone(), attributes));
        let mut good = inspection(data.clone(), serde_json::json!({"name": context.name, "length": data.len()}));
        match behaviour::of(&value) {
            "count-calls" => return ok(serde_json::json!({"calls": behaviour::count()})),
            "data-not-json" => good.data = "{".into(),
            "data-array" => good.data = "[]".into(),
            "data-large" => good.data = serde_json::json!({"note": "x".repeat(300 << 10)}).to_string(),
            "attributes-array" => good.attributes = "[]".into(),
            "attributes-deep" => good.attributes = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64)),
            "selectors-many" => good.selectors = (0..257).map(|n| selector("host", &format!("h{n}"))).collect(),
            "selector-kind" => good.selectors = vec![selector("Host", "a")],
            "selector-empty" => good.selectors = vec![selector("host", "")],
            "selector-control" => good.selectors = vec![selector("host", "a\u{1b}[31m")],
            "selector-long" => good.selectors = vec![selector("host", &"a".repeat(513))],
            "selectors" => good.selectors = vec![selector("host", "b"), selector("host", "a"), selector("host", "b")],
            "plant-secret" => good.data = serde_json::json!({"username": "u", "password": "planted"}).to_string(),
            "order-array" => good.order = Some("[]".into()),
            "violations" => {
                return Err(Error::Invalid(vec![
                    violation("/username", "bad-name", "Use \u{1b}[31mletters\u{202e} only."),
                    violation("/nowhere/at/all", "NOT A CODE", &"x".repeat(600)),
                ]));
            }
            "nothing-wrong" => return Err(Error::Invalid(vec![])),
            "denied" => return Err(Error::Denied("because\n I say so".into())),
            "internal" => return Err(Error::Internal("a text".into())),
            other => behaviour::common(other, &value),
        }
        Ok(good)
    }

    fn check(data: String, _context: Context) -> Result<Vec<form::Rewrite>, Error> {
        let value: Value = serde_json::from_str(&data).expect("data is JSON");
        let secret = value["password"].as_str().unwrap_or_default().to_owned();
        let rewrite = |pointer: &str, value: &str| form::Rewrite { pointer: pointer.into(), value: value.into() };
        match behaviour::of(&value) {
            "rewrite-secret" => Ok(vec![rewrite("/password", "\"mended\"")]),
            "rewrite-public" => Ok(vec![rewrite("/username", &format!("{secret:?}"))]),
            "rewrite-derived" => Ok(vec![rewrite("/publicKey", "\"ssh-ed25519 AAAA\"")]),
            "rewrite-other-derived" => Ok(vec![rewrite("/fingerprint", "\"SHA256:x\"")]),
            "rewrite-twice" => Ok(vec![rewrite("/password", "\"a\""), rewrite("/password", "\"b\"")]),
            "rewrite-not-json" => Ok(vec![rewrite("/password", "mended")]),
            other => match behaviour::leak(other, &secret) {
                Some(error) => Err(error),
                None => {
                    behaviour::common(other, &value);
                    Ok(vec![])
                }
            },
        }
    }
}

impl bindings::exports::bursar::plugin::materializer::Guest for Hostile {
    fn materialize(
        data: String,
        _minted: Option<String>,
        format: String,
        context: Context,
    ) -> Result<Vec<bindings::exports::bursar::plugin::materializer::Artifact>, Error> {
        let value: Value = serde_json::from_str(&data).expect("data is JSON");
        let secret = value["password"].as_str().unwrap_or_default().to_owned();
        let note = value["note"].as_str().unwrap_or_default().to_owned();
        let artifact = |name: &str, content: Vec<u8>| bindings::exports::bursar::plugin::materializer::Artifact {
            name: name.into(),
            media_type: "text/plain".into(),
            content,
            sensitive: false,
        };
        match behaviour::of(&value) {
            "name" => Ok(vec![artifact(&note, vec![])]),
            "media-type" => {
                let mut made = artifact("file", vec![]);
                made.media_type = note;
                Ok(vec![made])
            }
            "same-name" => Ok(vec![artifact("a", vec![]), artifact("a", vec![])]),
            "many" => Ok((0..65).map(|n| artifact(&format!("a{n}"), vec![])).collect()),
            "full" => Ok((0..64).map(|n| artifact(&format!("a{n}"), vec![0; 16 << 10])).collect()),
            "too-much" => Ok(vec![artifact("a", vec![0; 1 << 20]), artifact("b", vec![0])]),
            "huge" => Ok(vec![artifact("a", vec![0; 8 << 20])]),
            "seed" => Ok(vec![artifact("seed", context.seed)]),
            other => match behaviour::leak(other, &secret) {
                Some(error) => Err(error),
                None => {
                    behaviour::common(other, &value);
                    Ok(vec![artifact("password", secret.into_bytes()), artifact("format", format.into_bytes())])
                }
            },
        }
    }
}

fn inspection(data: String, attributes: Value) -> form::Inspection {
    form::Inspection {
        data,
        attributes: attributes.to_string(),
        selectors: vec![],
        order: None,
        not_before: None,
        not_after: Some(1_800_000_000),
    }
}

fn selector(kind: &str, value: &str) -> form::Selector {
    form::Selector { kind: kind.into(), value: value.into() }
}

fn violation(pointer: &str, code: &str, message: &str) -> Violation {
    Violation { pointer: pointer.into(), code: code.into(), message: message.into() }
}
