//! TXT record sets, read and changed as a whole.

use bursar_plugin_sdk::dns::{RecordSets, Set, Written, Zone, absolute, normal};
use bursar_plugin_sdk::{Error, Progress, Violations};

use crate::failure;
use crate::session::{Session, answer};
use crate::xml::{Element, partial_escape};

impl RecordSets for Session {
    fn read(&self, zone: &Zone, fqdn: &str) -> Result<Option<Set>, Error> {
        let name = absolute(fqdn);
        let query = [("name", name.as_str()), ("type", "TXT"), ("maxitems", "1")];
        let page = self.get(&format!("hostedzone/{}/rrset", zone.id), &query)?;
        let sets = page.at("ResourceRecordSets").ok_or_else(unexpected)?;
        // The list begins at the name or, if there is no such set, after it.
        let is_it = |set: &&Element| {
            set.text_at("Name").is_some_and(|name| normal(name) == normal(fqdn)) && set.text_at("Type") == Some("TXT")
        };
        sets.all("ResourceRecordSet").next().filter(is_it).map(|set| simple(set, fqdn)).transpose()
    }

    /// UPSERT takes no condition, so a write since the read is lost; the host's
    /// lock serialises our own calls. DELETE requires the exact set.
    fn replace(&self, zone: &Zone, fqdn: &str, old: Option<&Set>, new: Option<&Set>) -> Result<Written, Error> {
        let (action, set) = match (new, old) {
            (Some(new), _) => ("UPSERT", new),
            (None, Some(old)) => ("DELETE", old),
            (None, None) => return Ok(Written::Done(None)),
        };
        let path = format!("hostedzone/{}/rrset/", zone.id);
        let response = self.post(&path, &change_request(action, &absolute(fqdn), set))?;
        if response.is_success() {
            let id = answer(&response)?.text_at("ChangeInfo/Id").map(|id| id.trim_start_matches("/change/").to_owned());
            return Ok(Written::Done(id));
        }
        if failure::is_stale(&response) { Ok(Written::Conflict) } else { Err(failure::of(&response, &self.config)) }
    }

    fn change(&self, _: &Zone, change: &str) -> Result<Progress, Error> {
        match self.get(&format!("change/{change}"), &[])?.text_at("ChangeInfo/Status") {
            Some("INSYNC") => Ok(Progress::Done),
            Some("PENDING") => Ok(Progress::Pending(POLL_SECONDS)),
            _ => Err(unexpected()),
        }
    }
}

/// A set without routing policy or alias, since those cannot be merged.
fn simple(set: &Element, fqdn: &str) -> Result<Set, Error> {
    let ttl_seconds = set.text_at("TTL").and_then(|ttl| ttl.parse().ok());
    let records = set.at("ResourceRecords");
    if let (Some(ttl_seconds), Some(records), None) = (ttl_seconds, records, set.at("SetIdentifier")) {
        let values = records.all("ResourceRecord").filter_map(|it| it.text_at("Value")).map(str::to_owned).collect();
        return Ok(Set { values, ttl_seconds, version: None });
    }
    let message = format!(
        "The TXT record at {fqdn} has a routing policy or is an alias, so no challenge can be added: make it a \
         simple record, or delete it."
    );
    Err(Violations::one("", "routing-policy", message).into())
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
fn change_request(action: &str, name: &str, set: &Set) -> String {
    let record =
        |value: &String| ["<ResourceRecord><Value>", &partial_escape(value), "</Value></ResourceRecord>"].concat();
    let records: String = set.values.iter().map(record).collect();
    format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>\
         <Change><Action>{action}</Action><ResourceRecordSet><Name>{}</Name><Type>TXT</Type><TTL>{}</TTL>\
         <ResourceRecords>{records}</ResourceRecords></ResourceRecordSet></Change>\
         </Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        partial_escape(name),
        set.ttl_seconds,
    )
}

fn unexpected() -> Error {
    Error::Unavailable("Route 53 sent an unexpected answer.".into())
}

/// A change takes about a minute.
const POLL_SECONDS: u32 = 5;
