//! Finds the zone of a name.

use bursar_plugin_sdk::Error;
use bursar_plugin_sdk::dns::{Zone, Zones, longest_suffix, normal, relative};
use bursar_plugin_sdk::http::Request;
use serde::Deserialize;

use crate::failure::{self, AZURE};
use crate::session::Session;

impl Zones for Session {
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error> {
        if let Some(zone) = &self.config.hosted_zone_name {
            // Requesting it would need another permission.
            return if relative(fqdn, zone).is_some() { Ok(named(zone)) } else { Err(outside(fqdn, zone)) };
        }
        let zones = self.public_zones()?;
        match longest_suffix(fqdn, zones.iter().map(String::as_str)) {
            Some(zone) => Ok(named(zone)),
            None => Err(self.none(&format!("no public zone for {fqdn}"))),
        }
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        if let Some(zone) = &self.config.hosted_zone_name {
            return Ok(named(zone));
        }
        let zones = self.public_zones()?;
        zones.first().map(|zone| named(zone)).ok_or_else(|| self.none("no public zone"))
    }
}

impl Session {
    /// <https://learn.microsoft.com/en-us/rest/api/dns/zones/list-by-resource-group>
    fn public_zones(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        let mut next: Option<Vec<(String, String)>> = None;
        loop {
            let response = self.send(|| {
                let fields = next.iter().flatten().filter(|(name, _)| name != "api-version");
                fields.fold(Request::get(self.zones_url()), |request, (name, value)| request.query(name, value))
            })?;
            if !response.is_success() {
                return Err(failure::of(&response));
            }
            let page: Page = response.json(&AZURE)?;
            names.extend(page.value.into_iter().filter(Listed::is_public).map(|zone| zone.name));
            match page.next_link.as_deref().and_then(|link| link.split_once('?')) {
                // The rest of the link is our own address.
                Some((_, query)) => next = Some(form_urlencoded::parse(query.as_bytes()).into_owned().collect()),
                None => return Ok(names),
            }
        }
    }

    fn none(&self, what: &str) -> Error {
        let group = &self.config.resource_group_name;
        Error::NotFound(format!(
            "The resource group {group} has {what}. Create it there, or give the zone's own resource group."
        ))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Listed>,
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    zone_type: Option<String>,
}

impl Listed {
    /// Private zones were once of this resource type too, and some still exist.
    fn is_public(&self) -> bool {
        self.properties.zone_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("public"))
    }
}

/// A zone's name is also its id, regardless of case.
fn named(zone: &str) -> Zone {
    Zone::new(normal(zone), zone)
}

fn outside(fqdn: &str, zone: &str) -> Error {
    Error::NotFound(format!("{fqdn} is not in the zone {zone} that hostedZoneName names."))
}
