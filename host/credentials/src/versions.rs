//! A credential's history, and going back in it.

use std::collections::BTreeSet;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::{Table, of_account};
use bursar_kernel::plugin::{Context, CredentialType};
use bursar_kernel::secret::SecretJson;
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Caller, Error, IfMatch, Page, Right, Violation, codec};
use serde_json::Value;

use crate::form::{Stored, Validated};
use crate::selector::Term;
use crate::{Credential, Credentials, Found, MadeBy, Version, VersionAction, VersionView, View, announce, index, keys};

impl Credentials {
    /// The versions of a credential, newest first.
    ///
    /// # Errors
    ///
    /// Not found, or the caller lacks the right.
    pub async fn list_versions(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<VersionView>, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Read, Action::CredentialRead).await?;
        let credential = self.find(caller, &account, credential).await?.credential;
        let before = match cursor {
            None => u32::MAX,
            Some(text) => text.parse().map_err(|_| {
                let message = "This cursor is not one of ours: start over without.";
                Error::invalid(vec![Violation::new("?cursor", "format", message)])
            })?,
        };
        let records =
            self.kernel.ports.store().scan(&keys::for_credential(&credential, Table::Version), &[], usize::MAX).await?;
        let mut versions = records.iter().map(codec::decode::<Version>).collect::<Result<Vec<_>, _>>()?;
        versions.retain(|version| version.version < before);
        versions.reverse();
        let more = versions.len() > limit;
        versions.truncate(limit);
        let next_cursor = versions.last().filter(|_| more).map(|version| version.version.to_string());
        let items = versions
            .into_iter()
            .map(|version| VersionView { current: version.version == credential.version, version })
            .collect();
        Ok(Page { items, next_cursor })
    }

    /// Makes the data of version `number` the data again, as a new version.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Invalid`] where the plugin of today refuses that data.
    pub async fn restore_version(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        number: u32,
        if_match: Option<IfMatch>,
    ) -> Result<View, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Write, Action::CredentialUpdate).await?;
        let mut retry = self.kernel.journal.retry(&of_account(Table::Credential, account.id));
        loop {
            retry.next().await?;
            let found = self.find_live(caller, &account, credential).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let (new, batch) = self.restoration(caller, &found, number).await?;
            if let Some(revision) = retry.commit(batch).await? {
                announce(&self.kernel.ports, &new, "updated");
                return self.view(caller, &account, Found { credential: new, revision }).await;
            }
        }
    }

    /// The credential with the data of version `number`, and what to commit.
    async fn restoration(&self, caller: &Caller, found: &Found, number: u32) -> Result<(Credential, Batch), Error> {
        let kernel = &self.kernel;
        let old = &found.credential;
        let of = self.forms.type_of_stored(&old.type_id)?;
        let version_key = keys::of_version(Table::Version, old.account, old.id, number);
        let record = kernel.ports.store().get(&version_key).await?.ok_or_else(|| Error::not_found("version"))?;
        let version: Version = codec::decode(&record)?;
        let before = self.records.secret_data(old, old.version).await?;
        let data = self.records.secret_data(old, number).await?;
        let known_secrets: Vec<String> = old.secret_pointers.iter().chain(&version.secret_pointers).cloned().collect();
        let context = Context {
            account: Some(old.account),
            name: old.name.to_string(),
            version: old.version,
            seed: [0; 32],
            options: serde_json::json!({}),
        };
        let taints = version.taints(&of.manifest, data.expose());
        let stored = Stored { taints: &taints, given: &Value::Null };
        let validated = self.forms.validate(&of, data, &known_secrets, Some(stored), &context).await?;
        let mut new = old.clone();
        let batch = self.write_version(caller, &mut new, &of, &validated, &before, VersionAction::Restore)?;
        new.updated_at = kernel.ports.now();
        let event = Event {
            account: Some(new.account),
            credential: Some(new.id),
            version: Some(new.version),
            plugin: Some(new.plugin.for_audit()),
            detail: Some(serde_json::json!({ "token": caller.token, "restoredVersion": number })),
            ..kernel.authorizer.event(caller, Action::CredentialUpdate, Outcome::Ok)
        };
        let key = keys::for_credential(&new, Table::Credential);
        let batch = batch.put(key, Expect::At(found.revision), codec::encode(&new)?).event(event);
        Ok((new, batch))
    }

    /// Puts validated data into `credential` as its next version, and returns
    /// what to commit for that.
    pub(crate) fn write_version(
        &self,
        caller: &Caller,
        credential: &mut Credential,
        of: &CredentialType,
        validated: &Validated,
        before: &SecretJson,
        action: VersionAction,
    ) -> Result<Batch, Error> {
        let inspection = &validated.inspection;
        let terms = Term::all(&credential.selectors);
        credential.version += 1;
        credential.data = validated.public.clone();
        credential.secret_pointers.clone_from(&validated.secret_pointers);
        credential.taints = Some(validated.taints.clone());
        credential.attributes = inspection.attributes.clone();
        credential.selectors.clone_from(&inspection.selectors);
        credential.order.clone_from(&inspection.order);
        credential.not_before = inspection.not_before;
        credential.not_after = inspection.not_after;
        credential.plugin = MadeBy::from(of);
        let version = Version {
            version: credential.version,
            created_at: self.kernel.ports.now(),
            actor: caller.actor(),
            action,
            changed: changed(before.expose(), validated.full.expose()),
            secret_pointers: validated.secret_pointers.clone(),
            taints: Some(validated.taints.clone()),
            plugin: credential.plugin.clone(),
        };
        let key = |table, version| keys::of_version(table, credential.account, credential.id, version);
        let mut batch = index::write(self.kernel.ports.blind(), Batch::default(), credential, &terms)?;
        if let Some(old @ 1..) = credential.version.checked_sub(self.kernel.quotas.quotas().versions.max(1)) {
            for table in [Table::Version, Table::Secret] {
                batch = batch.delete(key(table, old), Expect::Any);
            }
        }
        Ok(batch.put(key(Table::Version, version.version), Expect::Absent, codec::encode(&version)?).put(
            key(Table::Secret, version.version),
            Expect::Absent,
            codec::encode(validated.full.expose())?,
        ))
    }
}

/// Pointers of the top-level fields that differ.
pub(crate) fn changed(before: &Value, after: &Value) -> Vec<String> {
    let fields =
        |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<BTreeSet<_>>()).unwrap_or_default();
    fields(before)
        .union(&fields(after))
        .filter(|field| before.get(field.as_str()) != after.get(field.as_str()))
        .map(|field| format!("/{}", field.replace('~', "~0").replace('/', "~1")))
        .collect()
}
