//! Listing credentials.

use std::collections::HashSet;

use super::super::{Broker, Page, codec, keys_for, page};
use super::find::{Found, Kept};
use crate::access::{Account, Caller, Right};
use crate::audit::Action;
use crate::credential::{Credential, View};
use crate::id::{CredentialId, Reference};
use crate::keys::{self, Table};
use crate::store::Record;
use crate::{Error, Kind};

/// Which credentials.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Of types that are used in this slot.
    pub slot: Option<String>,
    /// Of this type.
    pub type_id: Option<String>,
    /// Of this category.
    pub category: Option<String>,
    /// With these labels; `None` as value for any.
    pub labels: Vec<(String, Option<String>)>,
    /// With this text in name, title or, for those who see it, description,
    /// whatever its case.
    pub text: Option<String>,
    /// Deleted ones instead of live ones.
    pub deleted: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Broker {
    /// A page of an account's credentials, oldest first.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, filters by what they may not see, or the
    /// cursor is not ours.
    pub async fn list_credentials(
        &self,
        caller: &Caller,
        account: &Reference,
        query: &ListQuery,
    ) -> Result<Page<View>, Error> {
        let account = self.authorize(caller, account, Right::List, Action::CredentialRead).await?;
        let sees_all = caller.may(Right::Read, account.id) == Some(true);
        if !sees_all && !query.labels.is_empty() {
            self.refuse(caller, account.id, Action::CredentialRead).await?;
            let message = "your role sees no labels, so it cannot filter by them: leave the filter out";
            return Err(Error::new(Kind::Denied, message));
        }
        let slot_types: Option<HashSet<String>> = query.slot.as_ref().map(|slot| self.types_in_slot(slot));
        let prefix = keys::of_account(Table::Credential, account.id);
        let mut after = match page::after(query.cursor.as_deref())? {
            Some(id) => keys::of_credential(Table::Credential, account.id, CredentialId(id)),
            None => Vec::new(),
        };
        // Before the credentials: a default is among them then, whoever is made one
        // meanwhile.
        let defaults = self.store().scan(&keys::of_account(Table::Default, account.id), &[], usize::MAX).await?;
        let mut found: Vec<Found> = Vec::new();
        // One more than asked for tells whether there is a next page.
        while found.len() <= query.limit {
            let chunk = (query.limit + 1 - found.len()).clamp(MIN_CHUNK, MAX_CHUNK);
            let records = self.store().scan(&prefix, &after, chunk).await?;
            let Some(last) = records.last() else { break };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                let in_slot = slot_types.as_ref().is_none_or(|types| types.contains(&credential.type_id));
                if in_slot && query.matches(&credential, sees_all) && self.is_within_scope(caller, &credential).await? {
                    found.push(Found { credential, revision: record.revision });
                }
            }
        }
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next_cursor = found.last().filter(|_| more).map(|last| last.credential.id.to_string());
        let items = self.assemble_all(caller, &account, found, &defaults).await?;
        Ok(Page { items, next_cursor })
    }

    pub(in super::super) fn types_in_slot(&self, slot: &str) -> HashSet<String> {
        let types = self.plugins().types();
        let used_there = types.iter().filter(|known| known.manifest.slots.iter().any(|known| known.id == slot));
        used_there.map(|known| known.manifest.id.clone()).collect()
    }

    async fn assemble_all(
        &self,
        caller: &Caller,
        account: &Account,
        found: Vec<Found>,
        defaults: &[Record],
    ) -> Result<Vec<View>, Error> {
        let defaults = defaults.iter().map(codec::decode).collect::<Result<HashSet<CredentialId>, _>>()?;
        let standings = self.standings(caller, account).await?;
        let mut views = Vec::with_capacity(found.len());
        for found in found {
            let usage = self.store().get(&keys_for(&found.credential, Table::Usage)).await?;
            let last_used_at = usage.as_ref().map(codec::decode).transpose()?;
            let is_default = defaults.contains(&found.credential.id);
            let deleted = found.credential.deleted_at.is_some();
            let records = if deleted { self.records_of(&found.credential).await?.len() } else { 0 };
            let consumers = self.count_consumers(&found.credential).await?;
            let sync = self.sync_rows(&standings, &found.credential).await?;
            let kept = Kept { is_default, last_used_at, records, consumers, sync };
            views.push(self.assemble(caller, account, found, kept));
        }
        Ok(views)
    }
}

impl ListQuery {
    /// A filter finds by what is shown alone, or it would tell the rest bit by
    /// bit: without `sees_all` the description is not searched.
    fn matches(&self, credential: &Credential, sees_all: bool) -> bool {
        let contains_text = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            let description = sees_all.then_some(credential.description.as_str());
            [Some(credential.name.as_str()), Some(&credential.title), description]
                .iter()
                .flatten()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let labelled = |(key, value): &(String, Option<String>)| {
            credential.labels.get(key).is_some_and(|has| value.as_ref().is_none_or(|value| has == value))
        };
        credential.deleted_at.is_some() == self.deleted
            && self.type_id.as_ref().is_none_or(|wanted| credential.type_id == *wanted)
            && self.category.as_ref().is_none_or(|wanted| credential.category == *wanted)
            && self.labels.iter().all(labelled)
            && self.text.as_ref().is_none_or(contains_text)
    }
}

const MIN_CHUNK: usize = 50;
const MAX_CHUNK: usize = 500;
