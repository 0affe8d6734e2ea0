//! TXT records in public managed zones of Google Cloud DNS.
//!
//! Least privilege: a service account with a custom role that may see zones,
//! list and change record sets and read changes, bound to one project or one
//! zone; `README.md` has the role in full.
//!
//! API: <https://cloud.google.com/dns/docs/reference/rest/v1>.

#![forbid(unsafe_code)]

mod config;
mod failure;
mod formats;
mod records;
mod session;
mod zones;

use bursar_plugin_sdk::dns::RecordSets;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Progress, Report, Rewrite, TxtRecord, export_dns01,
    export_type,
};

use config::{Config, Full};
use session::Session;

export_type!(Gcp);
export_dns01!(Gcp);

/// The provider `dns-gcp`.
pub struct Gcp;

impl CredentialType for Gcp {
    type Public = Config;
    type Full = Full;

    fn inspect(data: Config, _: &Context) -> Result<Inspection, Error> {
        Inspection::new(&data)?.attribute("project", &data.project)?.attribute("zone", &data.hosted_zone_name)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        data.check()
    }

    fn materialize(data: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        match format {
            "cert-manager" => formats::cert_manager(&data, context),
            "env" => formats::env(&data),
            "google/credentials.json" => Ok(formats::key_file(&data)),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for Gcp {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Session::new(config).check(fqdn, context)
    }

    fn present(config: Config, txt: &TxtRecord, _: &Context) -> Result<String, Error> {
        Session::new(config).present(txt)
    }

    fn poll(config: Config, handle: &str, _: &Context) -> Result<Progress, Error> {
        Session::new(config).poll(handle)
    }

    fn cleanup(config: Config, txt: &TxtRecord, handle: &str, _: &Context) -> Result<(), Error> {
        Session::new(config).cleanup(txt, handle)
    }
}
