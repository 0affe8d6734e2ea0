//! TXT records in public zones of Azure DNS.
//!
//! Least privilege: a service principal with a role of its own that may read
//! zones, and read, write and delete TXT records, assigned on one zone;
//! `README.md` has the role in full.
//!
//! API: <https://learn.microsoft.com/en-us/rest/api/dns/>.

#![forbid(unsafe_code)]

mod cloud;
mod config;
mod failure;
mod formats;
mod records;
mod session;
mod zones;

use bursar_plugin_sdk::dns::RecordSets;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Report, Rewrite, TxtRecord, export_dns01, export_type,
};

use config::{Config, Full};
use session::Session;

export_type!(Azure);
export_dns01!(Azure);

/// The provider `dns-azure`.
pub struct Azure;

impl CredentialType for Azure {
    type Public = Config;
    type Full = Full;

    fn inspect(data: Config, _: &Context) -> Result<Inspection, Error> {
        let data = data.normalised();
        Inspection::new(&data)?.attribute("environment", data.environment)?.attribute("zone", &data.hosted_zone_name)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        data.check()
    }

    fn materialize(data: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        match format {
            "cert-manager" => formats::cert_manager(&data, context),
            "env" => formats::env(&data),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for Azure {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Session::new(config).check(fqdn, context)
    }

    fn present(config: Config, txt: &TxtRecord, _: &Context) -> Result<String, Error> {
        Session::new(config).present(txt)
    }

    fn cleanup(config: Config, txt: &TxtRecord, handle: &str, _: &Context) -> Result<(), Error> {
        Session::new(config).cleanup(txt, handle)
    }
}
