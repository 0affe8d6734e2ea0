//! What DNS records hang on a credential: those it put somewhere, which nobody
//! could remove any more once it is purged.

use async_trait::async_trait;
use bursar_credentials::{Credential, Dependents, Extras, Hold, Removal, keys as credential_keys};
use bursar_kernel::audit::Event;
use bursar_kernel::keys::Table;
use bursar_kernel::store::{Batch, Expect, Record};
use bursar_kernel::{Account, Caller, Conflict, Error, Kind, Ports, codec};
use serde_json::json;

use crate::DnsRecord;

/// DNS records as an area that hangs something on credentials.
pub struct DnsDependents {
    ports: Ports,
}

/// The ledger's rows of a credential.
struct Rows(Vec<Record>);

impl DnsDependents {
    /// The ledger in this store. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    async fn rows(&self, credential: &Credential) -> Result<Rows, Error> {
        let prefix = credential_keys::for_credential(credential, Table::DnsRecord);
        Ok(Rows(self.ports.store().scan(&prefix, &[], usize::MAX).await?))
    }
}

#[async_trait]
impl Dependents for DnsDependents {
    async fn describe(
        &self,
        _: &Caller,
        _: &Account,
        credentials: &[&Credential],
        extras: &mut [Extras],
        _: bool,
    ) -> Result<(), Error> {
        for (credential, extras) in credentials.iter().zip(extras) {
            // A live credential can still remove its records; they are no worry then.
            if credential.deleted_at.is_some() {
                extras.records = self.rows(credential).await?.0.len();
            }
        }
        Ok(())
    }

    async fn hold(&self, credential: &Credential) -> Result<Box<dyn Hold>, Error> {
        Ok(Box::new(self.rows(credential).await?))
    }
}

impl Hold for Rows {
    fn permits(&self, credential: &Credential, removal: Removal) -> Result<(), Error> {
        if self.0.is_empty() || removal == Removal::Deletion {
            return Ok(());
        }
        let conflict = |row: &Record| {
            let record: DnsRecord = codec::decode(row)?;
            Ok(Conflict {
                kind: "dns-record".to_owned(),
                id: record.id.to_string(),
                name: record.fqdn.to_string(),
                url: format!("/v1/accounts/{}/credentials/{}/dns", credential.account, credential.id),
            })
        };
        let conflicts = self.0.iter().map(conflict).collect::<Result<_, Error>>()?;
        let message = "DNS records that were put somewhere with this credential are still there: clean them up first";
        Err(Error { conflicts, ..Error::new(Kind::Conflict, message) })
    }

    fn destroy(&mut self, batch: Batch, event: &mut Event) -> Result<Batch, Error> {
        if let (false, Some(detail)) = (self.0.is_empty(), &mut event.detail) {
            detail["abandonedDnsRecords"] = json!(self.0.len());
        }
        Ok(self.0.drain(..).fold(batch, |batch, row| batch.delete(row.key, Expect::Any)))
    }
}
