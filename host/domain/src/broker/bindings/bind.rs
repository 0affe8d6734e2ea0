//! Choosing what a consumer uses in a slot, and unchoosing it.

use std::collections::BTreeSet;

use super::super::accounts::overtaken;
use super::super::quota::{Counted, Reservation};
use super::super::{Broker, codec};
use super::scope::detail;
use crate::access::{Account, Caller, Operation, Right};
use crate::audit::{Action, Outcome};
use crate::binding::{Binding, BindingView, CredentialInSlot, Place};
use crate::credential::Credential;
use crate::id::{CredentialId, Reference};
use crate::keys::{self, Table};
use crate::store::{Batch, Error as StoreError, Expect, Revision};
use crate::{Error, IfMatch, Kind, Violation};

impl Broker {
    /// Binds a consumer's slot to a credential, whatever it was bound to before.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] for a malformed place, a credential that is not there
    /// or one whose type is not used in the slot; [`Kind::Conflict`] for a
    /// deleted one; [`Kind::Stale`] where `if_match` names another revision;
    /// [`Kind::Denied`] where the token is narrowed to others, or the member may
    /// bind neither what is asked for nor what is bound now.
    pub async fn put_binding(
        &self,
        caller: &Caller,
        account: &Reference,
        (consumer, slot): (&str, &str),
        credential: &Reference,
        if_match: Option<IfMatch>,
    ) -> Result<BindingView, Error> {
        let account = self.authorize_operation(caller, account, Operation::PutBinding).await?;
        let place = Place::parse(consumer, slot).map_err(Error::invalid)?;
        self.speaks_for(caller, &account, &place, Action::BindingPut).await?;
        let mut room = None;
        let mut attempts = self.attempts(&keys::binding(self.blind(), account.id, &place));
        while attempts.again().await {
            let credential = self.to_be_bound(caller, &account, credential, &place).await?;
            if !caller.may_bind(&credential) {
                let message = format!("{} is not among what an admin lets you bind: ask one", credential.name);
                return Err(self.out_of_scope(caller, &account, &place, Action::BindingPut, message).await);
            }
            let key = keys::binding(self.blind(), account.id, &place);
            let before = self.store().get(&key).await?;
            IfMatch::check(if_match.as_ref(), before.as_ref().map(|record| record.revision))?;
            let old: Option<Binding> = before.as_ref().map(codec::decode).transpose()?;
            if let (Some(record), Some(old)) = (&before, &old) {
                self.may_replace(caller, &account, old, Action::BindingPut).await?;
                if old.credential == credential.id {
                    return Ok(BindingView::new(old.clone(), record.revision, &credential));
                }
            }
            if old.is_none() && room.is_none() {
                room = Some(self.reserve(account.id, Counted::Bindings).await?);
            }
            // It goes with a deletion: what is deleted meanwhile is not bound.
            let Some(name) = self.name_record(&credential).await? else { continue };
            let now = self.now();
            let binding = Binding {
                account: account.id,
                place: place.clone(),
                credential: credential.id,
                by: caller.actor(),
                created_at: old.as_ref().map_or(now, |old| old.created_at),
                updated_at: now,
            };
            let mut event = self.event(caller, Action::BindingPut, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(credential.id);
            let mut told = detail(caller, &place);
            told["before"] = serde_json::json!(old.as_ref().map(|old| old.credential));
            event.detail = Some(told);
            let expect = before.as_ref().map_or(Expect::Absent, |record| Expect::At(record.revision));
            let mut batch = Batch::default()
                .put(key, expect, codec::encode(&binding)?)
                .put(self.binding_of(&binding), Expect::Any, codec::encode(&binding.place)?)
                // A deletion that has looked for bindings already finds this changed.
                .put(
                    keys::of_credential(Table::BindingOf, account.id, credential.id),
                    Expect::Any,
                    codec::encode(&crate::clock::rfc3339(now))?,
                )
                .require(name.key, Expect::At(name.revision))
                .event(event);
            if let Some(old) = &old {
                batch = batch.delete(self.binding_of(old), Expect::Any);
            }
            match self.store().commit(batch).await {
                Ok(revision) => {
                    room.into_iter().filter(|_| old.is_none()).for_each(Reservation::take);
                    return Ok(BindingView::new(binding, revision, &credential));
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Unbinds a consumer's slot.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], [`Kind::Stale`], or [`Kind::Denied`] where the token is
    /// narrowed to others.
    pub async fn delete_binding(
        &self,
        caller: &Caller,
        account: &Reference,
        (consumer, slot): (&str, &str),
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let account = self.authorize(caller, account, Right::Bind, Action::BindingDelete).await?;
        let place = Place::parse(consumer, slot).map_err(|_| not_found())?;
        self.speaks_for(caller, &account, &place, Action::BindingDelete).await?;
        let mut attempts = self.attempts(&keys::binding(self.blind(), account.id, &place));
        while attempts.again().await {
            let key = keys::binding(self.blind(), account.id, &place);
            let record = self.store().get(&key).await?.ok_or_else(not_found)?;
            IfMatch::check(if_match.as_ref(), Some(record.revision))?;
            let binding: Binding = codec::decode(&record)?;
            self.may_replace(caller, &account, &binding, Action::BindingDelete).await?;
            let mut event = self.event(caller, Action::BindingDelete, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(binding.credential);
            event.detail = Some(detail(caller, &place));
            let batch = Batch::default()
                .delete(key, Expect::At(record.revision))
                .delete(self.binding_of(&binding), Expect::Any)
                .event(event);
            match self.store().commit(batch).await {
                Ok(_) => {
                    self.release_one(account.id, Counted::Bindings);
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// The credential by id, whoever asks; `None` where it was purged.
    pub(super) async fn bound_credential(
        &self,
        account: &Account,
        id: CredentialId,
    ) -> Result<Option<Credential>, Error> {
        let record = self.store().get(&keys::of_credential(Table::Credential, account.id, id)).await?;
        record.as_ref().map(codec::decode).transpose()
    }

    fn binding_of(&self, binding: &Binding) -> Vec<u8> {
        keys::binding_of(self.blind(), binding.account, binding.credential, &binding.place)
    }

    /// The credential, judged for the slot.
    async fn to_be_bound(
        &self,
        caller: &Caller,
        account: &Account,
        credential: &Reference,
        place: &Place,
    ) -> Result<Credential, Error> {
        let invalid = |pointer, code, message: String| Error::invalid(vec![Violation::new(pointer, code, message)]);
        let slots = self.slots();
        if !slots.contains(place.slot.as_str()) {
            let known: Vec<&str> = slots.iter().map(String::as_str).collect();
            let message = format!("No loaded type has this slot; there are {}.", listed(&known));
            return Err(invalid("/slot", "unknown", message));
        }
        let found = self.find_live(caller, account, credential).await.map_err(|error| match error.kind {
            Kind::NotFound => {
                invalid("/credential", "unknown", "There is no such credential in this account.".to_owned())
            }
            _ => error,
        })?;
        let type_id = found.credential.type_id.as_str();
        let of = self.plugins().find(type_id).ok_or_else(|| self.type_not_loaded(type_id))?;
        let own: Vec<&str> = of.manifest.slots.iter().map(|slot| slot.id.as_str()).collect();
        if !own.contains(&place.slot.as_str()) {
            let message = format!(
                "Credentials of type `{type_id}` are not used in the slot {}; their slots are {}.",
                place.slot,
                listed(&own)
            );
            return Err(invalid("/credential", "slot", message));
        }
        Ok(found.credential)
    }

    /// Every slot of every loaded type.
    pub(super) fn slots(&self) -> BTreeSet<String> {
        self.plugins().types().iter().flat_map(|of| of.manifest.slots.iter().map(|slot| slot.id.clone())).collect()
    }

    /// Refuses a narrowed token, or a member who may not bind what is bound, to
    /// undo a choice they have no part in.
    async fn may_replace(
        &self,
        caller: &Caller,
        account: &Account,
        binding: &Binding,
        action: Action,
    ) -> Result<(), Error> {
        if self.sees(caller, account, binding).await? {
            let bound = match caller.bindable {
                Some(_) => self.bound_credential(account, binding.credential).await?,
                None => None,
            };
            if bound.is_none_or(|bound| caller.may_bind(&bound)) {
                return Ok(());
            }
            let message = "what is bound there is not among what an admin lets you bind: ask one".to_owned();
            return Err(self.out_of_scope(caller, account, &binding.place, action, message).await);
        }
        let message = "this token is narrowed, and what is bound there is not within its scope".to_owned();
        Err(self.out_of_scope(caller, account, &binding.place, action, message).await)
    }

    /// Whether a token may know of a binding: it speaks for the consumer, or
    /// reaches the credential.
    pub(super) async fn sees(&self, caller: &Caller, account: &Account, binding: &Binding) -> Result<bool, Error> {
        let scope = &caller.scope;
        if scope.is_everything() || (!scope.consumers.is_empty() && scope.speaks_for(&binding.place.consumer)) {
            return Ok(true);
        }
        let bound = self.bound_credential(account, binding.credential).await?;
        Ok(bound.is_some_and(|credential| scope.admits(&credential)))
    }
}

impl BindingView {
    pub(super) fn new(binding: Binding, revision: Revision, credential: &Credential) -> Self {
        Self { binding, revision, credential: CredentialInSlot::from(credential) }
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("binding")
}

pub(super) fn listed(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
