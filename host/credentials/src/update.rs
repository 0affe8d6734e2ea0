//! Changing a credential.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::Context;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Account, Caller, Error, IfMatch, Operation, Submitted, Violation, codec, name_taken};

use crate::form::{Stored, Validated};
use crate::probe::Candidate;
use crate::repointing::refuse_repointing;
use crate::{
    Credential, Credentials, Found, MAX_LABELS, UpdateCredential, VersionAction, View, announce, keys,
    parse_credential_name,
};

/// A credential as it would be.
struct Changed {
    credential: Credential,
    /// What to commit for it.
    batch: Batch,
    /// What was validated where its data changes.
    validated: Option<Validated>,
}

impl Credentials {
    /// Applies a merge patch (RFC 7396); an absent secret keeps its value. With
    /// `probe` the live service is asked about the outcome first, and nothing is
    /// stored that it refuses.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Invalid`] with everything that is wrong,
    /// [`bursar_kernel::Kind::Stale`] where `if_match` names another revision,
    /// [`bursar_kernel::Kind::Conflict`] where the new name is taken,
    /// [`bursar_kernel::Kind::Unsupported`] where a type that cannot be probed is
    /// to be.
    pub async fn update(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        submitted: Submitted<UpdateCredential>,
        if_match: Option<IfMatch>,
        probe: bool,
    ) -> Result<View, Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize_operation(caller, account, Operation::UpdateCredential).await?;
        // Who asks by name means that credential, also when it is renamed meanwhile.
        let first = self.find_live(caller, &account, credential).await?;
        let reference = Reference::Id(first.credential.id.0);
        let patch = accepted(submitted, &first.credential)?;
        let mut probed = None;
        // Who asks a service first does not hold up the others meanwhile.
        let key = keys::for_credential(&first.credential, Table::Credential);
        let mut retry = if probe { kernel.journal.retry_unqueued() } else { kernel.journal.retry(&key) };
        loop {
            retry.next().await?;
            let found = self.find_live(caller, &account, &reference).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let Changed { credential: updated, batch, validated } = self.changed(caller, &found, &patch).await?;
            if probe {
                self.preflight_update(caller, &account, &found.credential, &updated, validated, &mut probed).await?;
            }
            if updated == found.credential {
                return self.view(caller, &account, found).await;
            }
            if let Some(revision) = retry.commit(batch).await? {
                announce(&self.kernel.ports, &updated, "updated");
                return self.view(caller, &account, Found { credential: updated, revision }).await;
            }
        }
    }

    /// Asks about the data as it would be, once for the same data.
    async fn preflight_update(
        &self,
        caller: &Caller,
        account: &Account,
        old: &Credential,
        new: &Credential,
        validated: Option<Validated>,
        probed: &mut Option<SecretJson>,
    ) -> Result<(), Error> {
        let of = self.forms.type_of_stored(&old.type_id)?;
        let (data, taints) = if let Some(validated) = validated {
            (validated.full, validated.taints)
        } else {
            let data = self.records.secret_data(old, old.version).await?;
            let taints = old.taints(&of.manifest, data.expose());
            (data, taints)
        };
        if probed.as_ref() == Some(&data) {
            return Ok(());
        }
        let candidate =
            Candidate { name: &new.name, data: &data, secret_pointers: &new.secret_pointers, taints: &taints };
        self.preflight(caller, account, Some(old), &of, candidate).await?;
        *probed = Some(data);
        Ok(())
    }

    /// The credential as it would be.
    async fn changed(&self, caller: &Caller, found: &Found, patch: &UpdateCredential) -> Result<Changed, Error> {
        let old = &found.credential;
        let mut new = old.clone();
        apply(patch, &mut new)?;
        let (mut batch, validated) = match &patch.data {
            Some(data) => self.change_data(caller, old, &mut new, data).await?,
            None => (Batch::default(), None),
        };
        if new == *old {
            return Ok(Changed { credential: new, batch, validated: None });
        }
        if new.name != old.name {
            batch = self.rename(caller, batch, old, &new).await?;
        }
        new.updated_at = self.kernel.ports.now();
        let event = Event {
            account: Some(new.account),
            credential: Some(new.id),
            version: Some(new.version),
            plugin: (new.version != old.version).then(|| new.plugin.for_audit()),
            ..self.kernel.authorizer.event(caller, Action::CredentialUpdate, Outcome::Ok)
        };
        let key = keys::for_credential(&new, Table::Credential);
        let batch = batch.put(key, Expect::At(found.revision), codec::encode(&new)?).event(event);
        Ok(Changed { credential: new, batch, validated })
    }

    async fn rename(&self, caller: &Caller, batch: Batch, old: &Credential, new: &Credential) -> Result<Batch, Error> {
        // It would learn which names are taken outside of its scope.
        if !caller.scope.is_everything() {
            let message = "a token that is narrowed to some credentials does not rename them";
            return Err(self.refuse_narrowed(caller, old.account, Action::CredentialUpdate, message).await);
        }
        let ports = &self.kernel.ports;
        let name_key = keys::credential_name(ports.blind(), old.account, new.name.as_str());
        if ports.store().get(&name_key).await?.is_some() {
            return Err(name_taken());
        }
        let old_key = keys::credential_name(ports.blind(), old.account, old.name.as_str());
        Ok(batch.delete(old_key, Expect::Any).put(name_key, Expect::Absent, codec::encode(&new.id)?))
    }

    async fn change_data(
        &self,
        caller: &Caller,
        old: &Credential,
        new: &mut Credential,
        patch: &SecretJson,
    ) -> Result<(Batch, Option<Validated>), Error> {
        let of = self.forms.type_of_stored(&old.type_id)?;
        let before = self.records.secret_data(old, old.version).await?;
        let mut merged = before.clone();
        json_patch::merge(merged.expose_mut(), patch.expose());
        let recorded = old.taints(&of.manifest, before.expose());
        let kept = recorded.kept(before.expose(), merged.expose(), patch.expose());
        if merged == before && kept == recorded {
            return Ok((Batch::default(), None));
        }
        let stored = Stored { taints: &kept, given: patch.expose() };
        let context = Context {
            account: Some(old.account),
            name: new.name.to_string(),
            version: old.version,
            seed: [0; 32],
            options: serde_json::json!({}),
        };
        let validated = self.forms.validate(&of, merged, &old.secret_pointers, Some(stored), &context).await?;
        refuse_repointing(&of, old, &validated, patch)?;
        if validated.full == before && validated.taints == recorded {
            return Ok((Batch::default(), None));
        }
        let batch = self.write_version(caller, new, &of, &validated, &before, VersionAction::Update)?;
        Ok((batch, Some(validated)))
    }
}

