//! Finds the managed zone of a name.

use bursar_plugin_sdk::dns::{Zone, Zones, absolute, normal, walk};
use bursar_plugin_sdk::http::{Request, encoded};
use bursar_plugin_sdk::{Error, Violations};
use serde::Deserialize;

use crate::failure::{self, CLOUD_DNS};
use crate::session::Session;

impl Zones for Session {
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error> {
        match &self.config.hosted_zone_name {
            // Its domain is not needed.
            Some(name) => Ok(Zone::new(name, "")),
            None => walk(fqdn, "Google Cloud DNS", CURE, |domain| self.public_zone(domain)),
        }
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        let Some(name) = &self.config.hosted_zone_name else {
            let zones = self.list(None)?;
            let first = zones.iter().find(|zone| zone.is_public()).map(Listed::zone);
            return first.ok_or_else(|| {
                Error::NotFound(format!("The project {} has no public managed zone. {CURE}", self.config.project))
            });
        };
        let url = self.url(&format!("managedZones/{}", encoded(name)));
        let response = self.send(|| Request::get(url.as_str()))?;
        if !response.is_success() {
            return Err(failure::of(&response, &self.config.project));
        }
        let listed: Listed = response.json(&CLOUD_DNS)?;
        if listed.is_public() { Ok(listed.zone()) } else { Err(private(name)) }
    }
}

impl Session {
    /// The public zone for exactly that domain.
    fn public_zone(&self, domain: &str) -> Result<Option<Zone>, Error> {
        let listed = self.list(Some(domain))?;
        let found: Vec<_> =
            listed.iter().filter(|zone| zone.is_public() && normal(&zone.dns_name) == normal(domain)).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.zone())),
            several => {
                let names: Vec<_> = several.iter().map(|zone| zone.name.as_str()).collect();
                let message = format!(
                    "There are several public zones for {domain}: {}. Name one as hostedZoneName.",
                    names.join(", ")
                );
                Err(Violations::one("/hostedZoneName", "ambiguous-zone", message).into())
            }
        }
    }

    /// <https://cloud.google.com/dns/docs/reference/rest/v1/managedZones/list>
    fn list(&self, domain: Option<&str>) -> Result<Vec<Listed>, Error> {
        let url = self.url("managedZones");
        let mut zones = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let response = self.send(|| {
                let mut request = Request::get(url.as_str());
                if let Some(domain) = domain {
                    request = request.query("dnsName", absolute(domain));
                }
                if let Some(token) = &next {
                    request = request.query("pageToken", token);
                }
                request
            })?;
            if !response.is_success() {
                return Err(failure::of(&response, &self.config.project));
            }
            let page: Page = response.json(&CLOUD_DNS)?;
            zones.extend(page.managed_zones);
            match page.next_page_token {
                Some(token) => next = Some(token),
                None => return Ok(zones),
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    managed_zones: Vec<Listed>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    dns_name: String,
    visibility: Option<String>,
}

impl Listed {
    fn is_public(&self) -> bool {
        self.visibility.as_deref().is_none_or(|visibility| visibility.eq_ignore_ascii_case("public"))
    }

    fn zone(&self) -> Zone {
        Zone::new(self.name.as_str(), &self.dns_name)
    }
}

fn private(name: &str) -> Error {
    let message =
        format!("The managed zone {name} is private: no certificate authority can see it. Give a public one.");
    Violations::one("/hostedZoneName", "private-zone", message).into()
}

const CURE: &str = "Create a public managed zone for it, or name the one to use as hostedZoneName.";
