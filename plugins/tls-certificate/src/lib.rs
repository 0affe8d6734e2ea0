//! A TLS certificate with its private key, provided by the user.
//!
//! Least privilege: only servers that need the key get it; which hosts are
//! covered is in the public half.
//!
//! Formats: RFC 5280 (certificates), RFC 7468 (PEM), RFC 5958, 8017 and 5915
//! (keys).

#![forbid(unsafe_code)]

mod attributes;
mod chain;
mod key;
mod name;
mod pem;
mod signature;
mod weakness;

use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Error, Inspection, Rewrite, Violations, export_type, json, serde,
};
use serde::{Deserialize, Serialize};

use chain::Path;
use key::PrivateKey;

export_type!(TlsCertificate);

/// The credential type `tls-certificate`.
pub struct TlsCertificate;

impl CredentialType for TlsCertificate {
    type Public = Public;
    type Full = Full;

    fn inspect(data: Public, _: &Context) -> Result<Inspection, Error> {
        let ders = data.read()?;
        let path = Path::build(&ders)?;
        let chain = Some(pem::write_certificates(path.issuers())).filter(|chain| !chain.is_empty());
        let note = if data.chain_is_given() { "" } else { DERIVED_CHAIN };
        let normalised = Public {
            certificate: pem::write_certificates([path.leaf()]),
            chain: chain.map(|chain| format!("{note}{chain}")),
        };
        let mut inspection = attributes::describe(Inspection::new(normalised)?, path.leaf())?;
        for code in weakness::of(path.leaf()) {
            inspection = inspection.warning(chain::CERTIFICATE, code);
        }
        for code in path.issuers().iter().flat_map(weakness::of) {
            inspection = inspection.warning(chain::CHAIN, code);
        }
        Ok(inspection)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let block = pem::read_private_key(&data.private_key).map_err(|problem| problem.at("/privateKey"))?;
        let key = PrivateKey::parse(&block).map_err(|problem| problem.at("/privateKey"))?;
        let ders = data.public.read()?;
        if !key.is_of(Path::build(&ders)?.leaf()) {
            let message = "Paste the key that the certificate was requested with.";
            return Err(Violations::one("/privateKey", "key-mismatch", message).into());
        }

        let normalised = pem::write(&key::portable(block));
        if normalised == data.private_key {
            return Ok(Vec::new());
        }
        Ok(vec![Rewrite { pointer: "/privateKey".into(), value: json::Value::from(normalised).to_string() }])
    }

    fn materialize(data: Full, format: &str, _: &Context) -> Result<Vec<Artifact>, Error> {
        let ders = data.public.read()?;
        let path = Path::build(&ders)?;
        let block = pem::read_private_key(&data.private_key).map_err(|problem| problem.at("/privateKey"))?;
        let (full_chain, key) = (pem::write_certificates(path.all()), pem::write(&key::portable(block)));
        match format {
            "kubernetes.io/tls" => {
                Ok(vec![Artifact::pem("tls.crt", full_chain).public(), Artifact::pem("tls.key", key)])
            }
            "pem" => Ok(pem_files(full_chain, key)),
            "nginx" => {
                let mut files = pem_files(full_chain, key);
                files.push(Artifact::text("tls.conf", NGINX_SNIPPET).public());
                Ok(files)
            }
            "haproxy" => Ok(vec![Artifact::pem("haproxy.pem", full_chain + &key)]),
            _ => Err(Error::unknown_format()),
        }
    }
}

/// The form without its secret.
#[derive(Deserialize, Serialize)]
pub struct Public {
    certificate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
}

/// The whole form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Full {
    #[serde(flatten)]
    public: Public,
    private_key: String,
}

impl Public {
    /// Whether the person gave a chain in its own field. One that was moved
    /// here from `certificate` is marked.
    fn chain_is_given(&self) -> bool {
        let chain = self.chain.as_deref().map(str::trim_start).unwrap_or_default();
        !chain.is_empty() && !chain.starts_with(DERIVED_CHAIN.trim_end())
    }

    /// The certificates of both fields, in DER.
    fn read(&self) -> Result<chain::Ders, Error> {
        let mut violations = Violations::new();
        let mut read = |pointer: &str, text: &str| {
            pem::read_certificates(text).unwrap_or_else(|problem| {
                violations.add(pointer, problem.code, problem.message);
                Vec::new()
            })
        };
        let certificate = read("/certificate", &self.certificate);
        let chain = self.chain.as_deref().filter(|chain| !chain.trim().is_empty());
        let chain = chain.map(|chain| read("/chain", chain)).unwrap_or_default();
        violations.finish()?;
        Ok(chain::Ders { certificate, chain, chain_is_derived: !self.chain_is_given() })
    }
}

fn pem_files(full_chain: String, key: String) -> Vec<Artifact> {
    vec![Artifact::pem("fullchain.pem", full_chain).public(), Artifact::pem("privkey.pem", key)]
}

/// Text around PEM blocks is ignored (RFC 7468, section 5.2), and this line
/// stays with the chain wherever it is copied.
const DERIVED_CHAIN: &str = "# From the field certificate\n";
const NGINX_SNIPPET: &str = "ssl_certificate fullchain.pem;\nssl_certificate_key privkey.pem;\n";
