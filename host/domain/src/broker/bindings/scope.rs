//! What a narrowed token may deal with, where that depends on bindings.

use super::super::Broker;
use crate::Error;
use crate::access::{Account, Caller};
use crate::audit::{Action, Outcome};
use crate::binding::{Consumer, Place};
use crate::credential::Credential;
use crate::{Kind, keys};

impl Broker {
    /// Whether a token reaches `credential`: it names it, or one of its
    /// consumers is bound to it.
    pub(in super::super) async fn is_within_scope(
        &self,
        caller: &Caller,
        credential: &Credential,
    ) -> Result<bool, Error> {
        if caller.scope.admits(credential) {
            return Ok(true);
        }
        for consumer in caller.scope.consumers.iter().filter_map(|text| Consumer::parse(text).ok()) {
            let prefix = keys::bindings_between(self.blind(), credential.account, credential.id, &consumer);
            if !self.store().scan(&prefix, &[], 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses a token that is narrowed to other consumers.
    pub(super) async fn speaks_for(
        &self,
        caller: &Caller,
        account: &Account,
        place: &Place,
        action: Action,
    ) -> Result<(), Error> {
        if caller.scope.speaks_for(&place.consumer) {
            return Ok(());
        }
        let message = format!("this token is narrowed to other consumers than {}", place.consumer);
        Err(self.out_of_scope(caller, account, place, action, message).await)
    }

    /// Records a refusal at `place`. Answers it, or why it could not be recorded.
    pub(super) async fn out_of_scope(
        &self,
        caller: &Caller,
        account: &Account,
        place: &Place,
        action: Action,
        message: String,
    ) -> Error {
        let mut event = self.event(caller, action, Outcome::Denied);
        event.account = Some(account.id);
        event.detail = Some(detail(caller, place));
        match self.record(event).await {
            Ok(()) => Error::new(Kind::Denied, message),
            Err(error) => error,
        }
    }
}

/// What events about a place tell of it.
pub(super) fn detail(caller: &Caller, place: &Place) -> serde_json::Value {
    serde_json::json!({ "token": caller.token, "consumer": place.consumer, "slot": place.slot })
}
