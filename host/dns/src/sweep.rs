//! Cleaning up what was cut off: records whose change began and did not end.

use bursar_credentials::{Found, Outbound};
use bursar_kernel::audit::{Action, Event};
use bursar_kernel::id::CredentialId;
use bursar_kernel::keys::{Key, Table};
use bursar_kernel::plugin::{Ability, PluginError, code};
use bursar_kernel::store::{Batch, Expect, Record, StoreError};
use bursar_kernel::{Error, Kind, codec};
use serde_json::json;

use crate::change::Aim;
use crate::command::RecordRequest;
use crate::{Dns, DnsRecord, keys};

/// A record that could not be cleaned up this time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SweepFailure {
    /// Whose it is.
    pub credential: CredentialId,
    /// Where it is.
    pub fqdn: String,
    /// The plugin error's code, or `type-not-loaded`.
    pub reason: &'static str,
    /// How often the sweep has failed, this time included.
    pub failures: u32,
}

impl Dns {
    /// Cleans up records that a crash, a failure or a shutdown has left on
    /// their way, as long as it is their time, and leases that have ended.
    /// Answers those it could not clean up; they are tried again later.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(&self) -> Result<Vec<SweepFailure>, Error> {
        self.sweep_leases().await?;
        let prefix = Key::table(Table::DnsRecord).bytes();
        let (mut after, mut tried, mut failures) = (Vec::new(), 0, Vec::new());
        loop {
            let rows = self.kernel.ports.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = rows.last() else { return Ok(failures) };
            after = last.key.clone();
            for row in rows {
                let record: DnsRecord = codec::decode(&row)?;
                if !record.state.is_unfinished() || record.due_at > self.kernel.ports.now() {
                    continue;
                }
                if tried == MAX_AT_ONCE {
                    return Ok(failures);
                }
                tried += 1;
                match self.finish(&row, &record).await {
                    Ok(failure) => failures.extend(failure),
                    // Somebody else is at it; a failing store would say why.
                    Err(error)
                        if matches!(error.kind, Kind::Conflict | Kind::Unavailable) && error.source.is_none() => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Removes the record of one row, and the row.
    async fn finish(&self, row: &Record, record: &DnsRecord) -> Result<Option<SweepFailure>, Error> {
        let Some(found) = self.owner_of(row).await? else { return self.forget(row, record).await };
        let failures = record.failures.saturating_add(1);
        let (credential, fqdn) = (found.credential.id, record.fqdn.to_string());
        let failed = |reason| SweepFailure { credential, fqdn, reason, failures };
        let of =
            self.kernel.ports.plugins().find(&found.credential.type_id).filter(|of| of.manifest.has(Ability::Dns01));
        let Some(of) = of else {
            self.put_off(row, record, failures).await?;
            return Ok(Some(failed("type-not-loaded")));
        };
        let Some(turn) = self.turn_now(&found.credential, &record.fqdn) else { return Ok(None) };
        let by = Event {
            detail: Some(json!({ "sweep": true, "was": record.state })),
            ..self.kernel.ports.system_event(Action::DnsCleanup)
        };
        let out = Outbound::of_stored(&self.kernel.ports, by, &found.credential, of, "dns").await?;
        let request =
            RecordRequest { fqdn: record.fqdn.clone(), value: record.value.clone(), ttl_seconds: record.ttl_seconds };
        // No patience: the next round comes.
        let now = self.kernel.ports.now();
        let change = self.begin(Aim::Cleanup, &found, out, &request, turn, now).await?;
        match self.carry_out(&change, now).await {
            Ok(_) => self.succeed(&change, None).await.map(|_| None),
            Err(error) => {
                self.fail(&change, &error, failures).await?;
                Ok(Some(failed(code(&error))))
            }
        }
    }

    /// The credential of a row, deleted ones too.
    async fn owner_of(&self, row: &Record) -> Result<Option<Found>, Error> {
        let Some((account, id)) = keys::owner_of_dns_record(&row.key) else { return Ok(None) };
        self.credentials.records().get(account, id).await
    }

    /// Deletes a row whose credential is gone: nothing could remove its record.
    async fn forget(&self, row: &Record, record: &DnsRecord) -> Result<Option<SweepFailure>, Error> {
        let mut event = self.kernel.ports.system_event(Action::Housekeeping);
        event.account = keys::owner_of_dns_record(&row.key).map(|(account, _)| account);
        event.detail = Some(json!({ "forgotten": "dns-record", "fqdn": record.fqdn, "value": record.value }));
        let batch = Batch::default().delete(row.key.clone(), Expect::At(row.revision));
        self.kernel.ports.store().commit(batch.event(event)).await?;
        Ok(None)
    }

    /// Tries a row again later.
    async fn put_off(&self, row: &Record, record: &DnsRecord, failures: u32) -> Result<(), Error> {
        let record = self.postponed(record, &PluginError::Unavailable(String::new()), failures);
        let batch = Batch::default().put(row.key.clone(), Expect::At(row.revision), codec::encode(&record)?);
        self.kernel.ports.store().commit(batch).await?;
        Ok(())
    }

    async fn sweep_leases(&self) -> Result<(), Error> {
        let leases = self.kernel.ports.store().scan(&Key::table(Table::DnsLease).bytes(), &[], CHUNK).await?;
        let batch = self.clear_leases(leases, Batch::default())?;
        if batch.changes.is_empty() {
            return Ok(());
        }
        match self.kernel.ports.store().commit(batch.event(self.kernel.ports.system_event(Action::Housekeeping))).await
        {
            // One was taken meanwhile; the next round comes.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

const CHUNK: usize = 500;
/// Calls of plugins in one round.
const MAX_AT_ONCE: usize = 50;
