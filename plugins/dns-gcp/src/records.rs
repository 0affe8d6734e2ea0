//! TXT record sets, read and changed as a whole. A change lists what it deletes
//! and what it adds, and is refused unless the deleted set matches.

use bursar_plugin_sdk::dns::{RecordSets, Set, Written, Zone, absolute, normal};
use bursar_plugin_sdk::http::{Request, encoded};
use bursar_plugin_sdk::json::{Map, Value, json};
use bursar_plugin_sdk::{Error, Progress, Violations};
use serde::Deserialize;

use crate::failure::{self, CLOUD_DNS};
use crate::session::Session;

impl RecordSets for Session {
    /// <https://cloud.google.com/dns/docs/reference/rest/v1/resourceRecordSets/list>
    fn read(&self, zone: &Zone, fqdn: &str) -> Result<Option<Set>, Error> {
        let url = self.zone_url(zone, "rrsets");
        let response = self.send(|| Request::get(url.as_str()).query("name", absolute(fqdn)).query("type", "TXT"))?;
        if !response.is_success() {
            return Err(failure::of(&response, &self.config.project));
        }
        let page: Page = response.json(&CLOUD_DNS)?;
        let is_it = |set: &RecordSet| normal(&set.name) == normal(fqdn) && set.kind == "TXT";
        page.rrsets.into_iter().find(is_it).map(|set| set.simple(fqdn)).transpose()
    }

    /// <https://cloud.google.com/dns/docs/reference/rest/v1/changes/create>
    fn replace(&self, zone: &Zone, fqdn: &str, old: Option<&Set>, new: Option<&Set>) -> Result<Written, Error> {
        let url = self.zone_url(zone, "changes");
        let mut change = Map::new();
        for (member, set) in [("additions", new), ("deletions", old)] {
            if let Some(set) = set {
                let set = json!({
                    "name": absolute(fqdn), "type": "TXT", "ttl": set.ttl_seconds, "rrdatas": set.values,
                });
                change.insert(member.to_owned(), Value::from(vec![set]));
            }
        }
        let response = self.send(|| Request::post(url.as_str()).json(&change))?;
        if response.is_success() {
            return Ok(Written::Done(Some(response.json::<Change>(&CLOUD_DNS)?.id)));
        }
        if failure::is_stale(&response) {
            return Ok(Written::Conflict);
        }
        Err(failure::of(&response, &self.config.project))
    }

    /// <https://cloud.google.com/dns/docs/reference/rest/v1/changes/get>
    fn change(&self, zone: &Zone, change: &str) -> Result<Progress, Error> {
        let url = self.zone_url(zone, &format!("changes/{}", encoded(change)));
        let response = self.send(|| Request::get(url.as_str()))?;
        if !response.is_success() {
            return Err(failure::of(&response, &self.config.project));
        }
        let is_done = response.json::<Change>(&CLOUD_DNS)?.status == "done";
        Ok(if is_done { Progress::Done } else { Progress::Pending(POLL_SECONDS) })
    }
}

impl Session {
    fn zone_url(&self, zone: &Zone, path: &str) -> String {
        self.url(&format!("managedZones/{}/{path}", encoded(&zone.id)))
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    rrsets: Vec<RecordSet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordSet {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ttl: Option<u32>,
    #[serde(default)]
    rrdatas: Vec<String>,
    routing_policy: Option<Value>,
}

impl RecordSet {
    /// A set without routing policy, since one with a policy cannot be merged.
    fn simple(self, fqdn: &str) -> Result<Set, Error> {
        if let (Some(ttl_seconds), None) = (self.ttl, self.routing_policy) {
            return Ok(Set { values: self.rrdatas, ttl_seconds, version: None });
        }
        let message = format!(
            "The TXT record at {fqdn} has a routing policy, so no challenge can be added: make it a simple record, or \
             delete it."
        );
        Err(Violations::one("", "routing-policy", message).into())
    }
}

#[derive(Deserialize)]
struct Change {
    id: String,
    status: String,
}

/// A change takes some seconds.
const POLL_SECONDS: u32 = 2;
