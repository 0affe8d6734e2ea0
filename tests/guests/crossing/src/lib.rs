//! A type with one secret for each of two hosts, which tries to carry the first
//! to the second.
//!
//! `mode` says what `check`, which sees both, makes of them; `way` says how the
//! probe, which holds them by name, sends what came of it. With the feature
//! `other` the manifest is the same and `check` leaves everything alone: a file
//! that takes over without being asked about.

wit_bindgen::generate!({
    path: "../../../wit/v0.1",
    inline: "
        package bursar:hostile;
        world hostile {
            include bursar:plugin/probing-type@0.1.0;
        }",
    world: "bursar:hostile/hostile",
    generate_all,
});

use bursar::plugin::http::{self, Field, Request};
use bursar::plugin::signing::{self, DigestAlgorithm, Source};
use bursar::plugin::types::{Context, Error, Part, Report};
use exports::bursar::plugin::{form, materializer, prober};
use serde_json::{Value, json};

struct Crossing;

impl form::Guest for Crossing {
    fn describe() -> String {
        let placement =
            |secret: &str, host: &str, place: &str| json!({ "secret": secret, "host": host, "place": place });
        json!({
            "id": "crossing", "title": "Crossing", "summary": "Carries a secret over.", "category": "test",
            "version": "1.0.0", "abilities": ["probe"], "formats": [{ "id": "loot" }],
            "hosts": [
                { "host": "a.test", "reason": "Where the first secret belongs." },
                { "host": "b.test", "reason": "Where the second does." },
            ],
            "derives": ["/derived"],
            "placements": [
                placement("/a", "a.test", "header:authorization"), placement("/a", "a.test", "key"),
                placement("/b", "b.test", "header:authorization"), placement("/b", "b.test", "key"),
                placement("/b", "b.test", "body:/secret"),
            ],
            "tokenEndpoints": [{
                "name": "login", "url": "https://b.test/oauth/token", "capture": { "access": "/access_token" },
                "placements": [placement("access", "b.test", "header:authorization")],
            }],
        })
        .to_string()
    }

    fn schema() -> String {
        let public = |title: &str| json!({ "type": "string", "title": title });
        let secret = |title: &str| json!({ "type": "string", "title": title, "writeOnly": true });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "mode": public("Mode"), "way": public("Way"), "note": public("Note"), "derived": public("Derived"),
                "a": secret("A"), "b": secret("B"),
            },
            "required": ["a", "b"],
            "additionalProperties": false,
        })
        .to_string()
    }

    fn template(_: Option<String>) -> Result<String, Error> {
        Ok(json!({ "mode": "none", "way": "header", "a": "<a>", "b": "<b>" }).to_string())
    }

    /// Copies whatever it sees to where the probe can read it.
    fn inspect(data: String, _: Context) -> Result<form::Inspection, Error> {
        let mut public = read(&data)?;
        public["note"] = json!(data);
        Ok(form::Inspection {
            data: public.to_string(),
            attributes: json!({ "seen": data }).to_string(),
            selectors: Vec::new(),
            order: None,
            not_before: None,
            not_after: None,
        })
    }

    fn check(data: String, _: Context) -> Result<Vec<form::Rewrite>, Error> {
        let full = read(&data)?;
        let (a, b) = (full["a"].as_str().unwrap_or_default(), full["b"].as_str().unwrap_or_default());
        let rewrite = |pointer: &str, value: Value| {
            Ok(vec![form::Rewrite { pointer: pointer.to_owned(), value: value.to_string() }])
        };
        match full["mode"].as_str() {
            _ if cfg!(feature = "other") => Ok(Vec::new()),
            Some("append") => rewrite("/b", json!(format!("{b}{a}"))),
            Some("replace") => rewrite("/b", json!(a)),
            Some("trim") => rewrite("/b", json!(b.trim())),
            Some("derive") => rewrite("/derived", json!(a)),
            Some("nothing") => rewrite("/b", Value::Null),
            _ => Ok(Vec::new()),
        }
    }
}

impl materializer::Guest for Crossing {
    fn materialize(
        data: String,
        _: Option<String>,
        _: String,
        _: Context,
    ) -> Result<Vec<materializer::Artifact>, Error> {
        Ok(vec![materializer::Artifact {
            name: "loot".to_owned(),
            media_type: "text/plain".to_owned(),
            content: data.into_bytes(),
            sensitive: true,
        }])
    }
}

impl prober::Guest for Crossing {
    fn probe(config: String, _: Context) -> Result<Report, Error> {
        let public = read(&config)?;
        let secret = || Part::Secret("/b".to_owned());
        let outcome = match public["way"].as_str().unwrap_or_default() {
            "basic" => send(vec![Part::Basic(("me".to_owned(), "/b".to_owned()))], None, None),
            "body" => send(Vec::new(), Some(vec![text("{\"secret\":\""), secret(), text("\"}")]), None),
            "token" => send(Vec::new(), Some(vec![text("{\"secret\":\""), secret(), text("\"}")]), Some("login")),
            "hmac" => match signing::load(&Source::Secret(("AWS4".to_owned(), "/b".to_owned())))
                .and_then(|key| signing::derive_hmac_sha256(key, &[text("x")]))
                .and_then(|key| signing::hmac_sha256(key, &[text("x")]))
            {
                Ok(mac) => send(vec![Part::Hex(mac)], None, None),
                Err(error) => format!("{error:?}"),
            },
            "digest" => match signing::digest(DigestAlgorithm::Sha256, &[secret()]) {
                Ok(digest) => send(vec![Part::Base64(digest)], None, None),
                Err(error) => format!("{error:?}"),
            },
            "config" => send(vec![text(&config.replace(|c: char| !c.is_ascii_graphic(), ""))], None, None),
            "first" => send(vec![Part::Secret("/a".to_owned())], None, None),
            _ => send(vec![secret()], None, None),
        };
        let details = json!({ "outcome": outcome, "config": config, "other": cfg!(feature = "other") });
        Ok(Report { summary: "Tried.".to_owned(), details: details.to_string() })
    }
}

/// A request to the second host, and the word for what came of it.
fn send(authorization: Vec<Part>, body: Option<Vec<Part>>, endpoint: Option<&str>) -> String {
    let mut headers = vec![Field { name: "content-type".to_owned(), value: vec![text("application/json")] }];
    if !authorization.is_empty() {
        headers.push(Field { name: "authorization".to_owned(), value: authorization });
    }
    let url = if endpoint.is_some() { "https://b.test/oauth/token" } else { "https://b.test/api" };
    let request = Request {
        method: "POST".to_owned(),
        url: url.to_owned(),
        query: Vec::new(),
        headers,
        body,
        endpoint: endpoint.map(str::to_owned),
    };
    match http::send(&request) {
        Ok(answer) => format!("sent: {}", answer.status),
        Err(http::Error::Denied(rule)) => format!("denied: {rule}"),
        Err(error) => format!("{error:?}"),
    }
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn read(data: &str) -> Result<Value, Error> {
    serde_json::from_str(data).map_err(|_| Error::Internal("no JSON".to_owned()))
}

export!(Crossing);
