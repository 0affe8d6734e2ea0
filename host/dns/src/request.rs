//! What present and cleanup have in common before anything happens.

use std::sync::Arc;

use bursar_credentials::{Found, deadline};
use bursar_kernel::audit::{Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::plugin::{Ability, CredentialType};
use bursar_kernel::{Caller, Error, Fqdn, Kind, Violation};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Dns;
use crate::change::Aim;
use crate::command::RecordRequest;

/// A change that may be made.
pub(crate) struct Allowed {
    pub(crate) found: Found,
    pub(crate) of: Arc<CredentialType>,
    pub(crate) request: RecordRequest,
    /// Of the caller, for every event.
    pub(crate) by: Event,
    pub(crate) deadline: Timestamp,
}

impl Dns {
    /// Decides whether the caller may have this record changed with this
    /// credential. What the operator has not granted is recorded as refused.
    pub(crate) async fn allow(
        &self,
        aim: Aim,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        read: impl FnOnce() -> Result<RecordRequest, Error>,
    ) -> Result<Allowed, Error> {
        let kernel = &self.kernel;
        let deadline = deadline(&kernel.ports);
        let account = kernel.authorizer.authorize_operation(caller, account, aim.operation()).await?;
        let found = self.credentials.find_live(caller, &account, credential).await?;
        let type_id = found.credential.type_id.as_str();
        let of = self.credentials.forms().type_of_stored(type_id)?;
        let request = read()?;
        let by = kernel.authorizer.event(caller, aim.action(), Outcome::Ok);
        let refused = |outcome: Outcome, detail: Value| Event {
            outcome,
            account: Some(account.id),
            credential: Some(found.credential.id),
            version: Some(found.credential.version),
            detail: Some(detail),
            ..by.clone()
        };
        if !of.manifest.has(Ability::Dns01) {
            let detail = json!({ "token": caller.token, "reason": "unsupported" });
            kernel.journal.record(refused(Outcome::Failed, detail)).await?;
            return Err(no_provider(type_id));
        }
        if let Err(violation) = self.permits_name(type_id, &request.fqdn) {
            let (fqdn, value) = (&request.fqdn, &request.value);
            let detail = json!({ "token": caller.token, "fqdn": fqdn, "value": value, "reason": "not-granted" });
            kernel.journal.record(refused(Outcome::Denied, detail)).await?;
            return Err(Error::invalid(vec![violation]));
        }
        Ok(Allowed { found, of, request, by, deadline })
    }

    /// Whether credentials of this type may write at `name`.
    pub(crate) fn permits_name(&self, type_id: &str, name: &Fqdn) -> Result<(), Violation> {
        if self.grants.allow(type_id, name) {
            return Ok(());
        }
        let message = "Only names that start with _acme-challenge may be written: the operator grants others by \
                       plugins.granted_dns_names.";
        Err(Violation::new("/fqdn", "not-granted", message))
    }
}

fn no_provider(type_id: &str) -> Error {
    let message = format!("Credentials of type `{type_id}` are no DNS provider's: they write no records.");
    Error { kind: Kind::Unsupported, ..Error::invalid(vec![Violation::new("", "unsupported", message)]) }
}
