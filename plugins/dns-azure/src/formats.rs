//! The credential's output formats.

use bursar_plugin_sdk::cert_manager::Solver;
use bursar_plugin_sdk::json::to_value;
use bursar_plugin_sdk::{Artifact, Context, Error, variable};

use crate::config::{Full, SECRET};

/// A solver and the Secret that it refers to.
pub(crate) fn cert_manager(data: &Full, context: &Context) -> Result<Vec<Artifact>, Error> {
    let config = &data.public;
    let environment = to_value(config.environment).unwrap_or_default();
    Solver::new("azureDNS", &context.name)
        .field("subscriptionID", config.subscription_id.as_str())
        .field("resourceGroupName", config.resource_group_name.as_str())
        .field("hostedZoneName", config.hosted_zone_name.as_deref())
        .field("tenantID", config.tenant_id.as_str())
        .field("clientID", config.client_id.as_str())
        .field("environment", environment)
        .field("zoneType", config.zone_type.as_deref())
        .secret("clientSecretSecretRef", config.client_secret_secret_ref.as_ref(), "client-secret", &data.client_secret)
        .artifacts(&config.common)
}

/// The names that the Azure SDKs and lego read.
pub(crate) fn env(data: &Full) -> Result<Vec<Artifact>, Error> {
    let config = &data.public;
    let mut variables = vec![
        variable("AZURE_SUBSCRIPTION_ID", "/subscriptionID", &config.subscription_id),
        variable("AZURE_RESOURCE_GROUP", "/resourceGroupName", &config.resource_group_name),
        variable("AZURE_TENANT_ID", "/tenantID", &config.tenant_id),
        variable("AZURE_CLIENT_ID", "/clientID", &config.client_id),
        variable("AZURE_CLIENT_SECRET", SECRET, &data.client_secret),
        variable("AZURE_ENVIRONMENT", "/environment", config.environment.place().short),
    ];
    variables
        .extend(config.hosted_zone_name.as_deref().map(|name| variable("AZURE_ZONE_NAME", "/hostedZoneName", name)));
    Artifact::env(&variables)
}
