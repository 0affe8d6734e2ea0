//! Finding credentials by what their types say they are for: an index by
//! selector, written with each version.

use std::collections::BTreeSet;

use bursar_kernel::id::CredentialId;
use bursar_kernel::plugin::Selector;
use bursar_kernel::store::{Batch, BlindIndex, Expect};
use bursar_kernel::{Account, Caller, Error, codec};

use crate::selector::Term;
use crate::{Credential, Credentials, Found, keys};

/// A credential and the selector that it was found by.
pub struct Match {
    /// The credential.
    pub found: Found,
    /// The selector.
    pub selector: Selector,
}

/// Adds to `batch` that a credential is found by its selectors, and no more by
/// those of `before`. A deleted one keeps its entries.
pub(crate) fn write(
    blind: &dyn BlindIndex,
    mut batch: Batch,
    credential: &Credential,
    before: &BTreeSet<Term>,
) -> Result<Batch, Error> {
    let now = Term::all(&credential.selectors);
    let key = |term: &Term| keys::selector(blind, credential.account, term, credential.id);
    for term in before.difference(&now) {
        batch = batch.delete(key(term), Expect::Any);
    }
    for term in now.difference(before) {
        batch = batch.put(key(term), Expect::Any, codec::encode(&credential.id)?);
    }
    Ok(batch)
}

/// Adds to `batch` that a credential is found by nothing any more.
pub(crate) fn remove(blind: &dyn BlindIndex, batch: Batch, credential: &Credential) -> Batch {
    let terms = Term::all(&credential.selectors);
    let key = |term: &Term| keys::selector(blind, credential.account, term, credential.id);
    terms.iter().fold(batch, |batch, term| batch.delete(key(term), Expect::Any))
}

impl Credentials {
    /// The live credentials within the caller's scope that are found by `term`,
    /// the oldest first, up to `limit`.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn found_by(
        &self,
        caller: &Caller,
        account: &Account,
        term: &Term,
        limit: usize,
    ) -> Result<Vec<Match>, Error> {
        let prefix = keys::selected_by(self.kernel.ports.blind(), account.id, term);
        let (mut after, mut matches) = (Vec::new(), Vec::new());
        loop {
            let entries = self.kernel.ports.store().scan(&prefix, &after, CHUNK).await?;
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
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn matched(
        &self,
        caller: &Caller,
        account: &Account,
        id: CredentialId,
        term: &Term,
    ) -> Result<Option<Match>, Error> {
        let Some(found) = self.records.get(account.id, id).await? else { return Ok(None) };
        let credential = &found.credential;
        // The index may be ahead of what was read, or behind.
        let selector = credential.selectors.iter().find(|selector| Term::of(selector).as_ref() == Some(term)).cloned();
        let Some(selector) = selector.filter(|_| credential.deleted_at.is_none()) else { return Ok(None) };
        Ok(self.is_within_scope(caller, credential).await?.then_some(Match { found, selector }))
    }
}

const CHUNK: usize = 50;
