//! Asking a DNS provider whether a record could be written at a name.

use bursar_credentials::{Outbound, Probed, Protocol, Way, ask, deadline};
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::plugin::{Ability, Blame};
use bursar_kernel::store::Batch;
use bursar_kernel::{Caller, Error, Fqdn, Violation};
use serde_json::json;

use crate::Dns;

impl Dns {
    /// Asks a credential's provider whether a record could be written at `fqdn`.
    /// The intent is recorded before the provider is asked, what came of it
    /// before the answer. A check may write there, so that it takes its turn
    /// among those who do.
    ///
    /// # Errors
    ///
    /// As for [`bursar_credentials::Credentials::probe`];
    /// [`bursar_kernel::Kind::Invalid`] for a credential of another type, and for
    /// a name that the operator has not granted.
    pub async fn probe(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        fqdn: &str,
    ) -> Result<Probed, Error> {
        let ports = &self.kernel.ports;
        let deadline = deadline(ports);
        let (credential, out) = self.credentials.probed(caller, account, credential).await?;
        let name = self.probed_name(&out, fqdn).await?;
        let way = Way { protocol: Protocol::Probe, consumer: None, actor: caller.actor(), fallback: false };
        let intent = self.credentials.uses().note(Batch::default(), &credential, way).await?;
        let turn = self.turn(&credential, &name, deadline).await?;
        let intent = intent.event(Probed::intent(&out, ports.now(), Some(&name)));
        let begun = self.commit_reserved(&turn, intent, deadline).await?;
        let answer = ask(ports, &out, Some(&name), deadline).await;
        let (event, probed) = Probed::outcome(&out, ports.now(), Some(&name), answer, Blame::STORED_AT_NAME);
        self.commit_and_release(&turn, begun, Batch::default().event(event)).await?;
        probed
    }

    async fn probed_name(&self, out: &Outbound, fqdn: &str) -> Result<Fqdn, Error> {
        let type_id = out.of.manifest.id.as_str();
        if !out.of.manifest.has(Ability::Dns01) {
            let message = "Only a DNS provider's credential is probed at a name: leave it out.";
            return Err(Error::invalid(vec![Violation::new("/fqdn", "unsupported", message)]));
        }
        let name = Fqdn::parse(fqdn).map_err(|rule| Error::invalid(vec![Violation::new("/fqdn", "format", rule)]))?;
        if let Err(violation) = self.permits_name(type_id, &name) {
            let detail = json!({ "fqdn": name, "reason": "not-granted" });
            let event = out.event(self.kernel.ports.now(), Action::CredentialProbe, Outcome::Denied, detail);
            self.kernel.journal.record(event).await?;
            return Err(Error::invalid(vec![violation]));
        }
        Ok(name)
    }
}
