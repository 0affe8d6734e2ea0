//! What present and cleanup have in common before anything happens.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::Broker;
use super::super::credentials::Found;
use super::change::Aim;
use crate::access::Caller;
use crate::audit::{Event, Outcome};
use crate::dns::{Fqdn, RecordRequest};
use crate::id::Reference;
use crate::plugin::{Ability, CredentialType};
use crate::{Error, Kind, Violation};

/// A change that may be made.
pub(super) struct Allowed {
    pub(super) found: Found,
    pub(super) of: Arc<CredentialType>,
    pub(super) request: RecordRequest,
    /// Of the caller, for every event.
    pub(super) by: Event,
    pub(super) deadline: Timestamp,
}

impl Broker {
    /// Decides whether the caller may have this record changed with this
    /// credential. What the operator has not granted is recorded as refused.
    pub(super) async fn allow(
        &self,
        aim: Aim,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        body: Value,
    ) -> Result<Allowed, Error> {
        let deadline = self.deadline();
        let account = self.authorize_operation(caller, account, aim.operation()).await?;
        let found = self.find_live(caller, &account, credential).await?;
        let type_id = found.credential.type_id.as_str();
        let of = self.plugins().find(type_id).ok_or_else(|| self.type_not_loaded(type_id))?;
        let request = RecordRequest::read(body, aim == Aim::Present)?;
        let by = self.event(caller, aim.action(), Outcome::Ok);
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
            self.record(refused(Outcome::Failed, detail)).await?;
            return Err(no_provider(type_id));
        }
        if let Err(violation) = self.judge_name(type_id, &request.fqdn) {
            let (fqdn, value) = (&request.fqdn, &request.value);
            let detail = json!({ "token": caller.token, "fqdn": fqdn, "value": value, "reason": "not-granted" });
            self.record(refused(Outcome::Denied, detail)).await?;
            return Err(Error::invalid(vec![violation]));
        }
        Ok(Allowed { found, of, request, by, deadline })
    }

    /// Whether credentials of this type may write at `name`.
    pub(in super::super) fn judge_name(&self, type_id: &str, name: &Fqdn) -> Result<(), Violation> {
        if self.dns_grants.allow(type_id, name) {
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
