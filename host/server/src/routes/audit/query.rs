use bursar_domain::audit::Filter;
use bursar_domain::id::CredentialId;
use jiff::Timestamp;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::request::{FromParameters, Page, Parameters};

/// Which part of the audit trail.
pub(crate) struct AuditQuery {
    /// Which entries.
    pub(crate) filter: Filter,
    /// How many of them.
    pub(crate) page: Page,
}

impl FromParameters for AuditQuery {
    fn take(parameters: &mut Parameters) -> Self {
        let filter = Filter {
            actor: parameters.text("actor"),
            action: parameters.text("action"),
            credential: parameters.parsed::<CredentialId>("credential", "This must be a credential's id."),
            region: parameters.text("region"),
            since: parameters.time("since"),
            until: parameters.time("until"),
            ..Filter::default()
        };
        Self { filter, page: Page::take(parameters) }
    }
}

impl IntoParams for AuditQuery {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [Described::into_params(&parameter_in), Page::into_params(&parameter_in)].concat()
    }
}

/// How the filters are described.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; their values go into the domain's filter")]
struct Described {
    /// Exactly this actor; `ACCOUNT/user:alice` for those of one account alone.
    #[param(example = "user:alice")]
    actor: Option<String>,
    /// Exactly this action, or those that start so, with a `*` at the end.
    #[param(example = "credential.*")]
    action: Option<String>,
    /// About the credential with this id.
    #[param(value_type = Option<uuid::Uuid>, example = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d02")]
    credential: Option<CredentialId>,
    /// For this region.
    #[param(example = "eu")]
    region: Option<String>,
    /// At or after this time.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-01T00:00:00Z")]
    since: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-12-01T00:00:00Z")]
    until: Option<Timestamp>,
}
