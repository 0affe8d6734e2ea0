//! Cloudflare's API, version 4: an envelope around every answer, one record for
//! each TXT value, no change to wait for.

use bursar_plugin_sdk::dns::{Record, Records, Zone, Zones, txt, walk};
use bursar_plugin_sdk::http::{Request, Response, Secret, Service};
use bursar_plugin_sdk::json::{Value, json};
use bursar_plugin_sdk::{Context, Error, Report, Violations};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Config;
use crate::inactive::Inactive;

/// The API with one credential.
pub(crate) struct Api<'a> {
    config: &'a Config,
    passed_over: Inactive,
}

impl<'a> Api<'a> {
    pub(crate) fn new(config: &'a Config) -> Self {
        Self { config, passed_over: Inactive::default() }
    }

    /// The preflight, which also reports inactive zones.
    pub(crate) fn probe(&self, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        self.check(fqdn, context).map(|report| self.passed_over.add_to(report))
    }

    fn request(&self, method: &str, path: &str) -> Request {
        let request = Request::new(method, format!("{BASE}{path}"));
        match &self.config.email {
            Some(email) if self.config.has_key() => {
                request.header("X-Auth-Email", email).header("X-Auth-Key", Secret("/apiKey"))
            }
            _ => request.bearer(Secret("/apiToken")),
        }
    }

    /// Every page of a list. `narrow` adds to the query.
    fn list<T: DeserializeOwned>(&self, path: &str, narrow: impl Fn(Request) -> Request) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        for page in 1.. {
            let request = narrow(self.request("GET", path)).query("per_page", PER_PAGE).query("page", page.to_string());
            let Page { result, result_info } = answer(&request.send()?)?;
            all.extend(result);
            if page >= result_info.map_or(1, |info| info.total_pages) {
                break;
            }
        }
        Ok(all)
    }

    fn zones(&self, name: &str) -> Result<Option<Zone>, Error> {
        let mut zones: Vec<FoundZone> = self.list("/zones", |request| request.query("name", name))?;
        zones.retain(|zone| zone.name.eq_ignore_ascii_case(name));
        // Cloudflare serves only active zones. A domain that was never
        // delegated to it, or no longer is, may have a zone in another state.
        let (active, others): (Vec<_>, Vec<_>) = zones.into_iter().partition(FoundZone::is_active);
        self.passed_over.note(others.iter().map(|zone| (zone.name.as_str(), zone.status.as_str())));
        let zones = active;
        match zones.as_slice() {
            [] => Ok(None),
            [zone] => Ok(Some(Zone::new(&zone.id, &zone.name))),
            several => {
                let ids: Vec<_> = several.iter().map(|zone| zone.id.as_str()).collect();
                let message =
                    format!("Cloudflare has several zones called {name} ({}); give the id of yours.", ids.join(", "));
                Err(Violations::one("/zoneID", "ambiguous-zone", message).into())
            }
        }
    }
}

impl Zones for Api<'_> {
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error> {
        match &self.config.zone_id {
            Some(id) => Ok(Zone::new(id, "")),
            None => self.passed_over.explain(walk(fqdn, SERVICE.name, ZONE_CURE, |name| self.zones(name))),
        }
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        if let Some(id) = &self.config.zone_id {
            let found: Single<FoundZone> = answer(&self.request("GET", &format!("/zones/{id}")).send()?)?;
            let zone = found.result;
            if !zone.is_active() {
                return Err(Error::NotFound(Inactive::words(&zone.name, &zone.status)));
            }
            return Ok(Zone::new(id, &zone.name));
        }
        let request = self.request("GET", "/zones").query("status", "active").query("per_page", "5");
        let Page::<FoundZone> { result, .. } = answer(&request.send()?)?;
        let first = result.first().map(|zone| Zone::new(&zone.id, &zone.name));
        first.ok_or_else(|| Error::NotFound(format!("Cloudflare shows this credential no zone. {ZONE_CURE}")))
    }
}

