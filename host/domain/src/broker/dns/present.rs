//! Putting a record somewhere.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::super::network::Outbound;
use super::super::refusal::{Blame, refusal};
use super::super::{Broker, codec};
use super::change::{Aim, detail};
use super::request::Allowed;
use crate::access::Caller;
use crate::audit::{Action, Outcome};
use crate::dns::{DnsRecord, RecordState};
use crate::id::Reference;
use crate::plugin::{PluginError, Progress};
use crate::store::{Batch, Error as StoreError, Expect, Revision};
use crate::{Error, Kind};

impl Broker {
    /// Adds a record at its provider and waits until it is at all of the
    /// provider's servers, as long as a request may last; then it is answered
    /// as pending. Who asks again for one that is pending looks again.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, also where the provider
    /// refuses the credential or has no zone for the name;
    /// [`Kind::Unsupported`] for a credential of another type.
    pub async fn dns_present(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        body: Value,
    ) -> Result<DnsRecord, Error> {
        let Allowed { found, of, request, by, deadline } =
            self.allow(Aim::Present, caller, account, credential, body).await?;
        let out = self.outbound(by, &found.credential, of, "dns").await?;
        let key = self.record_key(&found.credential, &request);
        if let Some(row) = self.store().get(&key).await? {
            let record: DnsRecord = codec::decode(&row)?;
            if record.state == RecordState::Pending {
                let intent = out.event(self.now(), Action::DnsPresent, Outcome::Ok, detail(&record, "intent"));
                self.record(intent).await?;
                let progress = self.poll(&out, &record.handle).await;
                // A provider that has forgotten the change is asked for it anew.
                if !matches!(progress, Err(PluginError::NotFound(_))) {
                    return self.settle(&out, &key, record, row.revision, progress, deadline).await;
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
        let record = DnsRecord { state, handle, since: self.now(), failures: 0, ..change.record.clone() };
        let Some(revision) = self.succeed(&change, Some(&record)).await? else { return Err(removed_meanwhile()) };
        if state == RecordState::Present {
            return Ok(record);
        }
        // Others may change the set while this one waits.
        let (out, key) = change.into_parts();
        self.settle(&out, &key, record, revision, progress, deadline).await
    }

    /// Looks at a pending record until it is at all servers or the time is over.
    async fn settle(
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
                Ok(Progress::Done) => return self.settled(out, key, record, revision).await,
                Ok(Progress::Pending(seconds)) => seconds,
                Err(PluginError::Throttled(seconds)) => seconds.unwrap_or(MAX_PAUSE_SECONDS),
                Err(PluginError::Unavailable(_)) => MIN_PAUSE_SECONDS,
                Err(error) => return Err(refusal(error, Blame::STORED_AT_NAME)),
            };
            let pause = Duration::from_secs(u64::from(seconds.clamp(MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS)));
            if !self.wait(pause, deadline).await {
                return Ok(record);
            }
            progress = self.poll(out, &record.handle).await;
        }
    }

    async fn settled(
        &self,
        out: &Outbound,
        key: &[u8],
        record: DnsRecord,
        revision: Revision,
    ) -> Result<DnsRecord, Error> {
        let now = self.now();
        let record = DnsRecord { state: RecordState::Present, since: now, ..record };
        let event = out.event(now, Action::DnsPresent, Outcome::Ok, detail(&record, "outcome"));
        let batch = Batch::default().put(key.to_vec(), Expect::At(revision), codec::encode(&record)?).event(event);
        match self.store().commit(batch).await {
            Ok(_) => Ok(record),
            Err(StoreError::Conflict) => self.overtaken_by(key).await,
            Err(error) => Err(error.into()),
        }
    }

    /// What another request has made of the row meanwhile.
    async fn overtaken_by(&self, key: &[u8]) -> Result<DnsRecord, Error> {
        let row = self.store().get(key).await?.ok_or_else(removed_meanwhile)?;
        let record: DnsRecord = codec::decode(&row)?;
        if record.state == RecordState::Removing { Err(removed_meanwhile()) } else { Ok(record) }
    }

    async fn poll(&self, out: &Outbound, handle: &str) -> Result<Progress, PluginError> {
        self.bounded(self.plugins().dns_poll(&out.of.manifest.id, &out.call(), handle)).await
    }
}

fn removed_meanwhile() -> Error {
    Error::new(Kind::Conflict, "another request removed the record meanwhile")
}

const MIN_PAUSE_SECONDS: u32 = 1;
const MAX_PAUSE_SECONDS: u32 = 15;
