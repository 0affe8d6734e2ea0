//! TXT records in public hosted zones of Amazon Route 53.
//!
//! Least privilege: a user that may list zones, read and change TXT records
//! named `_acme-challenge` in one zone and read changes, or may do nothing but
//! assume a role that may; `README.md` has the policies in full.
//!
//! API: <https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html>.

#![forbid(unsafe_code)]

mod config;
mod failure;
mod formats;
mod records;
mod session;
mod xml;
mod zones;

use bursar_plugin_sdk::dns::RecordSets;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Progress, Report, Rewrite, TxtRecord, export_dns01,
    export_type,
};

use config::{Config, Full};
use session::Session;

export_type!(Route53);
export_dns01!(Route53);

/// The provider `dns-route53`.
pub struct Route53;

impl CredentialType for Route53 {
    type Public = Config;
    type Full = Full;

    fn inspect(data: Config, _: &Context) -> Result<Inspection, Error> {
        let data = data.normalised();
        Inspection::new(&data)?
            .attribute("authentication", if data.role.is_some() { "role" } else { "access key" })?
            .attribute("zoneID", &data.hosted_zone_id)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        data.check()
    }

    fn materialize(data: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        match format {
            "cert-manager" => formats::cert_manager(&data, context),
            "env" => formats::env(&data),
            "aws/credentials" => Ok(formats::shared_credentials(&data)),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for Route53 {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Session::new(config, context).check(fqdn, context)
    }

    fn present(config: Config, txt: &TxtRecord, context: &Context) -> Result<String, Error> {
        Session::new(config, context).present(txt)
    }

    fn poll(config: Config, handle: &str, context: &Context) -> Result<Progress, Error> {
        Session::new(config, context).poll(handle)
    }

    fn cleanup(config: Config, txt: &TxtRecord, handle: &str, context: &Context) -> Result<(), Error> {
        Session::new(config, context).cleanup(txt, handle)
    }
}
