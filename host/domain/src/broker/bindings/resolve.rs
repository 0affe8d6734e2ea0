//! What a consumer uses in a slot: what it is bound to, or the account's default.

use serde_json::{Value, json};

use super::super::{Broker, Materialized, codec};
use super::bind::listed;
use super::scope::detail;
use crate::access::{Account, Caller, Operation};
use crate::audit::{Action, Event, Outcome};
use crate::binding::{Binding, CredentialInSlot, Place, Protocol, Way, url};
use crate::credential::Credential;
use crate::id::{CredentialId, Reference};
use crate::keys;
use crate::plugin::Selector;
use crate::store::Batch;
use crate::{Conflict, Error, Kind, Violation};

/// The credential that answers a question.
pub struct Resolved {
    /// Which.
    pub credential: CredentialInSlot,
    /// Why this one.
    pub source: Source,
    /// What it was found by, for an image.
    pub selector: Option<Selector>,
    /// Its files, where a format was asked for.
    pub files: Option<Materialized>,
}

/// Why a credential is the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The consumer is bound to it.
    Binding,
    /// Nothing is bound, and it is the account's default.
    Default,
    /// It is for the image's registry.
    Image,
}

impl Broker {
    /// Finds what a consumer uses in a slot: what is bound there, or the default
    /// of the type that serves the slot with one (S0-23, S0-42). With `format` it
    /// is handed out too. Answers once the one audit record is durable.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where nothing is bound and no default serves;
    /// [`Kind::Conflict`] where what is bound is deleted, or where defaults of
    /// more than one type could serve; [`Kind::Denied`] where the token is
    /// narrowed to others; otherwise as for [`Broker::materialize`].
    pub async fn resolve(
        &self,
        caller: &Caller,
        account: &Reference,
        consumer: &str,
        slot: &str,
        format: Option<&str>,
    ) -> Result<Resolved, Error> {
        let account = self.authorize_operation(caller, account, Operation::Resolve).await?;
        let place = Place::parse(consumer, slot).map_err(Error::invalid)?;
        self.speaks_for(caller, &account, &place, Action::CredentialResolve).await?;
        let (credential, source) = match self.bound_at(&account, &place).await? {
            Some(credential) => (credential, Source::Binding),
            None => (self.default_for(caller, &account, &place).await?, Source::Default),
        };
        if caller.scope.consumers.is_empty() && !caller.scope.admits(&credential) {
            let message = format!("what {consumer} uses in the slot {slot} is not within this token's scope");
            return Err(self.out_of_scope(caller, &account, &place, Action::CredentialResolve, message).await);
        }
        if credential.deleted_at.is_some() {
            let message = format!(
                "{consumer} is bound to {} in the slot {slot}, and that is deleted: restore it, or bind another one",
                credential.name
            );
            let conflicts = vec![conflict(&credential)];
            return Err(Error { conflicts, ..Error::new(Kind::Conflict, message) });
        }
        let way = Way {
            protocol: Protocol::Resolve,
            consumer: Some(place.consumer.clone()),
            actor: caller.actor(),
            fallback: source == Source::Default,
        };
        self.answer(caller, &credential, source, None, way, format, detail(caller, &place)).await
    }

    /// Records the answer and gives it.
    #[expect(clippy::too_many_arguments, reason = "one step of two use cases; each argument is a thing they hold")]
    pub(super) async fn answer(
        &self,
        caller: &Caller,
        credential: &Credential,
        source: Source,
        selector: Option<Selector>,
        way: Way,
        format: Option<&str>,
        mut detail: Value,
    ) -> Result<Resolved, Error> {
        detail["source"] = json!(source.as_str());
        let event = Event {
            account: Some(credential.account),
            credential: Some(credential.id),
            version: Some(credential.version),
            detail: Some(detail),
            ..self.event(caller, Action::CredentialResolve, Outcome::Ok)
        };
        let files = if format.is_some() {
            Some(self.hand_out(credential, format, event, way).await?)
        } else {
            let batch = self.note_use(Batch::default(), credential, way).await?.event(event);
            self.store().commit(batch).await?;
            None
        };
        Ok(Resolved { credential: credential.into(), source, selector, files })
    }

    /// What is bound there, deleted or not.
    async fn bound_at(&self, account: &Account, place: &Place) -> Result<Option<Credential>, Error> {
        let record = self.store().get(&keys::binding(self.blind(), account.id, place)).await?;
        let Some(record) = record else { return Ok(None) };
        let binding: Binding = codec::decode(&record)?;
        self.bound_credential(account, binding.credential).await
    }

    /// The default that serves whoever has chosen nothing.
    async fn default_for(&self, caller: &Caller, account: &Account, place: &Place) -> Result<Credential, Error> {
        let Place { consumer, slot } = place;
        let slots = self.slots();
        if !slots.contains(slot.as_str()) {
            let known: Vec<&str> = slots.iter().map(String::as_str).collect();
            let message = format!("Nothing is bound, and no loaded type has this slot; there are {}.", listed(&known));
            return Err(Error::invalid(vec![Violation::new("/slot", "unknown", message)]));
        }
        let mut defaults = Vec::new();
        for of in self.plugins().types() {
            if !of.manifest.slots.iter().any(|known| known.id == slot.as_str() && known.default_fallback) {
                continue;
            }
            let key = keys::default_of(self.blind(), account.id, &of.manifest.id);
            let Some(record) = self.store().get(&key).await? else { continue };
            let id: CredentialId = codec::decode(&record)?;
            let default = self.bound_credential(account, id).await?;
            defaults.extend(default.filter(|credential| credential.deleted_at.is_none()));
        }
        match defaults.len() {
            1 => Ok(defaults.remove(0)),
            0 => Err(Error::new(
                Kind::NotFound,
                format_args!(
                    "nothing is bound to {consumer} in the slot {slot}, and no default serves it: bind a credential by \
                     PUT {}",
                    url(&account.name, place)
                ),
            )),
            _ => {
                let message = format!(
                    "nothing is bound to {consumer} in the slot {slot}, and the defaults of several types could serve \
                     it: bind one of them by PUT {}",
                    url(&account.name, place)
                );
                // A narrowed token learns no names by asking.
                let told = |credential: &&Credential| caller.scope.admits(credential);
                let conflicts = defaults.iter().filter(told).map(conflict).collect();
                Err(Error { conflicts, ..Error::new(Kind::Conflict, message) })
            }
        }
    }
}

impl Source {
    /// The wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Default => "default",
            Self::Image => "image",
        }
    }
}

fn conflict(credential: &Credential) -> Conflict {
    Conflict {
        kind: "credential".to_owned(),
        id: credential.id.to_string(),
        name: credential.name.to_string(),
        url: format!("/v1/accounts/{}/credentials/{}", credential.account, credential.id),
    }
}
