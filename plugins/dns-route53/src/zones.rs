//! Finds the hosted zone of a name.

use bursar_plugin_sdk::dns::{Zone, Zones, absolute, walk};
use bursar_plugin_sdk::{Error, Violations};

use crate::session::Session;
use crate::xml::Element;

impl Zones for Session {
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error> {
        match &self.config.hosted_zone_id {
            // Its name is not needed, and requesting it would need another
            // permission.
            Some(id) => Ok(Zone::new(id, "")),
            None => walk(fqdn, "Route 53", CURE, |name| self.public_zone(name)),
        }
    }

    fn any_zone(&self) -> Result<Zone, Error> {
        if let Some(id) = &self.config.hosted_zone_id {
            let answer = self.get(&format!("hostedzone/{id}"), &[])?;
            let zone = answer.at("HostedZone").and_then(Listed::read).ok_or_else(unexpected)?;
            return if zone.is_private { Err(private(id)) } else { Ok(zone.zone) };
        }
        let mut found = None;
        self.each_page(None, |listed| {
            found = listed.into_iter().find(|zone| !zone.is_private);
            found.is_none()
        })?;
        found
            .map(|listed| listed.zone)
            .ok_or_else(|| Error::NotFound(format!("Route 53 shows this credential no public hosted zone. {CURE}")))
    }
}

impl Session {
    /// The public zone of exactly that name. The list begins there, continues
    /// with other names, and may contain private zones of the same name.
    fn public_zone(&self, name: &str) -> Result<Option<Zone>, Error> {
        let mut found = Vec::new();
        self.each_page(Some(name), |listed| {
            let goes_on = listed.iter().all(|listed| listed.zone.name == name);
            found.extend(listed.into_iter().filter(|it| it.zone.name == name && !it.is_private).map(|it| it.zone));
            goes_on
        })?;
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => {
                let ids: Vec<_> = several.iter().map(|zone| zone.id.as_str()).collect();
                let message =
                    format!("There are several public zones for {name}: {}. Give one as hostedZoneID.", ids.join(", "));
                Err(Violations::one("/hostedZoneID", "ambiguous-zone", message).into())
            }
        }
    }

    /// `ListHostedZonesByName`, from a name on, while `more` asks for another
    /// page:
    /// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html>.
    fn each_page(&self, from: Option<&str>, mut more: impl FnMut(Vec<Listed>) -> bool) -> Result<(), Error> {
        let mut next = from.map(|name| (absolute(name), None::<String>));
        loop {
            let mut query = Vec::new();
            if let Some((name, id)) = &next {
                query.push(("dnsname", name.as_str()));
                query.extend(id.as_deref().map(|id| ("hostedzoneid", id)));
            }
            query.push(("maxitems", "100"));
            let page = self.get("hostedzonesbyname", &query)?;
            let zones = page.at("HostedZones").ok_or_else(unexpected)?;
            let wants_more = more(zones.all("HostedZone").filter_map(Listed::read).collect());
            match page.text_at("NextDNSName") {
                Some(name) if wants_more && page.text_at("IsTruncated") == Some("true") => {
                    next = Some((name.to_owned(), page.text_at("NextHostedZoneId").map(str::to_owned)));
                }
                _ => return Ok(()),
            }
        }
    }
}

struct Listed {
    zone: Zone,
    is_private: bool,
}

impl Listed {
    fn read(zone: &Element) -> Option<Self> {
        let id = zone.text_at("Id")?.trim_start_matches("/hostedzone/");
        let is_private = zone.text_at("Config/PrivateZone") == Some("true");
        Some(Self { zone: Zone::new(id, zone.text_at("Name")?), is_private })
    }
}

fn private(id: &str) -> Error {
    let message = format!("The hosted zone {id} is private: no certificate authority can see it. Give a public one.");
    Violations::one("/hostedZoneID", "private-zone", message).into()
}

fn unexpected() -> Error {
    Error::Unavailable("Route 53 sent an answer without zones.".into())
}

const CURE: &str = "Create a public hosted zone for it, or give the id of one as hostedZoneID.";
