//! A credential's history, and going back in it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::accounts::overtaken;
use super::super::{Broker, Page, codec, keys_for};
use super::find::Found;
use super::form::Stored;
use crate::access::{Caller, Right};
use crate::audit::{Action, Outcome};
use crate::credential::{Version, VersionAction, VersionView, View};
use crate::id::Reference;
use crate::keys::{self, Table};
use crate::plugin::Context;
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, IfMatch, Violation};

impl Broker {
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
        let account = self.authorize(caller, account, Right::Read, Action::CredentialRead).await?;
        let credential = self.find(caller, &account, credential).await?.credential;
        let before = match cursor {
            None => u32::MAX,
            Some(text) => text.parse().map_err(|_| {
                let message = "This cursor is not one of ours: start over without.";
                Error::invalid(vec![Violation::new("?cursor", "format", message)])
            })?,
        };
        let records = self.store().scan(&keys_for(&credential, Table::Version), &[], usize::MAX).await?;
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
    /// [`crate::Kind::Invalid`] where the plugin of today refuses that data.
    pub async fn restore_version(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        number: u32,
        if_match: Option<IfMatch>,
    ) -> Result<View, Error> {
        let account = self.authorize(caller, account, Right::Write, Action::CredentialUpdate).await?;
        let mut attempts = self.attempts(&keys::of_account(Table::Credential, account.id));
        while attempts.again().await {
            let found = self.find_live(caller, &account, credential).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let old = &found.credential;
            let of = self.type_for_writing(&old.type_id).map_err(|_| self.type_not_loaded(&old.type_id))?;
            let version_key = keys::of_version(Table::Version, old.account, old.id, number);
            let record = self.store().get(&version_key).await?.ok_or_else(|| Error::not_found("version"))?;
            let version: Version = codec::decode(&record)?;
            let before = self.secret_data(old, old.version).await?;
            let data = self.secret_data(old, number).await?;
            let known_secrets: Vec<String> =
                old.secret_pointers.iter().chain(&version.secret_pointers).cloned().collect();
            let context = Context {
                account: Some(old.account),
                name: old.name.to_string(),
                version: old.version,
                seed: [0; 32],
                options: serde_json::json!({}),
            };
            let taints = version.taints(&of.manifest, data.expose());
            let stored = Stored { taints: &taints, given: &Value::Null };
            let judged = self.judge(&of, data, &known_secrets, Some(stored), &context).await?;
            let mut new = old.clone();
            let batch =
                self.write_version(caller, &mut new, &of, &judged, &before, VersionAction::Restore, Batch::default())?;
            new.updated_at = self.now();
            let mut event = self.event(caller, Action::CredentialUpdate, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(new.id);
            event.version = Some(new.version);
            event.plugin = Some(new.plugin.for_audit());
            event.detail = Some(serde_json::json!({ "token": caller.token, "restoredVersion": number }));
            let batch = batch
                .put(keys_for(&new, Table::Credential), Expect::At(found.revision), codec::encode(&new)?)
                .event(event);
            match self.store().commit(batch).await {
                Ok(revision) => {
                    self.tell_credential(&new, "updated");
                    return self.view(caller, &account, Found { credential: new, revision }).await;
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }
}

/// Pointers of the top-level fields that differ.
pub(super) fn changed(before: &Value, after: &Value) -> Vec<String> {
    let fields =
        |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<BTreeSet<_>>()).unwrap_or_default();
    fields(before)
        .union(&fields(after))
        .filter(|field| before.get(field.as_str()) != after.get(field.as_str()))
        .map(|field| format!("/{}", field.replace('~', "~0").replace('/', "~1")))
        .collect()
}
