//! Credentials as stored, whoever asks.

use bursar_kernel::id::{AccountId, CredentialId, Reference};
use bursar_kernel::keys::{Table, of_credential};
use bursar_kernel::plugin::Context;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::store::{Record, Revision};
use bursar_kernel::{Error, Ports, codec};

use crate::{Credential, keys};

/// Reads the records of credentials. Cheap to clone.
#[derive(Clone)]
pub struct CredentialRecords {
    ports: Ports,
}

/// A credential and the revision it was read at.
#[derive(Clone)]
pub struct Found {
    /// The record.
    pub credential: Credential,
    /// Its revision.
    pub revision: Revision,
}

impl CredentialRecords {
    /// Reads through these ports. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// A credential by its id, deleted ones too; `None` where it was purged.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn get(&self, account: AccountId, id: CredentialId) -> Result<Option<Found>, Error> {
        let record = self.ports.store().get(&of_credential(Table::Credential, account, id)).await?;
        record.as_ref().map(Found::read).transpose()
    }

    /// A credential by id (deleted ones too) or by name (live ones).
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn find(&self, account: AccountId, reference: &Reference) -> Result<Option<Found>, Error> {
        let id = match reference {
            Reference::Id(id) => CredentialId(*id),
            Reference::Name(name) => {
                let key = keys::credential_name(self.ports.blind(), account, name);
                match self.ports.store().get(&key).await? {
                    Some(index) => codec::decode(&index)?,
                    None => return Ok(None),
                }
            }
        };
        self.get(account, id).await
    }

    /// A part of an account's credentials, deleted ones too, oldest first: at most
    /// `limit` after the key `after` (empty: from the start), and the key of the
    /// last one. `None` at the end.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn page(
        &self,
        account: AccountId,
        after: &[u8],
        limit: usize,
    ) -> Result<Option<(Vec<Found>, Vec<u8>)>, Error> {
        let prefix = bursar_kernel::keys::of_account(Table::Credential, account);
        let records = self.ports.store().scan(&prefix, after, limit).await?;
        let Some(last) = records.last().map(|record| record.key.clone()) else { return Ok(None) };
        Ok(Some((records.iter().map(Found::read).collect::<Result<_, _>>()?, last)))
    }

    /// The whole data of one version, secrets included.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::NotFound`] where there is no such version.
    pub async fn secret_data(&self, credential: &Credential, version: u32) -> Result<SecretJson, Error> {
        let key = keys::of_version(Table::Secret, credential.account, credential.id, version);
        let record = self.ports.store().get(&key).await?.ok_or_else(|| Error::not_found("version"))?;
        codec::decode(&record).map(SecretJson::new)
    }

    /// The record of the credential's name: it goes with a deletion, so whoever
    /// must not race one requires it.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn name_record(&self, credential: &Credential) -> Result<Option<Record>, Error> {
        let key = keys::credential_name(self.ports.blind(), credential.account, credential.name.as_str());
        Ok(self.ports.store().get(&key).await?)
    }

    /// What a plugin is told when it materializes. The same version in the same
    /// format is made from the same seed, so that a salted file does not change
    /// until the credential does.
    #[must_use]
    pub fn materialize_context(&self, credential: &Credential, format: &str) -> Context {
        let about = format!("{}\n{}\n{}\n{format}", credential.id, credential.version, credential.type_id);
        Context {
            account: Some(credential.account),
            name: credential.name.to_string(),
            version: credential.version,
            seed: self.ports.blind().digest("materialize-seed", about.as_bytes()),
            options: serde_json::json!({}),
        }
    }
}

impl Found {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Where it is no credential's.
    pub fn read(record: &Record) -> Result<Self, Error> {
        Ok(Self { credential: codec::decode(record)?, revision: record.revision })
    }
}

/// There is no such credential.
#[must_use]
pub fn not_found() -> Error {
    Error::not_found("credential")
}
