//! Asking the live service whether a credential works: of a stored one, and of
//! data before it is stored.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::Broker;
use super::super::dns::Turn;
use super::super::network::{Outbound, Patience, Subject};
use super::super::refusal::{Blame, refusal, word};
use crate::access::{Account, Caller, Operation};
use crate::audit::{Action, Event, Outcome};
use crate::binding::{Protocol, Way};
use crate::credential::Credential;
use crate::dns::Fqdn;
use crate::id::{Name, Reference};
use crate::plugin::{Ability, Context, CredentialType, PluginError, Report, Taints};
use crate::secret::SecretJson;
use crate::store::Batch;
use crate::{Error, Kind, Violation};

/// What a look at the live service found.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// One sentence for a person.
    pub summary: String,
    /// Facts, an object.
    pub details: Value,
    /// When it was looked.
    pub at: Timestamp,
}

impl Broker {
    /// Asks the live service whether a credential works; a DNS provider's,
    /// whether a record could be written at `fqdn`, or at all. The intent is
    /// recorded before the service is asked, what came of it before the answer.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] where the service refuses the credential,
    /// [`Kind::Unsupported`] for a type that cannot be probed.
    pub async fn probe(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        fqdn: Option<&str>,
    ) -> Result<Probed, Error> {
        let deadline = self.deadline();
        let account = self.authorize_operation(caller, account, Operation::ProbeCredential).await?;
        let found = self.find_live(caller, &account, credential).await?;
        let type_id = found.credential.type_id.as_str();
        let of = self.plugins().find(type_id).ok_or_else(|| self.type_not_loaded(type_id))?;
        let by = self.event(caller, Action::CredentialProbe, Outcome::Ok);
        if let Err(error) = can_be_probed(&of) {
            let (version, credential) = (Some(found.credential.version), Some(found.credential.id));
            let about = Event { account: Some(account.id), credential, version, ..by };
            self.record(Event { outcome: Outcome::Failed, ..about }).await?;
            return Err(error);
        }
        let out = self.outbound(by, &found.credential, of, "probe").await?;
        let name = match fqdn {
            Some(fqdn) => Some(self.judge_probed_name(&out, fqdn).await?),
            None => None,
        };
        let way = Way { protocol: Protocol::Probe, consumer: None, actor: caller.actor(), fallback: false };
        let intent = self.note_use(Batch::default(), &found.credential, way).await?;
        match &name {
            None => self.look(&out, None, intent, deadline, Blame::STORED).await,
            Some(name) => {
                let turn = self.turn(&found.credential, name, deadline).await?;
                self.look(&out, Some((name, &turn)), intent, deadline, Blame::STORED_AT_NAME).await
            }
        }
    }

    /// The same for data before it is stored; `stored` is the credential it is
    /// to be the next version of.
    pub(super) async fn preflight(
        &self,
        caller: &Caller,
        account: &Account,
        stored: Option<&Credential>,
        of: &Arc<CredentialType>,
        candidate: Candidate<'_>,
    ) -> Result<(), Error> {
        can_be_probed(of)?;
        let by = self.event(caller, Action::CredentialProbe, Outcome::Ok);
        let detail = json!({ "token": caller.token, "draft": true, "name": candidate.name });
        let (account, credential) = (Some(account.id), stored.map(|stored| stored.id));
        let by = Event { account, credential, detail: Some(detail), ..by };
        let version = stored.map_or(0, |stored| stored.version);
        let name = candidate.name.to_string();
        let context = Context { account, name, version, seed: [0; 32], options: json!({}) };
        let subject = Subject {
            data: candidate.data.clone(),
            secret_pointers: candidate.secret_pointers.to_vec(),
            taints: candidate.taints.clone(),
        };
        let out = self.outbound_with(by, of.clone(), subject, context);
        self.look(&out, None, Batch::default(), self.deadline(), Blame::DRAFT).await.map(drop)
    }

    /// Records `intent`, asks, records what came of it. A check at a name may
    /// write there, so that it takes its turn among those who do.
    async fn look(
        &self,
        out: &Outbound,
        at: Option<(&Fqdn, &Turn)>,
        intent: Batch,
        deadline: Timestamp,
        blame: Blame,
    ) -> Result<Probed, Error> {
        let detail = |phase: &str| json!({ "phase": phase, "fqdn": at.map(|(name, _)| name) });
        let event = out.event(self.now(), Action::CredentialProbe, Outcome::Ok, detail("intent"));
        let turn = at.map(|(_, turn)| turn);
        let begun = self.commit_reserved(turn, intent.event(event), deadline).await?;
        let answer = self.ask(out, at.map(|(name, _)| name), deadline).await;
        let mut detail = detail("outcome");
        let outcome = match &answer {
            Ok(_) => Outcome::Ok,
            Err(error) => {
                detail["reason"] = json!(word(error));
                Outcome::Failed
            }
        };
        let at = self.now();
        let event = out.event(at, Action::CredentialProbe, outcome, detail);
        self.commit_and_release(turn, begun, Batch::default().event(event)).await?;
        let Report { summary, details } = answer.map_err(|error| refusal(error, blame))?;
        Ok(Probed { summary, details, at })
    }

    async fn ask(&self, out: &Outbound, name: Option<&Fqdn>, deadline: Timestamp) -> Result<Report, PluginError> {
        let id = out.of.manifest.id.as_str();
        let name = name.map(Fqdn::as_str);
        let mut patience = Patience::new(self, deadline);
        loop {
            let call = out.call();
            let answer = if out.of.manifest.has(Ability::Dns01) {
                self.bounded(self.plugins().dns_check(id, &call, name)).await
            } else {
                self.bounded(self.plugins().probe(id, &call)).await
            };
            match answer {
                Ok(report) => return Ok(report),
                Err(error) => patience.with(error).await?,
            }
        }
    }

    async fn judge_probed_name(&self, out: &Outbound, fqdn: &str) -> Result<Fqdn, Error> {
        if !out.of.manifest.has(Ability::Dns01) {
            let message = "Only a DNS provider's credential is probed at a name: leave it out.";
            return Err(Error::invalid(vec![Violation::new("/fqdn", "unsupported", message)]));
        }
        let name = Fqdn::parse(fqdn).map_err(|rule| Error::invalid(vec![Violation::new("/fqdn", "format", rule)]))?;
        if let Err(violation) = self.judge_name(&out.of.manifest.id, &name) {
            let detail = json!({ "fqdn": name, "reason": "not-granted" });
            self.record(out.event(self.now(), Action::CredentialProbe, Outcome::Denied, detail)).await?;
            return Err(Error::invalid(vec![violation]));
        }
        Ok(name)
    }
}

/// Data that passed, to be probed before it is stored.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) name: &'a Name,
    pub(super) data: &'a SecretJson,
    pub(super) secret_pointers: &'a [String],
    pub(super) taints: &'a Taints,
}

/// Whether there is anything to ask.
fn can_be_probed(of: &CredentialType) -> Result<(), Error> {
    if of.manifest.has(Ability::Probe) || of.manifest.has(Ability::Dns01) {
        return Ok(());
    }
    let message = format!("Credentials of type `{}` cannot be probed.", of.manifest.id);
    let violations = vec![Violation::new("", "unsupported", message)];
    Err(Error { kind: Kind::Unsupported, ..Error::invalid(violations) })
}
