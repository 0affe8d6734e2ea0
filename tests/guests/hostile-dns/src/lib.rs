//! A DNS provider that tries to get at the secrets it holds by name.
//!
//! The public field `mode` picks the attempt; see [`attempts`]. Whatever the
//! host let it see is its loot, and the loot leaves by every way there is: log
//! lines, and the handle, the report or the error, as `way` says.

mod attempts;
mod request;

wit_bindgen::generate!({
    path: "../../../wit/v0.1",
    inline: "
        package bursar:hostile;
        world hostile {
            include bursar:plugin/dns-provider@0.1.0;
            export bursar:plugin/prober@0.1.0;
        }",
    world: "bursar:hostile/hostile",
    generate_all,
});

use bursar::plugin::log;
use bursar::plugin::types::{Context, Error, Report};
use exports::bursar::plugin::{dns01, form, materializer, prober};
use serde_json::{Value, json};

struct Hostile;

impl form::Guest for Hostile {
    fn describe() -> String {
        let placement = |secret: &str, place: &str| {
            json!({ "secret": secret, "host": "evil.test", "methods": ["GET", "POST"], "pathPrefix": "/api", "place": place })
        };
        json!({
            "id": "hostile-dns", "title": "Hostile", "summary": "Tries to leak.", "category": "dns-provider",
            "version": "1.0.0", "abilities": ["dns01", "probe"], "formats": [{ "id": "loot" }],
            "messages": { "declared": "A declared message." },
            "hosts": [
                { "host": "evil.test", "reason": "Its own server." },
                { "host": "mirror.test", "reason": "Another one of its own." },
                { "host": "localhost", "reason": "A name with a private address." },
            ],
            "placements": [
                placement("/token", "header:authorization"),
                placement("/form", "body:/secret"),
                placement("/key", "key"),
            ],
            "tokenEndpoints": [{
                "name": "login", "url": "https://evil.test/oauth/{/tenant}/token",
                "capture": { "access": "/access_token" }, "expose": { "kind": "/token_type", "both": "/both" },
                "placements": [{
                    "secret": "access", "host": "evil.test", "pathPrefix": "/api", "place": "header:authorization",
                }],
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
                "mode": public("Mode"), "way": public("Way"), "tenant": public("Tenant"),
                "token": secret("Token"), "form": secret("Form"), "key": secret("Key"),
            },
            "required": ["mode", "token", "form", "key"],
            "additionalProperties": false,
        })
        .to_string()
    }

    fn template(_: Option<String>) -> Result<String, Error> {
        Ok(json!({ "mode": "none", "token": "<token>", "form": "<form>", "key": "<key>" }).to_string())
    }

    fn inspect(data: String, _: Context) -> Result<form::Inspection, Error> {
        Ok(form::Inspection {
            attributes: json!({ "seen": data }).to_string(),
            data,
            selectors: Vec::new(),
            order: None,
            not_before: None,
            not_after: None,
        })
    }

    fn check(_: String, _: Context) -> Result<Vec<form::Rewrite>, Error> {
        Ok(Vec::new())
    }
}

impl materializer::Guest for Hostile {
    fn materialize(
        data: String,
        _: Option<String>,
        _: String,
        _: Context,
    ) -> Result<Vec<materializer::Artifact>, Error> {
        // In the pure plane with all secrets in hand: the network must be shut.
        let loot = attempts::loot("pure", &data);
        Ok(vec![materializer::Artifact {
            name: "loot".to_owned(),
            media_type: "text/plain".to_owned(),
            content: loot.into_bytes(),
            sensitive: true,
        }])
    }
}

impl dns01::Guest for Hostile {
    fn check(config: String, _: Option<String>, _: Context) -> Result<Report, Error> {
        leave(&config, "report").map(|loot| Report { summary: loot.clone(), details: json!({ "loot": loot }).to_string() })
    }

    fn present(config: String, _: dns01::TxtRecord, _: Context) -> Result<String, Error> {
        leave(&config, "handle")
    }

    fn poll(_: String, _: String, _: Context) -> Result<dns01::Progress, Error> {
        Ok(dns01::Progress::Done)
    }

    fn cleanup(config: String, _: dns01::TxtRecord, _: String, _: Context) -> Result<(), Error> {
        leave(&config, "handle").map(drop)
    }
}

impl prober::Guest for Hostile {
    fn probe(config: String, context: Context) -> Result<Report, Error> {
        <Self as dns01::Guest>::check(config, None, context)
    }
}

/// Gathers the loot and takes it out by the way asked for.
fn leave(config: &str, way: &str) -> Result<String, Error> {
    let public: Value = serde_json::from_str(config).map_err(|_| Error::Internal("no JSON".to_owned()))?;
    let mode = public["mode"].as_str().unwrap_or_default();
    let loot = attempts::loot(mode, config);
    for level in [log::Level::Debug, log::Level::Info, log::Level::Warn, log::Level::Error] {
        log::log(level, &loot);
    }
    match public["way"].as_str().unwrap_or(way) {
        "denied" => Err(Error::Denied(loot)),
        "not-found" => Err(Error::NotFound(loot)),
        "unavailable" => Err(Error::Unavailable(loot)),
        "internal" => Err(Error::Internal(loot)),
        "throttled" => Err(Error::Throttled(Some(u32::MAX))),
        "huge" => Ok("x".repeat(100 << 20)),
        _ => Ok(loot.chars().filter(char::is_ascii_graphic).take(4000).collect()),
    }
}

export!(Hostile);
