//! Changing a credential.

use serde_json::Value;

use super::super::accounts::{name_taken, overtaken};
use super::super::{Broker, codec, keys_for};
use super::find::Found;
use super::form::{Judged, Stored};
use super::probe::Candidate;
use super::versions::changed;
use crate::access::{Account, Caller, Operation};
use crate::audit::{Action, Outcome};
use crate::binding::Term;
use crate::credential::{Credential, MAX_LABELS, MadeBy, Patch, Version, VersionAction, View};
use crate::id::Reference;
use crate::keys::{self, Table};
use crate::plugin::{Context, CredentialType};
use crate::secret::SecretJson;
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, IfMatch, Violation};

impl Broker {
    /// Applies a merge patch (RFC 7396); an absent secret keeps its value. With
    /// `probe` the live service is asked about the outcome first, and nothing is
    /// stored that it refuses.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::Invalid`] with everything that is wrong, [`crate::Kind::Stale`] where
    /// `if_match` names another revision, [`crate::Kind::Conflict`] where the new name
    /// is taken, [`crate::Kind::Unsupported`] where a type that cannot be probed is to
    /// be.
    pub async fn update_credential(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        body: Value,
        if_match: Option<IfMatch>,
        probe: bool,
    ) -> Result<View, Error> {
        let account = self.authorize_operation(caller, account, Operation::UpdateCredential).await?;
        // Who asks by name means that credential, also when it is renamed meanwhile.
        let first = self.find_live(caller, &account, credential).await?;
        let reference = Reference::Id(first.credential.id.0);
        let (patch, mut violations) = Patch::read(body, &first.credential.type_id);
        if patch.revealable == Some(true) && !first.credential.revealable {
            let message = "A credential that nobody may reveal stays so: create another one.";
            violations.push(Violation::new("/revealable", "immutable", message));
        }
        if !violations.is_empty() {
            return Err(Error::invalid(violations));
        }
        let mut probed = None;
        // Who asks a service first does not hold up the others meanwhile.
        let record = keys_for(&first.credential, Table::Credential);
        let mut attempts = if probe { self.attempts_unqueued() } else { self.attempts(&record) };
        while attempts.again().await {
            let found = self.find_live(caller, &account, &reference).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let (updated, batch, judged) = self.changes(caller, &found, &patch).await?;
            if probe {
                self.preflight_update(caller, &account, &found.credential, &updated, judged, &mut probed).await?;
            }
            if updated == found.credential {
                return self.view(caller, &account, found).await;
            }
            match self.store().commit(batch).await {
                Ok(revision) => {
                    self.tell_credential(&updated, "updated");
                    return self.view(caller, &account, Found { credential: updated, revision }).await;
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Asks about the data as it would be, once for the same data.
    async fn preflight_update(
        &self,
        caller: &Caller,
        account: &Account,
        old: &Credential,
        new: &Credential,
        judged: Option<Judged>,
        probed: &mut Option<SecretJson>,
    ) -> Result<(), Error> {
        let of = self.type_for_writing(&old.type_id).map_err(|_| self.type_not_loaded(&old.type_id))?;
        let (data, taints) = if let Some(judged) = judged {
            (judged.full, judged.taints)
        } else {
            let data = self.secret_data(old, old.version).await?;
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

    /// The credential as it would be, what to commit for it, and what was judged
    /// where its data changes.
    async fn changes(
        &self,
        caller: &Caller,
        found: &Found,
        patch: &Patch,
    ) -> Result<(Credential, Batch, Option<Judged>), Error> {
        let old = &found.credential;
        let mut new = old.clone();
        new.name = patch.name.clone().unwrap_or(new.name);
        new.title = patch.title.clone().unwrap_or(new.title);
        new.description = patch.description.clone().unwrap_or(new.description);
        new.revealable = new.revealable && patch.revealable.unwrap_or(true);
        for (key, value) in patch.labels.iter().flatten() {
            match value {
                Some(value) => new.labels.insert(key.clone(), value.clone()),
                None => new.labels.remove(key),
            };
        }
        // A patch adds to what is there.
        if new.labels.len() > MAX_LABELS.max(old.labels.len()) {
            let message = format!("At most {MAX_LABELS} labels: remove some by giving them null.");
            return Err(Error::invalid(vec![Violation::new("/labels", "too-long", message)]));
        }
        let (mut batch, judged) = match &patch.data {
            Some(data) => self.change_data(caller, old, &mut new, data).await?,
            None => (Batch::default(), None),
        };
        if new == *old {
            return Ok((new, batch, None));
        }
        if new.name != old.name {
            // It would be told which names are taken outside of its scope.
            if !caller.scope.is_everything() {
                let message = "a token that is narrowed to some credentials does not rename them";
                return Err(self.refuse_narrowed(caller, old.account, Action::CredentialUpdate, message).await);
            }
            let name_key = keys::credential_name(self.blind(), old.account, new.name.as_str());
            if self.store().get(&name_key).await?.is_some() {
                return Err(name_taken());
            }
            let old_key = keys::credential_name(self.blind(), old.account, old.name.as_str());
            batch = batch.delete(old_key, Expect::Any).put(name_key, Expect::Absent, codec::encode(&new.id)?);
        }
        new.updated_at = self.now();
        let mut event = self.event(caller, Action::CredentialUpdate, Outcome::Ok);
        event.account = Some(new.account);
        event.credential = Some(new.id);
        event.version = Some(new.version);
        event.plugin = (new.version != old.version).then(|| new.plugin.for_audit());
        let batch =
            batch.put(keys_for(&new, Table::Credential), Expect::At(found.revision), codec::encode(&new)?).event(event);
        Ok((new, batch, judged))
    }

    async fn change_data(
        &self,
        caller: &Caller,
        old: &Credential,
        new: &mut Credential,
        patch: &SecretJson,
    ) -> Result<(Batch, Option<Judged>), Error> {
        let of = self.type_for_writing(&old.type_id).map_err(|_| self.type_not_loaded(&old.type_id))?;
        let before = self.secret_data(old, old.version).await?;
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
        let judged = self.judge(&of, merged, &old.secret_pointers, Some(stored), &context).await?;
        refuse_repointing(&of, old, &judged, patch)?;
        if judged.full == before && judged.taints == recorded {
            return Ok((Batch::default(), None));
        }
        let batch = self.write_version(caller, new, &of, &judged, &before, VersionAction::Update, Batch::default())?;
        Ok((batch, Some(judged)))
    }

    /// Puts judged data into `credential` as its next version.
    #[expect(clippy::too_many_arguments, reason = "one step of two use cases; each argument is a thing they hold")]
    pub(super) fn write_version(
        &self,
        caller: &Caller,
        credential: &mut Credential,
        of: &CredentialType,
        judged: &Judged,
        before: &SecretJson,
        action: VersionAction,
        batch: Batch,
    ) -> Result<Batch, Error> {
        let inspection = &judged.inspection;
        let terms = Term::all(&credential.selectors);
        credential.version += 1;
        credential.data = judged.public.clone();
        credential.secret_pointers.clone_from(&judged.secret_pointers);
        credential.taints = Some(judged.taints.clone());
        credential.attributes = inspection.attributes.clone();
        credential.selectors.clone_from(&inspection.selectors);
        credential.order.clone_from(&inspection.order);
        credential.not_before = inspection.not_before;
        credential.not_after = inspection.not_after;
        credential.plugin = MadeBy::from(of);
        let version = Version {
            version: credential.version,
            created_at: self.now(),
            actor: caller.actor(),
            action,
            changed: changed(before.expose(), judged.full.expose()),
            secret_pointers: judged.secret_pointers.clone(),
            taints: Some(judged.taints.clone()),
            plugin: credential.plugin.clone(),
        };
        let key = |table| keys::of_version(table, credential.account, credential.id, credential.version);
        let mut batch = self.index(batch, credential, &terms)?;
        if let Some(old @ 1..) = credential.version.checked_sub(self.quotas.versions.max(1)) {
            for table in [Table::Version, Table::Secret] {
                batch = batch.delete(keys::of_version(table, credential.account, credential.id, old), Expect::Any);
            }
        }
        Ok(batch.put(key(Table::Version), Expect::Absent, codec::encode(&version)?).put(
            key(Table::Secret),
            Expect::Absent,
            codec::encode(judged.full.expose())?,
        ))
    }
}

/// A writer who may not reveal must not learn a secret by sending it somewhere
/// else: whoever changes where secrets go brings them along.
fn refuse_repointing(of: &CredentialType, old: &Credential, judged: &Judged, patch: &SecretJson) -> Result<(), Error> {
    let moved = judged.inspection.selectors != old.selectors
        || of.manifest.steering_fields().iter().any(|at| judged.public.pointer(at) != old.data.pointer(at));
    if !moved {
        return Ok(());
    }
    let missing: Vec<Violation> = old
        .secret_pointers
        .iter()
        .filter(|at| judged.full.expose().pointer(at).is_some() && patch.expose().pointer(at).is_none())
        .map(|at| {
            let message = "This change decides where the secret goes: give the secret again with it.";
            Violation::new(format!("/data{at}"), "secret-required", message)
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::invalid(missing)) }
}
