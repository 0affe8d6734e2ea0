//! Zones that Cloudflare has but does not serve.

use std::cell::RefCell;

use bursar_plugin_sdk::dns::Zone;
use bursar_plugin_sdk::json::{self, Value, json};
use bursar_plugin_sdk::{Error, Report};

/// Zones that the search skipped: name and state.
#[derive(Default)]
pub(crate) struct Inactive(RefCell<Vec<(String, String)>>);

impl Inactive {
    pub(crate) fn note<'a>(&self, zones: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut noted = self.0.borrow_mut();
        for (name, status) in zones {
            let zone = (name.to_owned(), status.to_owned());
            if !noted.contains(&zone) {
                noted.push(zone);
            }
        }
    }

    /// Explains a missing zone by one that exists but is inactive.
    pub(crate) fn explain(&self, found: Result<Zone, Error>) -> Result<Zone, Error> {
        match (found, self.0.borrow().first()) {
            (Err(Error::NotFound(_)), Some((name, status))) => Err(Error::NotFound(Self::words(name, status))),
            (found, _) => found,
        }
    }

    /// Adds the skipped zones to a report.
    pub(crate) fn add_to(&self, mut report: Report) -> Report {
        let noted = self.0.borrow();
        if noted.is_empty() {
            return report;
        }
        for (name, status) in noted.iter() {
            report.summary.extend([" The zone ", name, " is ", status, " and was passed over."]);
        }
        if let Ok(Value::Object(mut details)) = json::from_str(&report.details) {
            let zones = noted.iter().map(|(name, status)| json!({ "zone": name, "status": status }));
            details.insert("passedOver".into(), zones.collect());
            report.details = Value::Object(details).to_string();
        }
        report
    }

    /// Why nothing is written to the zone, and the cure.
    pub(crate) fn words(name: &str, status: &str) -> String {
        format!(
            "Cloudflare has the zone {name}, but it is {status}: Cloudflare answers for it once the domain's registrar \
             names Cloudflare's name servers. Delegate it there, or remove the zone."
        )
    }
}
