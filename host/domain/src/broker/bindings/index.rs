//! Finding credentials by what their types say they are for: an index by
//! selector, written with each version.

use std::collections::BTreeSet;

use super::super::credentials::Found;
use super::super::{Broker, codec};
use crate::Error;
use crate::access::{Account, Caller};
use crate::binding::Term;
use crate::credential::Credential;
use crate::id::CredentialId;
use crate::keys::{self, Table};
use crate::plugin::Selector;
use crate::store::{Batch, Expect};

/// A credential and the selector that it was found by.
pub(super) struct Match {
    pub(super) found: Found,
    pub(super) selector: Selector,
}

impl Broker {
    /// Adds to `batch` that a credential is found by its selectors, and no more
    /// by those of `before`. A deleted one keeps its entries.
    pub(in super::super) fn index(
        &self,
        mut batch: Batch,
        credential: &Credential,
        before: &BTreeSet<Term>,
    ) -> Result<Batch, Error> {
        let now = Term::all(&credential.selectors);
        let key = |term: &Term| keys::selector(self.blind(), credential.account, term, credential.id);
        for term in before.difference(&now) {
            batch = batch.delete(key(term), Expect::Any);
        }
        for term in now.difference(before) {
            batch = batch.put(key(term), Expect::Any, codec::encode(&credential.id)?);
        }
        Ok(batch)
    }

    /// The live credentials within the caller's scope that are found by `term`,
    /// the oldest first, up to `limit`.
    pub(super) async fn found_by(
        &self,
        caller: &Caller,
        account: &Account,
        term: &Term,
        limit: usize,
    ) -> Result<Vec<Match>, Error> {
        let prefix = keys::selected_by(self.blind(), account.id, term);
        let (mut after, mut matches) = (Vec::new(), Vec::new());
        loop {
            let entries = self.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = entries.last() else { return Ok(matches) };
            after.clone_from(&last.key);
            for id in entries.iter().filter_map(|entry| keys::selected(&entry.key)) {
                matches.extend(self.matched(caller, account, id, term).await?);
                if matches.len() == limit {
                    return Ok(matches);
                }
            }
        }
    }

    /// The credential, if it is live, within scope and found by `term`.
    pub(super) async fn matched(
        &self,
        caller: &Caller,
        account: &Account,
        id: CredentialId,
        term: &Term,
    ) -> Result<Option<Match>, Error> {
        let key = keys::of_credential(Table::Credential, account.id, id);
        let Some(record) = self.store().get(&key).await? else { return Ok(None) };
        let credential: Credential = codec::decode(&record)?;
        // The index may be ahead of what was read, or behind.
        let selector = credential.selectors.iter().find(|selector| Term::of(selector).as_ref() == Some(term)).cloned();
        let Some(selector) = selector.filter(|_| credential.deleted_at.is_none()) else { return Ok(None) };
        if !self.is_within_scope(caller, &credential).await? {
            return Ok(None);
        }
        Ok(Some(Match { found: Found { credential, revision: record.revision }, selector }))
    }
}

const CHUNK: usize = 50;
