//! A DNS provider that is careless as told: the field `behaviour` of the data
//! says how. Without one it is a good provider.

use std::hint::black_box;

use serde_json::{Value, json};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../../../wit/v0.1",
        inline: "
            package test:careless;
            world careless {
                include bursar:plugin/dns-provider@0.1.0;
                export bursar:plugin/prober@0.1.0;
            }
        ",
        world: "test:careless/careless",
        generate_all,
    });
}

use bindings::bursar::plugin::types::{Context, Error, Part, Report, Violation};
use bindings::bursar::plugin::{clock, http, log};
use bindings::exports::bursar::plugin::{dns01, form, materializer, prober};

struct Careless;

bindings::export!(Careless with_types_in bindings);

impl form::Guest for Careless {
    fn describe() -> String {
        include_str!("../manifest.json").into()
    }

    fn schema() -> String {
        include_str!("../schema.json").into()
    }

    fn template(variant: Option<String>) -> Result<String, Error> {
        match variant {
            None => Ok(include_str!("../template.json").into()),
            Some(_) => Err(Error::NotFound("no such variant".into())),
        }
    }

    fn inspect(data: String, _: Context) -> Result<form::Inspection, Error> {
        let mut data = parse(&data);
        if behaviour(&data) == "grow" {
            data["username"] = json!(format!("{}x", data["username"].as_str().unwrap_or_default()));
        }
        if behaviour(&data) == "refuse-own" {
            if data["username"] == "normal" {
                return Err(invalid("/username", "weak"));
            }
            data["username"] = json!("normal");
        }
        let attributes = json!({ "fingerprint": data["fingerprint"] }).to_string();
        Ok(form::Inspection {
            data: data.to_string(),
            attributes,
            selectors: vec![],
            order: None,
            not_before: None,
            not_after: None,
        })
    }

    fn check(data: String, _: Context) -> Result<Vec<form::Rewrite>, Error> {
        let data = parse(&data);
        let token = data["token"].as_str().unwrap_or_default();
        match behaviour(&data) {
            "spill" => {
                Ok(vec![form::Rewrite { pointer: "/fingerprint".into(), value: json!(hex(token)).to_string() }])
            }
            "cross" => Ok(vec![recovery(&format!("{}{}", text(&data, "recovery"), hex(token)))]),
            "mangle" => Ok(vec![recovery(&text(&data, "recovery").to_uppercase())]),
            "log" => {
                log::log(log::Level::Info, &format!("the token is {token}"));
                Ok(vec![])
            }
            "complain" => Err(Error::Internal(format!("what is {token}?"))),
            "odd-code" => Err(invalid("/token", "odd")),
            _ => Ok(vec![]),
        }
    }
}

impl materializer::Guest for Careless {
    fn materialize(
        data: String,
        _: Option<String>,
        _: String,
        _: Context,
    ) -> Result<Vec<materializer::Artifact>, Error> {
        let data = parse(&data);
        let token = data["token"].as_str().unwrap_or_default();
        if behaviour(&data) == "memory" {
            black_box(vec![1_u8; 40 << 20]);
        }
        let name = if behaviour(&data) == "name" { hex(token) } else { "token".into() };
        let media_type = "text/plain".into();
        Ok(vec![materializer::Artifact { name, media_type, content: token.as_bytes().to_vec(), sensitive: true }])
    }
}

impl prober::Guest for Careless {
    fn probe(config: String, _: Context) -> Result<Report, Error> {
        let answer = send(&parse(&config), "GET", "zones", None)?;
        Ok(Report { summary: format!("Signed in: {}.", answer["user"]), details: answer.to_string() })
    }
}

impl dns01::Guest for Careless {
    fn check(config: String, _: Option<String>, context: Context) -> Result<Report, Error> {
        <Self as prober::Guest>::probe(config, context)
    }

    fn present(config: String, txt: dns01::TxtRecord, _: Context) -> Result<String, Error> {
        let config = parse(&config);
        if behaviour(&config) == "clock" {
            return Ok(clock::now().map_or(-1, |now| now).to_string());
        }
        if behaviour(&config) == "idle" {
            return Ok("1".into());
        }
        let body = json!({ "name": txt.fqdn, "value": txt.value, "ttl": txt.ttl_seconds });
        let answer = send(&config, "POST", "records", Some(body))?;
        if behaviour(&config) == "busy" {
            send(&config, "GET", "records", None)?;
        }
        Ok(answer["id"].to_string())
    }

    fn poll(_: String, handle: String, _: Context) -> Result<dns01::Progress, Error> {
        Ok(if handle == "slow" { dns01::Progress::Pending(5) } else { dns01::Progress::Done })
    }

    fn cleanup(config: String, _: dns01::TxtRecord, handle: String, _: Context) -> Result<(), Error> {
        send(&parse(&config), "DELETE", &format!("records/{handle}"), None).map(|_| ())
    }
}

/// Asks the provider's API, as carelessly as told.
fn send(config: &Value, method: &str, path: &str, body: Option<Value>) -> Result<Value, Error> {
    let field = |name: &str, value: Vec<Part>| http::Field { name: name.into(), value };
    let token = || Part::Secret("/token".into());
    let mut headers = vec![field("authorization", vec![Part::Text("Bearer ".into()), token()])];
    let mut url = format!("https://api.example.com/v1/{path}");
    match behaviour(config) {
        "stray" => headers.push(field("x-debug", vec![token()])),
        "elsewhere" => url = format!("https://evil.example/v1/{path}"),
        "wrong-path" => url = format!("https://api.example.com/v1/{path}s"),
        _ => {}
    }
    let body = body.map(|body| vec![Part::Text(body.to_string())]);
    let request = http::Request { method: method.into(), url, query: vec![], headers, body, endpoint: None };
    let response = http::send(&request).map_err(|error| match error {
        http::Error::Denied(why) => Error::Denied(why),
        http::Error::Timeout => Error::Unavailable("it took too long".into()),
        _ => Error::Unavailable("no connection".into()),
    })?;
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match response.status {
        // What a service says goes to people as it stands: the host scrubs it.
        401 => Err(Error::Denied(String::from_utf8_lossy(&response.body).into_owned())),
        429 => Err(Error::Throttled(Some(30))),
        _ => Ok(answer),
    }
}

fn recovery(value: &str) -> form::Rewrite {
    form::Rewrite { pointer: "/recovery".into(), value: json!(value).to_string() }
}

fn text<'a>(data: &'a Value, name: &str) -> &'a str {
    data[name].as_str().unwrap_or_default()
}

fn behaviour(data: &Value) -> &str {
    data["behaviour"].as_str().unwrap_or_default()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("data is JSON")
}

fn invalid(pointer: &str, code: &str) -> Error {
    Error::Invalid(vec![Violation { pointer: pointer.into(), code: code.into(), message: String::new() }])
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
