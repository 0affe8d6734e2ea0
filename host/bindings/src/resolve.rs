//! What a consumer uses in a slot: what it is bound to, or the account's default.

use bursar_credentials::{Credential, Materialized, Protocol, Way, keys as credential_keys};
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::plugin::Selector;
use bursar_kernel::store::Batch;
use bursar_kernel::{Account, Caller, Conflict, Error, Kind, Operation, Violation, codec};
use serde_json::{Value, json};

use crate::bind::listed;
use crate::model::url;
use crate::scope::detail;
use crate::{Binding, Bindings, ConsumerSlot, CredentialInSlot, keys};

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

/// An answer that is not given yet.
pub(crate) struct Answer {
    pub(crate) credential: Credential,
    pub(crate) source: Source,
    pub(crate) selector: Option<Selector>,
    /// Noted as its use.
    pub(crate) way: Way,
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

impl Bindings {
    /// Finds what a consumer uses in a slot: what is bound there, or the default
    /// of the type that serves the slot with one (S0-23, S0-42). With `format` it
    /// is handed out too. Answers once the one audit record is durable.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where nothing is bound and no default serves;
    /// [`Kind::Conflict`] where what is bound is deleted, or where defaults of
    /// more than one type could serve; [`Kind::Denied`] where the token is
    /// narrowed to others; otherwise as for [`bursar_credentials::Credentials::materialize`].
    pub async fn resolve(
        &self,
        caller: &Caller,
        account: &Reference,
        consumer: &str,
        slot: &str,
        format: Option<&str>,
    ) -> Result<Resolved, Error> {
        let account = self.kernel.authorizer.authorize_operation(caller, account, Operation::Resolve).await?;
        let place = ConsumerSlot::parse(consumer, slot).map_err(Error::invalid)?;
        self.speaks_for(caller, &account, &place, Action::CredentialResolve).await?;
        let (credential, source) = match self.bound_at(&account, &place).await? {
            Some(credential) => (credential, Source::Binding),
            None => (self.default_for(caller, &account, &place).await?, Source::Default),
        };
        if caller.scope.consumers.is_empty() && !caller.scope.admits(&credential.scoped()) {
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
        let answer = Answer { credential, source, selector: None, way };
        self.answer(caller, answer, format, detail(caller, &place)).await
    }

    /// Records the answer and gives it.
    pub(crate) async fn answer(
        &self,
        caller: &Caller,
        answer: Answer,
        format: Option<&str>,
        mut detail: Value,
    ) -> Result<Resolved, Error> {
        let Answer { credential, source, selector, way } = answer;
        detail["source"] = json!(source.as_str());
        let event = Event {
            account: Some(credential.account),
            credential: Some(credential.id),
            version: Some(credential.version),
            detail: Some(detail),
            ..self.kernel.authorizer.event(caller, Action::CredentialResolve, Outcome::Ok)
        };
        let files = if format.is_some() {
            Some(self.credentials.hand_out(&credential, format, event, way).await?)
        } else {
            let batch = self.credentials.uses().note(Batch::default(), &credential, way).await?.event(event);
            self.kernel.ports.store().commit(batch).await?;
            None
        };
        Ok(Resolved { credential: CredentialInSlot::from(&credential), source, selector, files })
    }

    /// What is bound there, deleted or not.
    async fn bound_at(&self, account: &Account, place: &ConsumerSlot) -> Result<Option<Credential>, Error> {
        let record =
            self.kernel.ports.store().get(&keys::binding(self.kernel.ports.blind(), account.id, place)).await?;
        let Some(record) = record else { return Ok(None) };
        let binding: Binding = codec::decode(&record)?;
        self.credential(account.id, binding.credential).await
    }

    /// The default that serves whoever has chosen nothing.
    async fn default_for(&self, caller: &Caller, account: &Account, place: &ConsumerSlot) -> Result<Credential, Error> {
        let ConsumerSlot { consumer, slot } = place;
        let slots = self.credentials.forms().slots();
        if !slots.contains(slot.as_str()) {
            let known: Vec<&str> = slots.iter().map(String::as_str).collect();
            let message = format!("Nothing is bound, and no loaded type has this slot; there are {}.", listed(&known));
            return Err(Error::invalid(vec![Violation::new("/slot", "unknown", message)]));
        }
        let mut defaults = Vec::new();
        for of in self.kernel.ports.plugins().types() {
            if !of.manifest.slots.iter().any(|known| known.id == slot.as_str() && known.default_fallback) {
                continue;
            }
            let key = credential_keys::default_of(self.kernel.ports.blind(), account.id, &of.manifest.id);
            let Some(record) = self.kernel.ports.store().get(&key).await? else { continue };
            let id: CredentialId = codec::decode(&record)?;
            let default = self.credential(account.id, id).await?;
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
                let told = |credential: &&Credential| caller.scope.admits(&credential.scoped());
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
