//! Putting a record somewhere.

use std::time::Duration;

use bursar_credentials::{Outbound, bounded};
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::plugin::{Blame, PluginError, Progress, refusal};
use bursar_kernel::store::{Batch, Expect, Revision, StoreError};
use bursar_kernel::{Caller, Error, Kind, Submitted, codec};
use jiff::Timestamp;

use crate::change::{Aim, detail};
use crate::command::RecordRequest;
use crate::request::Allowed;
use crate::{Dns, DnsRecord, PresentRecord, RecordState};

impl Dns {
    /// Adds a record at its provider and waits until it is at all of the
    /// provider's servers, as long as a request may last; then it is answered
    /// as pending. Who asks again for one that is pending looks again.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, also where the provider
    /// refuses the credential or has no zone for the name;
    /// [`Kind::Unsupported`] for a credential of another type.
    pub async fn present(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        submitted: Submitted<PresentRecord>,
    ) -> Result<DnsRecord, Error> {
        let Allowed { found, of, request, by, deadline } =
            self.allow(Aim::Present, caller, account, credential, || RecordRequest::present(submitted)).await?;
        let out = Outbound::of_stored(&self.kernel.ports, by, &found.credential, of, "dns").await?;
        let key = self.record_key(&found.credential, &request);
        if let Some(row) = self.kernel.ports.store().get(&key).await? {
            let record: DnsRecord = codec::decode(&row)?;
            if record.state == RecordState::Pending {
                let intent =
                    out.event(self.kernel.ports.now(), Action::DnsPresent, Outcome::Ok, detail(&record, "intent"));
                self.kernel.journal.record(intent).await?;
                let progress = self.poll(&out, &record.handle).await;
                // A provider that has forgotten the change is asked for it anew.
                if !matches!(progress, Err(PluginError::NotFound(_))) {
                    return self.await_servers(&out, &key, record, row.revision, progress, deadline).await;
                }
            }
        }
        let turn = self.turn(&found.credential, &request.fqdn, deadline).await?;
        let change = self.begin(Aim::Present, &found, out, &request, turn, deadline).await?;
        let handle = match self.carry_out(&change, deadline).await {
            Ok(handle) => handle,
            Err(error) => {
                self.fail(&change, &error, 0).await?;
                return Err(refusal(error, Blame::STORED_AT_NAME));
            }
        };
        let progress = self.poll(&change.out, &handle).await;
        let state = if matches!(progress, Ok(Progress::Done)) { RecordState::Present } else { RecordState::Pending };
        let record = DnsRecord { state, handle, since: self.kernel.ports.now(), failures: 0, ..change.record.clone() };
        let Some(revision) = self.succeed(&change, Some(&record)).await? else { return Err(removed_meanwhile()) };
        if state == RecordState::Present {
            return Ok(record);
        }
        // Others may change the set while this one waits.
        let (out, key) = change.into_parts();
        self.await_servers(&out, &key, record, revision, progress, deadline).await
    }

    /// Looks at a pending record until it is at all servers or the time is over.
    async fn await_servers(
        &self,
        out: &Outbound,
        key: &[u8],
        record: DnsRecord,
        revision: Revision,
        first: Result<Progress, PluginError>,
        deadline: Timestamp,
    ) -> Result<DnsRecord, Error> {
        let mut progress = first;
        loop {
            let seconds = match progress {
                Ok(Progress::Done) => return self.arrived(out, key, record, revision).await,
                Ok(Progress::Pending(seconds)) => seconds,
                Err(PluginError::Throttled(seconds)) => seconds.unwrap_or(MAX_PAUSE_SECONDS),
                Err(PluginError::Unavailable(_)) => MIN_PAUSE_SECONDS,
                Err(error) => return Err(refusal(error, Blame::STORED_AT_NAME)),
            };
            let pause = Duration::from_secs(u64::from(seconds.clamp(MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS)));
            if !self.kernel.ports.wait(pause, deadline).await {
                return Ok(record);
            }
            progress = self.poll(out, &record.handle).await;
        }
    }

    async fn arrived(
        &self,
        out: &Outbound,
        key: &[u8],
        record: DnsRecord,
        revision: Revision,
    ) -> Result<DnsRecord, Error> {
        let now = self.kernel.ports.now();
        let record = DnsRecord { state: RecordState::Present, since: now, ..record };
        let event = out.event(now, Action::DnsPresent, Outcome::Ok, detail(&record, "outcome"));
        let batch = Batch::default().put(key.to_vec(), Expect::At(revision), codec::encode(&record)?).event(event);
        match self.kernel.ports.store().commit(batch).await {
            Ok(_) => Ok(record),
            Err(StoreError::Conflict) => self.overtaken_by(key).await,
            Err(error) => Err(error.into()),
        }
    }

    /// What another request has made of the row meanwhile.
    async fn overtaken_by(&self, key: &[u8]) -> Result<DnsRecord, Error> {
        let row = self.kernel.ports.store().get(key).await?.ok_or_else(removed_meanwhile)?;
        let record: DnsRecord = codec::decode(&row)?;
        if record.state == RecordState::Removing { Err(removed_meanwhile()) } else { Ok(record) }
    }

    async fn poll(&self, out: &Outbound, handle: &str) -> Result<Progress, PluginError> {
        let ports = &self.kernel.ports;
        bounded(ports, ports.plugins().dns_poll(&out.of.manifest.id, &out.call(), handle)).await
    }
}

fn removed_meanwhile() -> Error {
    Error::new(Kind::Conflict, "another request removed the record meanwhile")
}

const MIN_PAUSE_SECONDS: u32 = 1;
const MAX_PAUSE_SECONDS: u32 = 15;
