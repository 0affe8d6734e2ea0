//! Which credentials of a type are live in an account: one index entry for each,
//! so that whether there is another one is one look, whatever the account holds.

use super::super::{ATTEMPTS, Broker, codec, keys_for};
use crate::Error;
use crate::audit::Action;
use crate::credential::Credential;
use crate::id::{AccountId, CredentialId};
use crate::keys::{self, Table};
use crate::store::{Batch, Error as StoreError, Expect};

impl Broker {
    /// Adds the entry of a credential that is live from then on.
    pub(super) fn enter_as_live(&self, batch: Batch, credential: &Credential) -> Result<Batch, Error> {
        let key = keys::live_of_type(self.blind(), credential.account, &credential.type_id, credential.id);
        Ok(batch.put(key, Expect::Any, codec::encode(&credential.id)?))
    }

    /// Removes it.
    pub(super) fn remove_from_live(&self, batch: Batch, credential: &Credential) -> Batch {
        let key = keys::live_of_type(self.blind(), credential.account, &credential.type_id, credential.id);
        batch.delete(key, Expect::Any)
    }

    /// Whether a live credential of the type is there beside `except`.
    pub(super) async fn is_other_live(
        &self,
        account: AccountId,
        type_id: &str,
        except: CredentialId,
    ) -> Result<bool, Error> {
        self.index_live(account).await?;
        let prefix = keys::live_of_type_mark(self.blind(), account, type_id);
        let mut after = prefix.clone();
        loop {
            let entries = self.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = entries.last() else { return Ok(false) };
            after.clone_from(&last.key);
            for entry in &entries {
                let id: CredentialId = codec::decode(entry)?;
                // A node of an older version removes no entry.
                if id != except && self.is_live(account, id).await? {
                    return Ok(true);
                }
            }
        }
    }

    pub(super) async fn is_live(&self, account: AccountId, id: CredentialId) -> Result<bool, Error> {
        let record = self.store().get(&keys::of_credential(Table::Credential, account, id)).await?;
        let credential: Option<Credential> = record.as_ref().map(codec::decode).transpose()?;
        Ok(credential.is_some_and(|credential| credential.deleted_at.is_none()))
    }

    /// Enters what an account has from before there was an index, once. A
    /// credential that is created, deleted or restored meanwhile keeps its own
    /// entry.
    async fn index_live(&self, account: AccountId) -> Result<(), Error> {
        let indexed = keys::live_indexed(account);
        if self.store().get(&indexed).await?.is_some() {
            return Ok(());
        }
        let mut after = Vec::new();
        loop {
            let prefix = keys::of_account(Table::Credential, account);
            let mut tries = 0;
            let last = loop {
                let records = self.store().scan(&prefix, &after, CHUNK_TO_INDEX).await?;
                let Some(last) = records.last().map(|record| record.key.clone()) else { break None };
                let mut event = self.system_event(Action::Housekeeping);
                event.account = Some(account);
                event.detail = Some(serde_json::json!({ "indexed": records.len() }));
                let mut batch = Batch::default().event(event);
                for record in &records {
                    let credential: Credential = codec::decode(record)?;
                    if credential.deleted_at.is_none() {
                        let own = keys_for(&credential, Table::Credential);
                        batch = self.enter_as_live(batch.require(own, Expect::At(record.revision)), &credential)?;
                    }
                }
                match self.store().commit(batch).await {
                    Ok(_) => break Some(last),
                    // One of them was changed meanwhile.
                    Err(StoreError::Conflict) if tries < ATTEMPTS => tries += 1,
                    Err(error) => return Err(error.into()),
                }
            };
            let Some(last) = last else { break };
            after = last;
        }
        let mut event = self.system_event(Action::Housekeeping);
        event.account = Some(account);
        event.detail = Some(serde_json::json!({ "indexed": "all" }));
        self.store().commit(Batch::default().put(indexed, Expect::Any, codec::encode(&true)?).event(event)).await?;
        Ok(())
    }
}

const CHUNK: usize = 16;
const CHUNK_TO_INDEX: usize = 200;
