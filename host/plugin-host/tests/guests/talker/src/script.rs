//! The steps of a script: a list of objects with one member each.

use std::hint::black_box;

use serde_json::{Value, json};

use crate::bindings::bursar::plugin::types::{Error, Part};
use crate::bindings::bursar::plugin::{clock, http, log, signing};

/// Runs the script in `data` and answers what each step came to.
pub fn run(data: &Value) -> Value {
    data["script"].as_array().into_iter().flatten().map(|one| step(one, data)).collect()
}

fn step(step: &Value, data: &Value) -> Value {
    let Some((name, with)) = step.as_object().and_then(|step| step.iter().next()) else {
        return json!("not a step");
    };
    match name.as_str() {
        "send" => send(with),
        "load" => handle(signing::load(&source(with))),
        "derive" => handle(signing::derive_hmac_sha256(number(&with[0]), &parts(&with[1]))),
        "hmac" => handle(signing::hmac_sha256(number(&with[0]), &parts(&with[1]))),
        "sign" => {
            let algorithm = match with[1].as_str() {
                Some("es256") => signing::SignatureAlgorithm::Es256,
                _ => signing::SignatureAlgorithm::Rs256,
            };
            handle(signing::sign(number(&with[0]), algorithm, &parts(&with[2])))
        }
        "digest" => handle(signing::digest(algorithm(&with[0]), &parts(&with[1]))),
        "digestText" => match signing::digest_text(algorithm(&with[0]), text(&with[1]).as_bytes()) {
            Ok(digest) => json!(digest),
            Err(error) => failed(&error),
        },
        "clock" => match clock::now() {
            Ok(now) => json!(now),
            Err(error) => failed(&error),
        },
        "log" => {
            log::log(log::Level::Warn, &text(with));
            Value::Null
        }
        "config" => json!(data.to_string()),
        "repeat" => (0..number(&with[0])).map(|_| self::step(&with[1], data)).last().unwrap_or_default(),
        "loop" => loop {
            black_box(());
        },
        _ => json!("not a step"),
    }
}

fn send(with: &Value) -> Value {
    let fields = |name: &str| {
        let fields = with[name].as_object().into_iter().flatten();
        fields.map(|(name, value)| http::Field { name: name.clone(), value: parts(value) }).collect()
    };
    let filler = with["filler"].as_u64().map(|bytes| vec![Part::Text("x".repeat(bytes as usize))]);
    let request = http::Request {
        method: with["method"].as_str().unwrap_or("GET").into(),
        url: text(&with["url"]),
        query: fields("query"),
        headers: fields("headers"),
        body: with.get("body").map(parts).or(filler),
        endpoint: with["endpoint"].as_str().map(str::to_owned),
    };
    match http::send(&request) {
        Ok(response) => {
            let headers: serde_json::Map<_, _> =
                response.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
            let mut body = String::from_utf8_lossy(&response.body).into_owned();
            let size = body.len();
            body.truncate(4096);
            json!({
                "status": response.status, "headers": headers, "size": size, "body": body, "captured": response.captured,
            })
        }
        Err(error) => json!({"error": match error {
            http::Error::Denied(rule) => format!("denied: {rule}"),
            http::Error::Timeout => "timeout".to_owned(),
            http::Error::TooLarge => "too-large".to_owned(),
            http::Error::Transport(text) => format!("transport: {text}"),
            http::Error::Unsupported => "unsupported".to_owned(),
        }}),
    }
}

fn source(with: &Value) -> signing::Source {
    let pair = |value: &Value| (text(&value[0]), text(&value[1]));
    match with.as_object().and_then(|with| with.iter().next()) {
        Some((name, value)) if name == "pem" => signing::Source::Pem(pair(value)),
        Some((name, value)) if name == "captured" => signing::Source::Captured(pair(value)),
        Some((_, value)) => signing::Source::Secret(pair(value)),
        None => signing::Source::Secret((String::new(), String::new())),
    }
}

/// A text is one part of text; else a list of texts, `{"secret": "/p"}` and
/// `{"filler": 3}`, which stands for `xxx`.
fn parts(value: &Value) -> Vec<Part> {
    match value {
        Value::Array(parts) => parts.iter().map(part).collect(),
        one => vec![part(one)],
    }
}

fn part(value: &Value) -> Part {
    let Some((name, with)) = value.as_object().and_then(|part| part.iter().next()) else {
        return Part::Text(text(value));
    };
    match name.as_str() {
        "secret" => Part::Secret(text(with)),
        "basic" => Part::Basic((text(&with[0]), text(&with[1]))),
        "form" => Part::FormEncoded(text(with)),
        "json" => Part::JsonEscaped(text(with)),
        "captured" => Part::Captured(text(with)),
        "filler" => Part::Text("x".repeat(number(with) as usize)),
        "hex" => Part::Hex(number(with)),
        "base64" => Part::Base64(number(with)),
        _ => Part::Base64url(number(with)),
    }
}

fn handle(made: Result<u32, Error>) -> Value {
    match made {
        Ok(handle) => json!(handle),
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> Value {
    json!({"error": match error {
        Error::Invalid(violations) => format!("invalid: {}", violations[0].pointer),
        Error::Denied(text) => format!("denied: {text}"),
        Error::NotFound(text) => format!("not-found: {text}"),
        Error::Unsupported(_) => "unsupported".to_owned(),
        other => format!("{other:?}"),
    }})
}

fn algorithm(value: &Value) -> signing::DigestAlgorithm {
    if value == "sha1" { signing::DigestAlgorithm::Sha1 } else { signing::DigestAlgorithm::Sha256 }
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap_or_default() as u32
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(String::new, str::to_owned)
}
