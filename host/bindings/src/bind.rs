//! Choosing what a consumer uses in a slot, and unchoosing it.

use bursar_credentials::Credential;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::{Table, of_credential};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{
    Account, Caller, Counted, Error, IfMatch, Kind, Operation, Reservation, Right, Violation, clock, codec,
};

use crate::scope::detail;
use crate::{Binding, BindingView, Bindings, ConsumerSlot, keys};

impl Bindings {
    /// Binds a consumer's slot to a credential, whatever it was bound to before.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] for a malformed place, a credential that is not there
    /// or one whose type is not used in the slot; [`Kind::Conflict`] for a
    /// deleted one; [`Kind::Stale`] where `if_match` names another revision;
    /// [`Kind::Denied`] where the token is narrowed to others, or the member may
    /// bind neither what is asked for nor what is bound now.
    pub async fn put(
        &self,
        caller: &Caller,
        account: &Reference,
        (consumer, slot): (&str, &str),
        credential: &Reference,
        if_match: Option<IfMatch>,
    ) -> Result<BindingView, Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize_operation(caller, account, Operation::PutBinding).await?;
        let place = ConsumerSlot::parse(consumer, slot).map_err(Error::invalid)?;
        self.speaks_for(caller, &account, &place, Action::BindingPut).await?;
        let key = keys::binding(kernel.ports.blind(), account.id, &place);
        let mut room = None;
        let mut retry = kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let credential = self.to_be_bound(caller, &account, credential, &place).await?;
            if !caller.may_bind(&credential.scoped()) {
                let message = format!("{} is not among what an admin lets you bind: ask one", credential.name);
                return Err(self.out_of_scope(caller, &account, &place, Action::BindingPut, message).await);
            }
            let before = kernel.ports.store().get(&key).await?;
            IfMatch::check(if_match.as_ref(), before.as_ref().map(|record| record.revision))?;
            let old: Option<Binding> = before.as_ref().map(codec::decode).transpose()?;
            if let (Some(record), Some(old)) = (&before, &old) {
                self.may_replace(caller, &account, old, Action::BindingPut).await?;
                if old.credential == credential.id {
                    return Ok(BindingView::new(old.clone(), record.revision, &credential));
                }
            }
            if old.is_none() && room.is_none() {
                room = Some(kernel.quotas.reserve(account.id, Counted::Bindings).await?);
            }
            // It goes with a deletion: what is deleted meanwhile is not bound.
            let Some(name) = self.credentials.records().name_record(&credential).await? else { continue };
            let binding = self.binding_to(caller, &credential, &place, old.as_ref());
            let expect = before.as_ref().map_or(Expect::Absent, |record| Expect::At(record.revision));
            let batch = self.binding_batch(caller, &key, expect, &binding, old.as_ref())?;
            let batch = batch.require(name.key, Expect::At(name.revision));
            if let Some(revision) = retry.commit(batch).await? {
                room.into_iter().filter(|_| old.is_none()).for_each(Reservation::take);
                return Ok(BindingView::new(binding, revision, &credential));
            }
        }
    }

    /// Unbinds a consumer's slot.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], [`Kind::Stale`], or [`Kind::Denied`] where the token is
    /// narrowed to others.
    pub async fn delete(
        &self,
        caller: &Caller,
        account: &Reference,
        (consumer, slot): (&str, &str),
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize(caller, account, Right::Bind, Action::BindingDelete).await?;
        let place = ConsumerSlot::parse(consumer, slot).map_err(|_| not_found())?;
        self.speaks_for(caller, &account, &place, Action::BindingDelete).await?;
        let key = keys::binding(kernel.ports.blind(), account.id, &place);
        let mut retry = kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let record = kernel.ports.store().get(&key).await?.ok_or_else(not_found)?;
            IfMatch::check(if_match.as_ref(), Some(record.revision))?;
            let binding: Binding = codec::decode(&record)?;
            self.may_replace(caller, &account, &binding, Action::BindingDelete).await?;
            let batch = Batch::default()
                .delete(key.clone(), Expect::At(record.revision))
                .delete(self.entry_of(&binding), Expect::Any)
                .event(Event {
                    account: Some(account.id),
                    credential: Some(binding.credential),
                    detail: Some(detail(caller, &place)),
                    ..kernel.authorizer.event(caller, Action::BindingDelete, Outcome::Ok)
                });
            if retry.commit(batch).await?.is_some() {
                kernel.quotas.release_one(account.id, Counted::Bindings);
                return Ok(());
            }
        }
    }

    fn binding_to(
        &self,
        caller: &Caller,
        credential: &Credential,
        place: &ConsumerSlot,
        old: Option<&Binding>,
    ) -> Binding {
        let now = self.kernel.ports.now();
        Binding {
            account: credential.account,
            place: place.clone(),
            credential: credential.id,
            by: caller.actor(),
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
        }
    }

    fn binding_batch(
        &self,
        caller: &Caller,
        key: &[u8],
        expect: Expect,
        binding: &Binding,
        old: Option<&Binding>,
    ) -> Result<Batch, Error> {
        let mut detail = detail(caller, &binding.place);
        detail["before"] = serde_json::json!(old.map(|old| old.credential));
        let batch = Batch::default()
            .put(key.to_vec(), expect, codec::encode(binding)?)
            .put(self.entry_of(binding), Expect::Any, codec::encode(&binding.place)?)
            // A deletion that has looked for bindings already finds this changed.
            .put(
                of_credential(Table::BindingOf, binding.account, binding.credential),
                Expect::Any,
                codec::encode(&clock::rfc3339(binding.updated_at))?,
            )
            .event(Event {
                account: Some(binding.account),
                credential: Some(binding.credential),
                detail: Some(detail),
                ..self.kernel.authorizer.event(caller, Action::BindingPut, Outcome::Ok)
            });
        Ok(match old {
            Some(old) => batch.delete(self.entry_of(old), Expect::Any),
            None => batch,
        })
    }

    /// The key of a binding's entry under its credential.
    fn entry_of(&self, binding: &Binding) -> Vec<u8> {
        keys::binding_of(self.kernel.ports.blind(), binding.account, binding.credential, &binding.place)
    }

    /// The credential, where it may be used in the slot.
    async fn to_be_bound(
        &self,
        caller: &Caller,
        account: &Account,
        credential: &Reference,
        place: &ConsumerSlot,
    ) -> Result<Credential, Error> {
        let invalid = |pointer, code, message: String| Error::invalid(vec![Violation::new(pointer, code, message)]);
        let slots = self.credentials.forms().slots();
        if !slots.contains(place.slot.as_str()) {
            let known: Vec<&str> = slots.iter().map(String::as_str).collect();
            let message = format!("No loaded type has this slot; there are {}.", listed(&known));
            return Err(invalid("/slot", "unknown", message));
        }
        let found =
            self.credentials.find_live(caller, account, credential).await.map_err(|error| match error.kind {
                Kind::NotFound => {
                    invalid("/credential", "unknown", "There is no such credential in this account.".to_owned())
                }
                _ => error,
            })?;
        let type_id = found.credential.type_id.as_str();
        let of = self.credentials.forms().type_of_stored(type_id)?;
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
                Some(_) => self.credential(account.id, binding.credential).await?,
                None => None,
            };
            if bound.is_none_or(|bound| caller.may_bind(&bound.scoped())) {
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
    pub(crate) async fn sees(&self, caller: &Caller, account: &Account, binding: &Binding) -> Result<bool, Error> {
        let scope = &caller.scope;
        if scope.is_everything() || (!scope.consumers.is_empty() && scope.speaks_for(&binding.place.consumer)) {
            return Ok(true);
        }
        let bound = self.credential(account.id, binding.credential).await?;
        Ok(bound.is_some_and(|credential| scope.admits(&credential.scoped())))
    }
}

pub(crate) fn not_found() -> Error {
    Error::not_found("binding")
}

pub(crate) fn listed(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
