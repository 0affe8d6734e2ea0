//! DNS-01 challenges in zones at {{title}}.
//!
//! Least privilege: say here what the token must be allowed, and nothing more.
//!
//! API: <https://api.example.com/v1>, which is made up: put the provider's in.

#![forbid(unsafe_code)]

use bursar_plugin_sdk::dns::{Record, Records, Zone, Zones, walk};
use bursar_plugin_sdk::http::{Request, Response, Secret, Service, encoded};
use bursar_plugin_sdk::json::json;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Report, Rewrite, TxtRecord, Violations, export_dns01,
    export_type, variable,
};
use serde::{Deserialize, Serialize};

export_type!({{type}});
export_dns01!({{type}});

/// The provider `{{id}}`.
pub struct {{type}};

impl CredentialType for {{type}} {
    type Public = Config;
    type Full = Full;

    fn inspect(config: Config, _: &Context) -> Result<Inspection, Error> {
        Inspection::new(config)
    }

    fn check(full: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let mut violations = Violations::new();
        let is_bare = full.api_token.trim() == full.api_token;
        violations.require(is_bare, "/apiToken", "spaces", "Paste the token alone.");
        violations.finish()?;
        Ok(Vec::new())
    }

    fn materialize(full: Full, format: &str, _: &Context) -> Result<Vec<Artifact>, Error> {
        match format {
            "env" => Artifact::env(&[variable("{{variable}}_API_TOKEN", "/apiToken", &full.api_token)]),
            _ => Err(Error::unknown_format()),
        }
    }
}

// In these calls the secrets are the host's: requests name them.
impl Dns01 for {{type}} {
    type Config = Config;

    fn check(_: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Api.check(fqdn, context)
    }

    fn present(_: Config, txt: &TxtRecord, _: &Context) -> Result<String, Error> {
        Api.present(txt)
    }

    fn cleanup(_: Config, txt: &TxtRecord, handle: &str, _: &Context) -> Result<(), Error> {
        Api.cleanup(txt, handle)
    }
}

/// The provider's API: one record for each value. `RecordSets` of the SDK is for
/// those that write all values of a name at once.
struct Api;

impl Zones for Api {
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error> {
        walk(fqdn, SERVICE.name, ZONE_CURE, |name| {
            let found: ZoneList = send(Request::get(format!("{BASE}/zones")).query("name", name))?.json(&SERVICE)?;
            Ok(found.zones.into_iter().find(|zone| zone.name == name))
        })
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        let found: ZoneList = send(Request::get(format!("{BASE}/zones")))?.json(&SERVICE)?;
        let none = || Error::NotFound(format!("{} shows this token no zone. {ZONE_CURE}", SERVICE.name));
        found.zones.into_iter().next().ok_or_else(none)
    }
}

impl Records for Api {
    fn list(&self, zone: &Zone, fqdn: &str) -> Result<Vec<Record>, Error> {
        let request = Request::get(records(zone)).query("type", "TXT").query("name", fqdn);
        let found: RecordList = send(request)?.json(&SERVICE)?;
        let here = found.records.into_iter().filter(|record| record.name == fqdn);
        Ok(here.map(|record| Record { id: record.id, content: record.content }).collect())
    }

    fn add(&self, zone: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<(), Error> {
        let record = json!({ "type": "TXT", "name": fqdn, "content": value, "ttl": ttl_seconds });
        send(Request::post(records(zone)).json(&record)).map(drop)
    }

    fn delete(&self, zone: &Zone, id: &str) -> Result<(), Error> {
        match send(Request::delete(format!("{}/{}", records(zone), encoded(id)))) {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn send(request: Request) -> Result<Response, Error> {
    request.bearer(Secret("/apiToken")).send()?.ok(&SERVICE)
}

fn records(zone: &Zone) -> String {
    format!("{BASE}/zones/{}/records", encoded(&zone.id))
}

/// The form without its secret: nothing, so far.
#[derive(Deserialize, Serialize)]
pub struct Config {}

/// The whole form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Full {
    api_token: String,
}

#[derive(Deserialize)]
struct ZoneList {
    zones: Vec<Zone>,
}

#[derive(Deserialize)]
struct RecordList {
    records: Vec<FoundRecord>,
}

#[derive(Deserialize)]
struct FoundRecord {
    id: String,
    name: String,
    content: String,
}

const BASE: &str = "https://api.example.com/v1";
const SERVICE: Service = Service {
    name: "{{title}}",
    cure: "Make a token that may read zones and write DNS records.",
    said: |answer| Some(answer.value()?["message"].as_str()?.to_owned()),
};
const ZONE_CURE: &str = "Add the zone there, or use a token that may see it.";
