//! `PowerDNS`'s API, version 1: a change replaces all records of a name and type.

use bursar_plugin_sdk::Error;
use bursar_plugin_sdk::dns::{RecordSets, Set, Written, Zone, Zones, absolute, walk};
use bursar_plugin_sdk::http::{Request, Response, Secret, Service, encoded};
use bursar_plugin_sdk::json::{self, Value, json};
use serde::Deserialize;

use crate::Config;

/// The API of one server.
pub(crate) struct Api<'a> {
    config: &'a Config,
}

impl<'a> Api<'a> {
    pub(crate) fn new(config: &'a Config) -> Self {
        Self { config }
    }

    fn request(&self, method: &str, path: &str) -> Request {
        let Config { url, .. } = self.config;
        let url = format!("{url}{PATH}/servers/{}/zones{path}", encoded(self.config.server()));
        Request::new(method, url).header("X-API-Key", Secret("/apiKey"))
    }
}

impl Zones for Api<'_> {
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error> {
        walk(fqdn, SERVICE.name, "Create it there, or correct url and server.", |name| {
            let request = self.request("GET", "").query("zone", absolute(name));
            let zones: Vec<FoundZone> = checked(request.send()?)?.json(&SERVICE)?;
            // Servers before 4.2 ignore the filter and return all zones.
            let found = zones.into_iter().find(|zone| absolute(&zone.name) == absolute(name));
            found.map(FoundZone::writable).transpose()
        })
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        let zones: Vec<FoundZone> =
            checked(self.request("GET", "").query("dnssec", "false").send()?)?.json(&SERVICE)?;
        let found = zones.into_iter().find_map(|zone| zone.writable().ok());
        found.ok_or_else(|| Error::NotFound("PowerDNS has no zone that can be written to. Create one there.".into()))
    }
}

impl RecordSets for Api<'_> {
    fn read(&self, zone: &Zone, fqdn: &str) -> Result<Option<Set>, Error> {
        let name = absolute(fqdn);
        let request = self.request("GET", &format!("/{}", encoded(&zone.id)));
        let request = request.query("rrset_name", name.as_str()).query("rrset_type", "TXT");
        let found: Contents = checked(request.send()?)?.json(&SERVICE)?;
        // Servers before 4.6 ignore the filter and return all sets.
        let set = found.rrsets.into_iter().find(|set| set.kind == "TXT" && absolute(&set.name) == name);
        Ok(set.map(FoundSet::into_set))
    }

    fn replace(&self, zone: &Zone, fqdn: &str, old: Option<&Set>, new: Option<&Set>) -> Result<Written, Error> {
        let disabled = old.and_then(|set| set.version.as_deref()).unwrap_or("[]");
        let disabled: Vec<String> = json::from_str(disabled).unwrap_or_default();
        let enabled = new.map(|set| set.values.as_slice()).unwrap_or_default();
        let ttl_seconds = new.or(old).map_or(0, |set| set.ttl_seconds);

        let record = |content: &String, disabled: bool| json!({ "content": content, "disabled": disabled });
        let mut records: Vec<Value> = enabled.iter().map(|content| record(content, false)).collect();
        records.extend(disabled.iter().map(|content| record(content, true)));
        let change = if records.is_empty() {
            json!({ "name": absolute(fqdn), "type": "TXT", "changetype": "DELETE" })
        } else {
            let name = absolute(fqdn);
            json!({ "name": name, "type": "TXT", "ttl": ttl_seconds, "changetype": "REPLACE", "records": records })
        };
        let request = self.request("PATCH", &format!("/{}", encoded(&zone.id)));
        checked(request.json(&json!({ "rrsets": [change] })).send()?)?;
        Ok(Written::Done(None))
    }
}

fn checked(response: Response) -> Result<Response, Error> {
    // 422 in older servers, 404 in newer ones.
    let is_unknown = response.status == 422 && response.text().contains("Could not find domain");
    if is_unknown { Err(SERVICE.not_found(&response)) } else { response.ok(&SERVICE) }
}

fn said(response: &Response) -> Option<String> {
    match response.value() {
        Some(body) => Some(body["error"].as_str()?.to_owned()),
        None => Some(response.text().to_owned()).filter(|text| !text.trim_start().starts_with('<')),
    }
}

#[derive(Deserialize)]
struct FoundZone {
    id: String,
    name: String,
    #[serde(default)]
    kind: String,
}

impl FoundZone {
    fn writable(self) -> Result<Zone, Error> {
        if READ_ONLY_KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(&self.kind)) {
            let Self { name, kind, .. } = self;
            return Err(Error::NotFound(format!(
                "PowerDNS holds {name} as {kind}: what is written here is lost at the next transfer. Give the API of its primary server."
            )));
        }
        Ok(Zone::new(self.id, &self.name))
    }
}

#[derive(Deserialize)]
struct Contents {
    rrsets: Vec<FoundSet>,
}

#[derive(Deserialize)]
struct FoundSet {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ttl: u32,
    records: Vec<FoundRecord>,
}

impl FoundSet {
    /// Disabled records are not served: they are not compared, and are written
    /// back unchanged from the set's version.
    fn into_set(self) -> Set {
        let (disabled, enabled): (Vec<_>, Vec<_>) = self.records.into_iter().partition(|record| record.disabled);
        let contents =
            |records: Vec<FoundRecord>| -> Vec<String> { records.into_iter().map(|it| it.content).collect() };
        Set { values: contents(enabled), ttl_seconds: self.ttl, version: Some(json!(contents(disabled)).to_string()) }
    }
}

#[derive(Deserialize)]
struct FoundRecord {
    content: String,
    #[serde(default)]
    disabled: bool,
}

/// The API's path on its server.
pub(crate) const PATH: &str = "/api/v1";
const SERVICE: Service = Service {
    name: "PowerDNS",
    cure: "Give the key that is `api-key` in its configuration, and make sure that `webserver-allow-from` includes this host.",
    said,
};
const READ_ONLY_KINDS: [&str; 3] = ["Slave", "Secondary", "Consumer"];
