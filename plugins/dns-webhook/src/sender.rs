//! The requests: `POST /present`, `POST /cleanup` and, if the endpoint returned
//! an id, `GET /status/{id}`.

use bursar_plugin_sdk::dns::{Handle, Zone, absolute, left_behind};
use bursar_plugin_sdk::http::{Parts, Request, Response, Secret, Service};
use bursar_plugin_sdk::json::{self, Value, json};
use bursar_plugin_sdk::signing::{Key, sha256_hex};
use bursar_plugin_sdk::{Context, Error, Progress, Report, TxtRecord, clock};
use serde::Deserialize;

use crate::Config;
use crate::form::{Authentication, Mode};

/// The endpoint, for one call.
pub(crate) struct Sender<'a> {
    config: &'a Config,
    context: &'a Context,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(config: &'a Config, context: &'a Context) -> Self {
        Self { config, context }
    }

    pub(crate) fn present(&self, txt: &TxtRecord) -> Result<String, Error> {
        let response = accepted(self.post("present", &self.message(txt)?)?)?;
        let id = response.value().and_then(|body| Some(body["id"].as_str()?.to_owned()));
        // Any other character could not be in the path of `/status`.
        let id = id.filter(|id| id.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_~".contains(&c)) && !id.is_empty());
        Handle::new(Zone::default(), id).text()
    }

    pub(crate) fn cleanup(&self, txt: &TxtRecord) -> Result<(), Error> {
        accepted(self.post("cleanup", &self.message(txt)?)?).map(drop)
    }

    /// How far the change is whose id `present` returned. An endpoint without
    /// `/status` has nothing to wait for.
    pub(crate) fn status(&self, id: &str) -> Result<Progress, Error> {
        let request = Request::get(format!("{}/status/{id}", self.config.endpoint));
        let response = self.authenticated(request, "")?.send()?;
        if response.status == 404 {
            return Ok(Progress::Done);
        }
        let Status { status, seconds } = response.ok(&SERVICE)?.json(&SERVICE)?;
        match status {
            State::Done => Ok(Progress::Done),
            State::Pending => Ok(Progress::Pending(seconds.unwrap_or(POLL_SECONDS))),
        }
    }

    /// With a domain, presents a probe and cleans it up. Without one, no name
    /// is known that the endpoint accepts, so this shows only that it can be
    /// reached and accepts the credential.
    pub(crate) fn check(&self, fqdn: Option<&str>) -> Result<Report, Error> {
        let domain = fqdn.map_or("invalid", |fqdn| fqdn.strip_prefix("_acme-challenge.").unwrap_or(fqdn));
        let probe = self.probe(&format!("bursar-probe.{domain}"))?;
        let endpoint = &self.config.endpoint;
        if fqdn.is_none() {
            let response = self.post("cleanup", &probe)?;
            let answered_itself = !response.is_success() && !PROXY_STATUSES.contains(&response.status);
            let said = if answered_itself {
                format!(" It has no name for a probe and answered HTTP {}.", response.status)
            } else {
                accepted(response)?;
                String::new()
            };
            let summary = format!("Reached {endpoint} and signed in.{said} Check a domain to see a record written.");
            return Ok(Report { summary, details: json!({ "proved": ["reach"] }).to_string() });
        }
        accepted(self.post("present", &probe)?)?;
        let removed = self.post("cleanup", &probe).and_then(accepted);
        removed.map_err(|error| left_behind(error, &format!("_acme-challenge.bursar-probe.{domain}")))?;
        let summary = format!("{endpoint} accepted a TXT record for bursar-probe.{domain} and its removal.");
        Ok(Report { summary, details: json!({ "proved": ["present", "cleanup"] }).to_string() })
    }

    /// The challenge in the mode's form.
    fn message(&self, txt: &TxtRecord) -> Result<Value, Error> {
        if self.config.mode() == Mode::Default {
            return Ok(json!({ "fqdn": absolute(&txt.fqdn), "value": txt.value }));
        }
        // The value is a digest of the key authorization, which cannot be
        // recovered.
        let options: Options = json::from_str(&self.context.options).unwrap_or_default();
        let Some(Acme { domain, token, key_authorization }) = options.acme else {
            return Err(Error::Unsupported(
                "RAW mode sends the key authorization, which this call does not have: set mode to default.".into(),
            ));
        };
        Ok(json!({ "domain": domain, "token": token, "keyAuth": key_authorization }))
    }

    /// A made-up challenge.
    fn probe(&self, domain: &str) -> Result<Value, Error> {
        let token = "bursar-probe";
        let key_authorization = format!("{token}.{}", self.context.name);
        if self.config.mode() == Mode::Raw {
            return Ok(json!({ "domain": domain, "token": token, "keyAuth": key_authorization }));
        }
        // As long as a real value, which some endpoints check.
        let value: String = sha256_hex(key_authorization)?.chars().take(43).collect();
        Ok(json!({ "fqdn": absolute(&format!("_acme-challenge.{domain}")), "value": value }))
    }

    fn post(&self, operation: &str, message: &Value) -> Result<Response, Error> {
        let body = message.to_string();
        let minute = clock::now()? / 60;
        let request = Request::post(format!("{}/{operation}", self.config.endpoint))
            .header("Idempotency-Key", sha256_hex(format!("{operation}\n{body}\n{minute}"))?)
            .body("application/json", body.as_str());
        self.authenticated(request, &body)?.send()
    }

    fn authenticated(&self, request: Request, body: &str) -> Result<Request, Error> {
        let request = match (self.config.authentication(), &self.config.username) {
            (Authentication::Basic, Some(username)) => request.basic(username, Secret("/password")),
            (Authentication::Bearer, _) => request.bearer(Secret("/bearerToken")),
            _ => request,
        };
        if !self.config.is_signed() {
            return Ok(request);
        }
        let now = clock::now()?;
        let signature = Key::secret("", Secret("/hmacSecret"))?.hmac_sha256(format!("{now}.{body}"))?;
        Ok(request.header("X-Bursar-Signature", Parts::from(format!("t={now},v1=")).hex(signature)))
    }
}

/// A success, empty or JSON; a web page does not come from the endpoint.
fn accepted(response: Response) -> Result<Response, Error> {
    let response = response.ok(&SERVICE)?;
    if response.text().trim_start().starts_with('<') { Err(SERVICE.unreadable(&response)) } else { Ok(response) }
}

fn said(response: &Response) -> Option<String> {
    match response.value() {
        Some(Value::String(said)) => Some(said),
        Some(body) => ["error", "message", "detail"].iter().find_map(|name| Some(body[name].as_str()?.to_owned())),
        None => Some(response.text().to_owned()).filter(|text| !text.trim_start().starts_with('<')),
    }
}

/// The caller's options: the challenge, for RAW mode.
#[derive(Default, Deserialize)]
struct Options {
    acme: Option<Acme>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acme {
    domain: String,
    token: String,
    key_authorization: String,
}

#[derive(Deserialize)]
struct Status {
    status: State,
    seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Done,
    Pending,
}

const SERVICE: Service = Service {
    name: "The endpoint",
    cure: "Correct the user name and password, the token or the HMAC secret it expects.",
    said,
};
/// Statuses that come from servers and proxies, not from an endpoint that lacks
/// the name.
const PROXY_STATUSES: [u16; 12] = [301, 302, 303, 307, 308, 401, 403, 404, 405, 429, 502, 503];
const POLL_SECONDS: u32 = 5;
