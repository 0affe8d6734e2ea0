//! TXT record sets, read and changed as a whole, guarded by their entity tag.
//!
//! Azure takes the strings of a value without quotes. This adds and removes the
//! quotes, which keep the strings of one record apart.

use std::collections::BTreeMap;

use bursar_plugin_sdk::Error;
use bursar_plugin_sdk::dns::{RecordSets, Set, Written, Zone, relative, txt};
use bursar_plugin_sdk::http::Request;
use bursar_plugin_sdk::json::{self, json};
use serde::{Deserialize, Serialize};

use crate::failure::{self, AZURE};
use crate::session::Session;

impl RecordSets for Session {
    fn read(&self, zone: &Zone, fqdn: &str) -> Result<Option<Set>, Error> {
        let url = self.record_set_url(zone, fqdn);
        let response = self.send(|| Request::get(url.as_str()))?;
        if failure::is_no_record_set(&response) {
            return Ok(None);
        }
        if !response.is_success() {
            return Err(failure::of(&response));
        }
        let RecordSet { etag, properties } = response.json(&AZURE)?;
        let strings = |record: Record| txt::quoted_strings(record.value.iter().map(String::as_str));
        Ok(Some(Set {
            values: properties.txt_records.into_iter().map(strings).collect(),
            ttl_seconds: properties.ttl,
            version: Some(Version { etag, metadata: properties.metadata }.text()?),
        }))
    }

    /// <https://learn.microsoft.com/en-us/rest/api/dns/record-sets>
    fn replace(&self, zone: &Zone, fqdn: &str, old: Option<&Set>, new: Option<&Set>) -> Result<Written, Error> {
        let url = self.record_set_url(zone, fqdn);
        let version = old.and_then(|set| set.version.as_deref()).map(Version::read).transpose()?;
        let response = self.send(|| {
            let request = match new {
                Some(set) => Request::put(url.as_str()).json(&body(set, version.as_ref())),
                None => Request::delete(url.as_str()),
            };
            match &version {
                Some(version) => request.header("If-Match", version.etag.as_str()),
                None => request.header("If-None-Match", "*"),
            }
        })?;
        match response.status {
            412 => Ok(Written::Conflict),
            status if response.is_success() || (status == 404 && new.is_none()) => Ok(Written::Done(None)),
            _ => Err(failure::of_write(&response, new.map_or(0, |set| set.values.len()))),
        }
    }
}

impl Session {
    fn record_set_url(&self, zone: &Zone, fqdn: &str) -> String {
        let name = relative(fqdn, &zone.name).filter(|name| !name.is_empty()).unwrap_or_else(|| APEX.to_owned());
        format!("{}/{}/TXT/{name}", self.zones_url(), zone.id)
    }
}

fn body(set: &Set, version: Option<&Version>) -> json::Value {
    let records: Vec<_> = set.values.iter().map(|value| json!({ "value": txt::strings(value) })).collect();
    let mut properties = json!({ "TTL": set.ttl_seconds, "TXTRecords": records });
    // A write removes what it does not send.
    if let Some(metadata) = version.and_then(|version| version.metadata.as_ref()) {
        properties["metadata"] = json!(metadata);
    }
    json!({ "properties": properties })
}

/// What a write must not lose or overrun.
#[derive(Deserialize, Serialize)]
struct Version {
    etag: String,
    metadata: Option<BTreeMap<String, String>>,
}

impl Version {
    fn text(&self) -> Result<String, Error> {
        json::to_string(self).map_err(|_| Error::Internal("a version is not JSON".into()))
    }

    fn read(text: &str) -> Result<Self, Error> {
        json::from_str(text).map_err(|_| Error::Internal("a version is not ours".into()))
    }
}

#[derive(Deserialize)]
struct RecordSet {
    etag: String,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "TTL")]
    ttl: u32,
    #[serde(rename = "TXTRecords", default)]
    txt_records: Vec<Record>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Record {
    value: Vec<String>,
}

/// Azure's name for the zone itself.
const APEX: &str = "@";
