//! DNS-01 challenges with your own HTTP endpoint, in the protocol of lego's
//! `httpreq`.
//!
//! Least privilege: let the endpoint write `_acme-challenge` names of the zones
//! that need certificates and nothing else, and let it authenticate its caller:
//! with Basic authentication, a bearer token or a signature.
//!
//! Protocol: <https://go-acme.github.io/lego/dns/httpreq/>; `README.md` has our
//! additions.

#![forbid(unsafe_code)]

mod form;
mod sender;

use bursar_plugin_sdk::cert_manager::Solver;
use bursar_plugin_sdk::dns::Handle;
use bursar_plugin_sdk::json::{Value, json};
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Progress, Report, Rewrite, TxtRecord, Violations,
    export_dns01, export_type, variable,
};

pub use form::{Config, Full};

use form::{Authentication, Mode};
use sender::Sender;

export_type!(Webhook);
export_dns01!(Webhook);

/// The provider `dns-webhook`.
pub struct Webhook;

impl CredentialType for Webhook {
    type Public = Config;
    type Full = Full;

    fn inspect(config: Config, _: &Context) -> Result<Inspection, Error> {
        let config = config.normalised()?;
        Inspection::new(&config)?
            .attribute("authentication", config.authentication)?
            .attribute("signature", config.signature)?
            .attribute("mode", config.mode)
    }

    fn check(full: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let mut violations = Violations::new();
        let mut rewrites = Vec::new();
        for (pointer, secret) in full.secrets() {
            // Blanks may belong to a password; a line break at the end does not.
            let inside = secret.trim_matches(['\r', '\n']);
            let fits = !inside.is_empty() && !inside.chars().any(char::is_control);
            violations.require(fits, pointer, "characters", "The secret holds a line break; paste it alone.");
            if inside.len() < secret.len() {
                rewrites.push(Rewrite::new(pointer, inside));
            }
        }
        violations.finish()?;
        Ok(rewrites)
    }

    fn materialize(full: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        match format {
            "cert-manager" => solver(&full, context),
            "env" => env(&full),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for Webhook {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Sender::new(&config, context).check(fqdn)
    }

    fn present(config: Config, txt: &TxtRecord, context: &Context) -> Result<String, Error> {
        Sender::new(&config, context).present(txt)
    }

    fn poll(config: Config, handle: &str, context: &Context) -> Result<Progress, Error> {
        match Handle::read(handle).and_then(|handle| handle.change) {
            Some(change) => Sender::new(&config, context).status(&change),
            None => Ok(Progress::Done),
        }
    }

    fn cleanup(config: Config, txt: &TxtRecord, _: &str, context: &Context) -> Result<(), Error> {
        Sender::new(&config, context).cleanup(txt)
    }
}

/// A solver of a cert-manager webhook, with the endpoint as its configuration
/// unless one was given.
fn solver(full: &Full, context: &Context) -> Result<Vec<Artifact>, Error> {
    let (Some(group), Some(solver)) = (&full.config.group_name, &full.config.solver_name) else {
        let message = "This format names a webhook installed in the cluster: give groupName and solverName.";
        return Err(Violations::one("/groupName", "required", message).into());
    };
    let mut written = Solver::new("webhook", &context.name).field("groupName", group.as_str());
    let mut config = json!({ "endpoint": full.config.endpoint, "mode": full.config.mode() });
    if let Some(username) = &full.config.username {
        config["username"] = json!(username);
    }
    for (pointer, secret) in full.secrets() {
        let name = pointer.trim_start_matches('/');
        config[format!("{}SecretRef", name.trim_end_matches("Secret"))] = written.keep(None, name, secret);
    }
    let config = match full.config.for_solver.clone() {
        Some(given) => Value::Object(given),
        None => config,
    };
    written.field("solverName", solver.as_str()).field("config", config).artifacts(&full.config.common)
}

/// What lego's `httpreq` reads.
fn env(full: &Full) -> Result<Vec<Artifact>, Error> {
    let mut variables = vec![variable("HTTPREQ_ENDPOINT", "/endpoint", &full.config.endpoint)];
    if full.config.mode() == Mode::Raw {
        variables.push(variable("HTTPREQ_MODE", "/mode", "RAW"));
    }
    match (full.config.authentication(), &full.config.username, &full.password) {
        (Authentication::None, ..) if !full.config.is_signed() => {}
        (Authentication::Basic, Some(username), Some(password)) if !full.config.is_signed() => {
            variables.extend([
                variable("HTTPREQ_USERNAME", "/username", username),
                variable("HTTPREQ_PASSWORD", "/password", password),
            ]);
        }
        _ => return Err(Error::Unsupported("lego supports only Basic authentication, and no signature".into())),
    }
    Artifact::env(&variables)
}
