//! The credential's output formats.

use bursar_plugin_sdk::cert_manager::Solver;
use bursar_plugin_sdk::{Artifact, Context, Error, variable};

use crate::config::Full;

/// A solver and the Secret that it refers to.
pub(crate) fn cert_manager(data: &Full, context: &Context) -> Result<Vec<Artifact>, Error> {
    let config = &data.public;
    Solver::new("cloudDNS", &context.name)
        .field("project", config.project.as_str())
        .field("hostedZoneName", config.hosted_zone_name.as_deref())
        .secret(
            "serviceAccountSecretRef",
            config.service_account_secret_ref.as_ref(),
            "key.json",
            &data.service_account,
        )
        .artifacts(&config.common)
}

/// The names that lego (`GCE_`) and Terraform read, which take the key file's
/// content.
pub(crate) fn env(data: &Full) -> Result<Vec<Artifact>, Error> {
    let (project, key) = (data.public.project.as_str(), data.service_account.as_str());
    Artifact::env(&[
        variable("GCE_PROJECT", "/project", project),
        variable("GCE_SERVICE_ACCOUNT", "/serviceAccount", key),
        variable("GOOGLE_CLOUD_PROJECT", "/project", project),
        variable("GOOGLE_CREDENTIALS", "/serviceAccount", key),
    ])
}

/// The key file, as the Google tools expect it.
pub(crate) fn key_file(data: &Full) -> Vec<Artifact> {
    vec![Artifact::new("credentials.json", "application/json", data.service_account.as_str())]
}
