//! The OpenAPI document: generated from the routes, then completed with what they share.

mod complete;
mod examples;
mod responses;

use bursar_api as api;
use bytes::Bytes;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use responses::{
    AccountIncomplete, CallsPlugin, Conditional, MayConflict, NeedsToken, NotFound, NotReady, ReadsBody,
    RegionIncomplete,
};

use crate::routes;

/// The document of all routes.
#[must_use]
pub fn document() -> Value {
    let (_, document) = OpenApiRouter::with_openapi(Base::openapi())
        .merge(routes::bounded())
        .merge(routes::long_running())
        .split_for_parts();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    complete::complete(&mut document);
    document
}

/// The document as it is served.
pub(crate) struct Published {
    document: Value,
    json: Bytes,
}

impl Published {
    pub(crate) fn new() -> Self {
        let document = document();
        Self { json: Bytes::from(format!("{document:#}\n")), document }
    }

    /// The document.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// The document as JSON text.
    pub(crate) fn json(&self) -> Bytes {
        self.json.clone()
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bursar",
        description = "A credential broker: stores secrets sealed, hands them out in the form their user expects, and \
                       records every touch.\n\nTimes are RFC 3339, UTC. Lists take `limit` and `cursor`. Changes take \
                       `If-Match` with the `ETag` that was read. Every failure is `application/problem+json` \
                       (RFC 9457) and tells everything that is wrong at once.",
    ),
    servers((url = "/", description = "This installation")),
    security(("bearer" = [])),
    // Sent in event streams: no body refers to them.
    components(schemas(
        api::CredentialEvent,
        api::RegionEvent,
        api::SyncEvent,
        api::SyncProgress,
    )),
    tags(
        (name = "credentials", description = "Stored credentials: data without secrets in, secrets out only when asked for and recorded."),
        (name = "bindings", description = "Who uses which credential: chosen by consumer and slot, or found for an image or a host."),
        (name = "regions", description = "Places that credentials are kept in, such as directories, clusters and vaults: operators make them, accounts use them."),
        (name = "accounts", description = "Tenants. `{account}` is an id or a name everywhere."),
        (name = "events", description = "What changes in an account, told while it happens."),
        (name = "members", description = "What a principal is in an account."),
        (name = "tokens", description = "Bearer tokens; their text is told once."),
        (name = "access", description = "Who the caller is."),
        (name = "audit", description = "What was done or tried, by whom, chained by hashes."),
        (name = "credential types", description = "What can be stored: forms, presets and formats, as the loaded plugins teach them."),
        (name = "dns", description = "Stored credentials of DNS providers put to use: records that answer challenges."),
        (name = "plugins", description = "The plugins themselves, for operators."),
        (name = "installation", description = "Health, metrics, backup, key rotation."),
        (name = "documentation", description = "This description and the pages about problems."),
    ),
)]
struct Base;

#[cfg(test)]
mod tests {
    use super::*;

    /// The published file is what the code says. `BURSAR_BLESS=1` rewrites it.
    #[test]
    fn the_published_document_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/openapi.json");
        let now = format!("{:#}\n", document());
        if std::env::var_os("BURSAR_BLESS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == now, "schemas/openapi.json is out of date: run this test with BURSAR_BLESS=1");
    }
}
