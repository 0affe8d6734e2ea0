//! The credential's output formats.

use bursar_plugin_sdk::cert_manager::Solver;
use bursar_plugin_sdk::{Artifact, Context, Error, Violations, variable};

use crate::config::Full;

/// A solver and the Secret that it refers to.
pub(crate) fn cert_manager(data: &Full, context: &Context) -> Result<Vec<Artifact>, Error> {
    if data.public.external_id.is_some() {
        let message = "cert-manager cannot send an external id.";
        return Err(Violations::one("/externalID", "cert-manager-external-id", message).into());
    }
    let config = &data.public;
    let mut solver = Solver::new("route53", &context.name)
        .field("role", config.role.as_deref())
        .field("hostedZoneID", config.hosted_zone_id.as_deref())
        .field("region", config.region.as_deref());
    // cert-manager accepts only one of the two.
    solver = match &config.access_key_id_secret_ref {
        None => solver.field("accessKeyID", config.access_key_id.as_str()),
        reference => solver.secret("accessKeyIDSecretRef", reference.as_ref(), "access-key-id", &config.access_key_id),
    };
    let reference = config.secret_access_key_secret_ref.as_ref();
    solver
        .secret("secretAccessKeySecretRef", reference, "secret-access-key", &data.secret_access_key)
        .artifacts(&config.common)
}

/// The names that the AWS SDKs and lego read.
pub(crate) fn env(data: &Full) -> Result<Vec<Artifact>, Error> {
    let config = &data.public;
    let mut variables = vec![
        variable("AWS_ACCESS_KEY_ID", "/accessKeyID", &config.access_key_id),
        variable("AWS_SECRET_ACCESS_KEY", "/secretAccessKey", &data.secret_access_key),
        variable("AWS_REGION", "/region", config.region.as_deref().unwrap_or(DEFAULT_REGION)),
    ];
    let optional = [
        ("AWS_HOSTED_ZONE_ID", "/hostedZoneID", &config.hosted_zone_id),
        ("AWS_ASSUME_ROLE_ARN", "/role", &config.role),
        ("AWS_EXTERNAL_ID", "/externalID", &config.external_id),
    ];
    variables.extend(
        optional.into_iter().filter_map(|(name, pointer, value)| Some(variable(name, pointer, value.as_deref()?))),
    );
    Artifact::env(&variables)
}

/// The shared credentials file:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>. With a
/// role, the default profile assumes it with the key of another profile.
pub(crate) fn shared_credentials(data: &Full) -> Vec<Artifact> {
    let config = &data.public;
    let key =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", config.access_key_id, data.secret_access_key);
    let text = match &config.role {
        None => format!("[default]\n{key}"),
        Some(role) => {
            let external_id = config.external_id.as_ref().map(|id| format!("external_id = {id}\n")).unwrap_or_default();
            format!("[default]\nrole_arn = {role}\n{external_id}source_profile = user\n\n[user]\n{key}")
        }
    };
    vec![Artifact::text("credentials", text)]
}

/// The AWS SDK for Go requires one, though Route 53 has a single region.
const DEFAULT_REGION: &str = "us-east-1";
