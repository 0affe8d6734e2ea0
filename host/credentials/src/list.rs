//! Listing credentials.

use std::collections::HashSet;

use bursar_kernel::audit::Action;
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::keys::{Table, of_account, of_credential};
use bursar_kernel::store::Record;
use bursar_kernel::{Account, Caller, Error, Kind, Page, Right, codec, page};

use crate::{Credential, Credentials, Extras, Found, View, keys};

/// Which credentials.
#[derive(Clone, Debug, Default)]
pub struct ListCredentials {
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

impl Credentials {
    /// A page of an account's credentials, oldest first.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, filters by what they may not see, or the
    /// cursor is not ours.
    pub async fn list(
        &self,
        caller: &Caller,
        account: &Reference,
        query: &ListCredentials,
    ) -> Result<Page<View>, Error> {
        let authorizer = &self.kernel.authorizer;
        let account = authorizer.authorize(caller, account, Right::List, Action::CredentialRead).await?;
        let sees_all = caller.may(Right::Read, account.id) == Some(true);
        if !sees_all && !query.labels.is_empty() {
            authorizer.refuse(caller, account.id, Action::CredentialRead).await?;
            let message = "your role sees no labels, so it cannot filter by them: leave the filter out";
            return Err(Error::new(Kind::Denied, message));
        }
        let slot_types: Option<HashSet<String>> = query.slot.as_ref().map(|slot| self.forms.types_in_slot(slot));
        let mut after = match page::after(query.cursor.as_deref())? {
            Some(id) => of_credential(Table::Credential, account.id, CredentialId(id)),
            None => Vec::new(),
        };
        // Before the credentials: a default is among them then, whoever is made one
        // meanwhile.
        let defaults = self.kernel.ports.store().scan(&of_account(Table::Default, account.id), &[], usize::MAX).await?;
        let mut found: Vec<Found> = Vec::new();
        // One more than asked for tells whether there is a next page.
        while found.len() <= query.limit {
            let chunk = (query.limit + 1 - found.len()).clamp(MIN_CHUNK, MAX_CHUNK);
            let Some((part, last)) = self.records.page(account.id, &after, chunk).await? else { break };
            after = last;
            for one in part {
                let credential = &one.credential;
                let in_slot = slot_types.as_ref().is_none_or(|types| types.contains(&credential.type_id));
                if in_slot && query.matches(credential, sees_all) && self.is_within_scope(caller, credential).await? {
                    found.push(one);
                }
            }
        }
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next_cursor = found.last().filter(|_| more).map(|last| last.credential.id.to_string());
        let items = self.views(caller, &account, found, &defaults).await?;
        Ok(Page { items, next_cursor })
    }

    async fn views(
        &self,
        caller: &Caller,
        account: &Account,
        found: Vec<Found>,
        defaults: &[Record],
    ) -> Result<Vec<View>, Error> {
        let defaults = defaults.iter().map(codec::decode).collect::<Result<HashSet<CredentialId>, _>>()?;
        let mut extras = Vec::with_capacity(found.len());
        for Found { credential, .. } in &found {
            let usage = self.kernel.ports.store().get(&keys::for_credential(credential, Table::Usage)).await?;
            let last_used_at = usage.as_ref().map(codec::decode).transpose()?;
            let is_default = defaults.contains(&credential.id);
            extras.push(Extras { is_default, last_used_at, ..Extras::default() });
        }
        let credentials: Vec<&Credential> = found.iter().map(|found| &found.credential).collect();
        self.describe(caller, account, &credentials, &mut extras, false).await?;
        Ok(found.into_iter().zip(extras).map(|(found, extras)| self.assemble(caller, account, found, extras)).collect())
    }
}

impl ListCredentials {
    /// A filter finds by what is shown alone, or it would reveal the rest bit by
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
