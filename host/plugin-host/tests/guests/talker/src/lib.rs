//! A plugin that speaks as told.
//!
//! The field `script` of the data is a list of steps, run in order by whichever
//! function is called; what each step came to is in the answer. What the plugin
//! describes itself as is in two blobs that a test overwrites.

mod script;

use std::hint::black_box;

use serde_json::{Value, json};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../../../wit/v0.1",
        inline: "
            package test:talker;
            world talker {
                import bursar:plugin/log@0.1.0;
                import bursar:plugin/clock@0.1.0;
                import bursar:plugin/http@0.1.0;
                import bursar:plugin/signing@0.1.0;
                export bursar:plugin/form@0.1.0;
                export bursar:plugin/materializer@0.1.0;
                export bursar:plugin/prober@0.1.0;
                export bursar:plugin/dns01@0.1.0;
            }
        ",
        world: "test:talker/talker",
        generate_all,
    });
}

use bindings::bursar::plugin::types::{Context, Error, Report};
use bindings::exports::bursar::plugin::{dns01, form, materializer, prober};

struct Talker;

bindings::export!(Talker with_types_in bindings);

impl form::Guest for Talker {
    fn describe() -> String {
        read(&MANIFEST)
    }

    fn schema() -> String {
        read(&SCHEMA)
    }

    fn template(_variant: Option<String>) -> Result<String, Error> {
        Ok("{}".into())
    }

    fn inspect(data: String, _context: Context) -> Result<form::Inspection, Error> {
        let results = script::run(&parse(&data));
        Ok(form::Inspection {
            data,
            attributes: json!({"results": results}).to_string(),
            selectors: vec![],
            order: None,
            not_before: None,
            not_after: None,
        })
    }

    fn check(data: String, _context: Context) -> Result<Vec<form::Rewrite>, Error> {
        script::run(&parse(&data));
        Ok(vec![])
    }
}

impl materializer::Guest for Talker {
    fn materialize(
        data: String,
        _minted: Option<String>,
        _format: String,
        _context: Context,
    ) -> Result<Vec<materializer::Artifact>, Error> {
        let results = script::run(&parse(&data));
        Ok(vec![materializer::Artifact {
            name: "results".into(),
            media_type: "application/json".into(),
            content: results.to_string().into_bytes(),
            sensitive: true,
        }])
    }
}

impl prober::Guest for Talker {
    fn probe(config: String, _context: Context) -> Result<Report, Error> {
        let config = parse(&config);
        let results = script::run(&config);
        answer(&config, &results)?;
        Ok(Report {
            summary: config["summary"].as_str().map_or_else(|| "Done.".into(), |_| last_body(&results)),
            details: json!({"results": results}).to_string(),
        })
    }
}

impl dns01::Guest for Talker {
    fn check(config: String, fqdn: Option<String>, _context: Context) -> Result<Report, Error> {
        let results = script::run(&parse(&config));
        Ok(Report { summary: fqdn.unwrap_or_default(), details: json!({"results": results}).to_string() })
    }

    fn present(config: String, txt: dns01::TxtRecord, _context: Context) -> Result<String, Error> {
        let config = parse(&config);
        let results = script::run(&config);
        answer(&config, &results)?;
        Ok(match config["handle"].as_str() {
            Some("body") => last_body(&results),
            Some("control") => "a\nb".into(),
            Some("long") => "x".repeat(4097),
            _ => format!("{}={} in {:?} for {}", txt.fqdn, txt.value, txt.zone_hint, txt.ttl_seconds),
        })
    }

    fn poll(_config: String, handle: String, _context: Context) -> Result<dns01::Progress, Error> {
        Ok(if handle == "done" { dns01::Progress::Done } else { dns01::Progress::Pending(100_000) })
    }

    fn cleanup(config: String, _txt: dns01::TxtRecord, handle: String, _context: Context) -> Result<(), Error> {
        script::run(&parse(&config));
        if handle.is_empty() { Err(Error::NotFound("no handle".into())) } else { Ok(()) }
    }
}

/// The refusal that the field `answer` asks for, worded as the last answer was.
fn answer(config: &Value, results: &Value) -> Result<(), Error> {
    match config["answer"].as_str() {
        Some("denied") => Err(Error::Denied(last_body(results))),
        Some("unavailable") => Err(Error::Unavailable("down\n for\u{1b} now".into())),
        Some("throttled") => Err(Error::Throttled(Some(1_000_000))),
        _ => Ok(()),
    }
}

fn last_body(results: &Value) -> String {
    let last = results.as_array().and_then(|results| results.last());
    last.and_then(|last| last["body"].as_str()).unwrap_or_default().to_owned()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("data is JSON")
}

fn read(blob: &'static [u8]) -> String {
    String::from_utf8_lossy(&black_box(blob)[12..]).trim_end().to_owned()
}

const fn blob<const N: usize>(marker: &[u8; 12]) -> [u8; N] {
    let mut bytes = [b' '; N];
    let mut at = 0;
    while at < marker.len() {
        bytes[at] = marker[at];
        at += 1;
    }
    bytes
}

static MANIFEST: [u8; 16384] = blob(b"@@MANIFEST@@");
static SCHEMA: [u8; 16384] = blob(b"@@A-SCHEMA@@");
