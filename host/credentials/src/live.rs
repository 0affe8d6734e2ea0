//! Which credentials of a type are live in an account: one index entry for each,
//! so that whether there is another one is one look, whatever the account holds.

use bursar_kernel::audit::{Action, Event};
use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::keys::{Table, of_account, of_credential};
use bursar_kernel::store::{Batch, Expect, StoreError};
use bursar_kernel::{ATTEMPTS, Error, codec};
use serde_json::json;

use crate::{Credential, Defaults, keys};

impl Defaults {
    /// Adds the entry of a credential that is live from then on.
    pub(crate) fn enter_live(&self, batch: Batch, credential: &Credential) -> Result<Batch, Error> {
        let key = keys::live_of_type(self.ports.blind(), credential.account, &credential.type_id, credential.id);
        Ok(batch.put(key, Expect::Any, codec::encode(&credential.id)?))
    }

    /// Removes it.
    pub(crate) fn leave_live(&self, batch: Batch, credential: &Credential) -> Batch {
        let key = keys::live_of_type(self.ports.blind(), credential.account, &credential.type_id, credential.id);
        batch.delete(key, Expect::Any)
    }

    /// Whether a live credential of the type is there beside `except`.
    pub(crate) async fn is_other_live(
        &self,
        account: AccountId,
        type_id: &str,
        except: CredentialId,
    ) -> Result<bool, Error> {
        self.index_live(account).await?;
        let prefix = keys::live_of_type_mark(self.ports.blind(), account, type_id);
        let mut after = prefix.clone();
        loop {
            let entries = self.ports.store().scan(&prefix, &after, CHUNK).await?;
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

    pub(crate) async fn is_live(&self, account: AccountId, id: CredentialId) -> Result<bool, Error> {
        let record = self.ports.store().get(&of_credential(Table::Credential, account, id)).await?;
        let credential: Option<Credential> = record.as_ref().map(codec::decode).transpose()?;
        Ok(credential.is_some_and(|credential| credential.deleted_at.is_none()))
    }

    /// Enters what an account has from before there was an index, once. A
    /// credential that is created, deleted or restored meanwhile keeps its own
    /// entry.
    async fn index_live(&self, account: AccountId) -> Result<(), Error> {
        let indexed = keys::live_indexed(account);
        if self.ports.store().get(&indexed).await?.is_some() {
            return Ok(());
        }
        let mut after = Vec::new();
        loop {
            let prefix = of_account(Table::Credential, account);
            let mut tries = 0;
            let last = loop {
                let records = self.ports.store().scan(&prefix, &after, CHUNK_TO_INDEX).await?;
                let Some(last) = records.last().map(|record| record.key.clone()) else { break None };
                let mut batch = Batch::default().event(self.indexed(account, &json!(records.len())));
                for record in &records {
                    let credential: Credential = codec::decode(record)?;
                    if credential.deleted_at.is_none() {
                        let own = keys::for_credential(&credential, Table::Credential);
                        batch = self.enter_live(batch.require(own, Expect::At(record.revision)), &credential)?;
                    }
                }
                match self.ports.store().commit(batch).await {
                    Ok(_) => break Some(last),
                    // One of them was changed meanwhile.
                    Err(StoreError::Conflict) if tries < ATTEMPTS => tries += 1,
                    Err(error) => return Err(error.into()),
                }
            };
            let Some(last) = last else { break };
            after = last;
        }
        let batch = Batch::default().put(indexed, Expect::Any, codec::encode(&true)?);
        self.ports.store().commit(batch.event(self.indexed(account, &json!("all")))).await?;
        Ok(())
    }

    fn indexed(&self, account: AccountId, what: &serde_json::Value) -> Event {
        let detail = Some(json!({ "indexed": what }));
        Event { account: Some(account), detail, ..self.ports.system_event(Action::Housekeeping) }
    }
}

const CHUNK: usize = 16;
const CHUNK_TO_INDEX: usize = 200;