impl Records for Api<'_> {
    const MIN_TTL_SECONDS: u32 = 60;

    fn list(&self, zone: &Zone, fqdn: &str) -> Result<Vec<Record>, Error> {
        let path = format!("/zones/{}/dns_records", zone.id);
        let found: Vec<FoundRecord> =
            Api::list(self, &path, |request| request.query("type", "TXT").query("name.exact", fqdn))?;
        let ours = found.into_iter().filter(|record| record.name.eq_ignore_ascii_case(fqdn));
        Ok(ours.map(|record| Record { id: record.id, content: record.content }).collect())
    }

    fn add(&self, zone: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<(), Error> {
        let response = self
            .request("POST", &format!("/zones/{}/dns_records", zone.id))
            .json(&json!({ "type": "TXT", "name": fqdn, "content": txt::quoted(value), "ttl": ttl_seconds }))
            .send()?;
        if codes(&response).iter().any(|code| SAME_RECORD_EXISTS.contains(code)) {
            return Ok(());
        }
        answer::<Single<Value>>(&response).map(drop)
    }

    fn delete(&self, zone: &Zone, id: &str) -> Result<(), Error> {
        let response = self.request("DELETE", &format!("/zones/{}/dns_records/{id}", zone.id)).send()?;
        if codes(&response).contains(&RECORD_DOES_NOT_EXIST) {
            return Ok(());
        }
        answer::<Single<Value>>(&response).map(drop)
    }
}

/// The body of a success; otherwise the error in Cloudflare's words.
fn answer<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    let codes = codes(response);
    if codes.iter().any(|code| BAD_CREDENTIAL.contains(code)) {
        return Err(SERVICE.denied(response));
    }
    if codes.iter().any(|code| NO_SUCH_ZONE.contains(code)) {
        return Err(SERVICE.not_found(response));
    }
    if !response.is_success() {
        return Err(SERVICE.error(response));
    }
    response.json(&SERVICE)
}

fn codes(response: &Response) -> Vec<u64> {
    let Some(body) = response.value().filter(|_| !response.is_success()) else { return Vec::new() };
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let chain = errors.iter().flat_map(|error| error["error_chain"].as_array().cloned().unwrap_or_default());
    errors.iter().cloned().chain(chain).filter_map(|error| error["code"].as_u64()).collect()
}

fn said(response: &Response) -> Option<String> {
    let body = response.value()?;
    let error = body["errors"].get(0)?;
    let cause = error.pointer("/error_chain/0/message").and_then(Value::as_str);
    let cause = cause.map(|cause| format!(", {cause}")).unwrap_or_default();
    Some(format!("{}{cause} (code {})", error["message"].as_str()?, error["code"]))
}

#[derive(Deserialize)]
struct Single<T> {
    result: T,
}

#[derive(Deserialize)]
struct Page<T> {
    result: Vec<T>,
    result_info: Option<PageInfo>,
}

#[derive(Deserialize)]
struct PageInfo {
    total_pages: u32,
}

#[derive(Deserialize)]
struct FoundZone {
    id: String,
    name: String,
    /// `initializing`, `pending`, `active` or `moved`.
    status: String,
}

impl FoundZone {
    fn is_active(&self) -> bool {
        self.status == "active"
    }
}

#[derive(Deserialize)]
struct FoundRecord {
    id: String,
    name: String,
    content: String,
}

const BASE: &str = "https://api.cloudflare.com/client/v4";
const SERVICE: Service = Service {
    name: "Cloudflare",
    cure: "Use an API token with Zone: Read and DNS: Edit for this zone, or the global API key with the e-mail address of its account.",
    said,
};
const ZONE_CURE: &str = "Add the zone to the token's zone resources and give it Zone: Read, or set zoneID.";
/// The maximum of both lists.
const PER_PAGE: &str = "50";
/// "Record already exists" and "An identical record already exists".
const SAME_RECORD_EXISTS: [u64; 2] = [81_057, 81_058];
/// "Record does not exist".
const RECORD_DOES_NOT_EXIST: u64 = 81_044;
/// Invalid request headers (a malformed token), missing or wrong
/// authentication. Also sent with status 400.
const BAD_CREDENTIAL: [u64; 6] = [6_003, 6_111, 9_103, 9_106, 9_107, 10_000];
/// "Could not route to /zones/..., perhaps your object identifier is invalid?"
const NO_SUCH_ZONE: [u64; 2] = [7_000, 7_003];
