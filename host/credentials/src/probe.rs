//! Asking the live service whether a credential works: of a stored one, and of
//! data before it is stored.

use std::sync::Arc;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{Name, Reference};
use bursar_kernel::plugin::{Ability, Blame, Context, CredentialType, PluginError, ProbeReport, Taints, code, refusal};
use bursar_kernel::secret::SecretJson;
use bursar_kernel::store::Batch;
use bursar_kernel::{Account, Caller, Error, Fqdn, Kind, Operation, Ports, Violation};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::outbound::Subject;
use crate::{Credential, Credentials, Outbound, Patience, Protocol, Way, bounded, deadline};

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

impl Credentials {
    /// Asks the live service whether a credential works; a DNS provider's,
    /// whether records could be written at all. The intent is recorded before
    /// the service is asked, what came of it before the answer.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] where the service refuses the credential,
    /// [`Kind::Unsupported`] for a type that cannot be probed.
    pub async fn probe(&self, caller: &Caller, account: &Reference, credential: &Reference) -> Result<Probed, Error> {
        let ports = &self.kernel.ports;
        let deadline = deadline(ports);
        let (credential, out) = self.probed(caller, account, credential).await?;
        let way = Way { protocol: Protocol::Probe, consumer: None, actor: caller.actor(), fallback: false };
        let intent = self.uses.note(Batch::default(), &credential, way).await?;
        ask_on_record(ports, &out, intent, deadline, Blame::STORED).await
    }

    /// A stored credential that the caller may have probed, on its way to the
    /// network plane. That it cannot be is recorded.
    ///
    /// # Errors
    ///
    /// As for [`Credentials::probe`].
    pub async fn probed(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
    ) -> Result<(Credential, Outbound), Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize_operation(caller, account, Operation::ProbeCredential).await?;
        let credential = self.find_live(caller, &account, credential).await?.credential;
        let of = self.forms.type_of_stored(&credential.type_id)?;
        let by = kernel.authorizer.event(caller, Action::CredentialProbe, Outcome::Ok);
        if let Err(error) = can_be_probed(&of) {
            let (version, credential) = (Some(credential.version), Some(credential.id));
            let about = Event { account: Some(account.id), credential, version, ..by };
            kernel.journal.record(Event { outcome: Outcome::Failed, ..about }).await?;
            return Err(error);
        }
        let out = Outbound::of_stored(&kernel.ports, by, &credential, of, "probe").await?;
        Ok((credential, out))
    }

    /// The same for data before it is stored; `stored` is the credential it is
    /// to be the next version of.
    pub(crate) async fn preflight(
        &self,
        caller: &Caller,
        account: &Account,
        stored: Option<&Credential>,
        of: &Arc<CredentialType>,
        candidate: Candidate<'_>,
    ) -> Result<(), Error> {
        can_be_probed(of)?;
        let by = self.kernel.authorizer.event(caller, Action::CredentialProbe, Outcome::Ok);
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
        let out = Outbound::of_draft(&self.kernel.ports, by, of.clone(), subject, context);
        let ports = &self.kernel.ports;
        ask_on_record(ports, &out, Batch::default(), deadline(ports), Blame::DRAFT).await.map(drop)
    }
}

/// Records `intent`, asks, records what came of it.
async fn ask_on_record(
    ports: &Ports,
    out: &Outbound,
    intent: Batch,
    deadline: Timestamp,
    blame: Blame,
) -> Result<Probed, Error> {
    let event = Probed::intent(out, ports.now(), None);
    ports.store().commit(intent.event(event)).await?;
    let answer = ask(ports, out, None, deadline).await;
    let (event, probed) = Probed::outcome(out, ports.now(), None, answer, blame);
    ports.store().commit(Batch::default().event(event)).await?;
    probed
}

impl Probed {
    /// The event that goes before the question, which may be about a name.
    #[must_use]
    pub fn intent(out: &Outbound, at: Timestamp, name: Option<&Fqdn>) -> Event {
        out.event(at, Action::CredentialProbe, Outcome::Ok, json!({ "phase": "intent", "fqdn": name }))
    }

    /// The event that goes before the answer, and the answer.
    pub fn outcome(
        out: &Outbound,
        at: Timestamp,
        name: Option<&Fqdn>,
        answer: Result<ProbeReport, PluginError>,
        blame: Blame,
    ) -> (Event, Result<Self, Error>) {
        let mut detail = json!({ "phase": "outcome", "fqdn": name });
        let outcome = match &answer {
            Ok(_) => Outcome::Ok,
            Err(error) => {
                detail["reason"] = json!(code(error));
                Outcome::Failed
            }
        };
        let event = out.event(at, Action::CredentialProbe, outcome, detail);
        let probed = answer.map_err(|error| refusal(error, blame));
        (event, probed.map(|ProbeReport { summary, details }| Self { summary, details, at }))
    }
}

/// Asks the live service, patiently; a DNS provider, whether records could be
/// written at `name`, or at all.
///
/// # Errors
///
/// The plugin's.
pub async fn ask(
    ports: &Ports,
    out: &Outbound,
    name: Option<&Fqdn>,
    deadline: Timestamp,
) -> Result<ProbeReport, PluginError> {
    let id = out.of.manifest.id.as_str();
    let name = name.map(Fqdn::as_str);
    let mut patience = Patience::new(ports, deadline);
    loop {
        let call = out.call();
        let answer = if out.of.manifest.has(Ability::Dns01) {
            bounded(ports, ports.plugins().dns_check(id, &call, name)).await
        } else {
            bounded(ports, ports.plugins().probe(id, &call)).await
        };
        match answer {
            Ok(report) => return Ok(report),
            Err(error) => patience.with(error).await?,
        }
    }
}

/// Data that passed, to be probed before it is stored.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a Name,
    pub(crate) data: &'a SecretJson,
    pub(crate) secret_pointers: &'a [String],
    pub(crate) taints: &'a Taints,
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
