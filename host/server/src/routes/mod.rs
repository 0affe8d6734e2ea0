//! Every operation, one file for each resource. A file names its paths at the top;
//! then come its routes, the types of its queries, and the handlers with their
//! descriptions.

mod account_regions;
mod accounts;
mod audit;
mod bindings;
mod certificates;
mod credential_actions;
mod credential_secrets;
mod credential_types;
mod credential_versions;
mod credentials;
mod dns;
mod dns_providers;
mod docs;
mod health;
mod installation;
mod me;
mod members;
mod plugins;
mod regions;
mod resolve;
mod tokens;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Operations that answer within the request time limit.
pub(crate) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::bounded())
        .merge(members::bounded())
        .merge(tokens::bounded())
        .merge(credentials::bounded())
        .merge(credential_actions::bounded())
        .merge(credential_secrets::bounded())
        .merge(credential_versions::bounded())
        .merge(dns::bounded())
        .merge(bindings::bounded())
        .merge(resolve::bounded())
        .merge(certificates::bounded())
        .merge(account_regions::bounded())
        .merge(regions::bounded())
        .merge(credential_types::bounded())
        .merge(dns_providers::bounded())
        .merge(plugins::bounded())
        .merge(audit::bounded())
        .merge(health::bounded())
        .merge(docs::bounded())
        .merge(me::bounded())
}

/// Operations on the whole installation, which take as long as it is large, those
/// that wait for regions, and streams without an end.
pub(crate) fn long_running() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::long_running())
        .merge(credential_actions::long_running())
        .merge(account_regions::long_running())
        .merge(audit::long_running())
        .merge(installation::long_running())
}