/// The command, where the credential allows it.
fn accepted(mut submitted: Submitted<UpdateCredential>, credential: &Credential) -> Result<UpdateCredential, Error> {
    let mut violations = submitted.command().validate(&credential.type_id);
    if submitted.command().revealable == Some(true) && !credential.revealable {
        let message = "A credential that nobody may reveal stays so: create another one.";
        violations.push(Violation::new("/revealable", "immutable", message));
    }
    submitted.complain(violations);
    submitted.accept()
}

/// Applies a patch to everything but the data.
fn apply(patch: &UpdateCredential, credential: &mut Credential) -> Result<(), Error> {
    if let Some(name) = &patch.name {
        let name = parse_credential_name(name, "/name");
        credential.name = name.map_err(|violation| Error::invalid(vec![violation]))?;
    }
    credential.title = patch.title.clone().unwrap_or_else(|| credential.title.clone());
    credential.description = patch.description.clone().unwrap_or_else(|| credential.description.clone());
    credential.revealable = credential.revealable && patch.revealable.unwrap_or(true);
    let before = credential.labels.len();
    for (key, value) in patch.labels.iter().flatten() {
        match value {
            Some(value) => credential.labels.insert(key.clone(), value.clone()),
            None => credential.labels.remove(key),
        };
    }
    // A patch adds to what is there.
    if credential.labels.len() > MAX_LABELS.max(before) {
        let message = format!("At most {MAX_LABELS} labels: remove some by giving them null.");
        return Err(Error::invalid(vec![Violation::new("/labels", "too-long", message)]));
    }
    Ok(())
}
