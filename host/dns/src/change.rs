//! A change of one record at a provider: the intent before, the outcome after.

use bursar_credentials::{Found, Outbound, Patience, Protocol, RESERVED, Way, bounded, keys as credential_keys};
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::{PluginError, TxtRecord, code};
use bursar_kernel::store::{Batch, Expect, Revision, StoreError};
use bursar_kernel::{Error, Operation, codec};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::command::RecordRequest;
use crate::lease::Turn;
use crate::{Dns, DnsRecord, RecordState};

/// What a change is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Aim {
    Present,
    Cleanup,
}

/// A change whose intent is committed.
pub(crate) struct Change {
    aim: Aim,
    /// The credential in use.
    pub(crate) out: Outbound,
    /// The ledger's row before, where there was one.
    before: Option<DnsRecord>,
    /// The row as the intent left it.
    pub(crate) record: DnsRecord,
    key: Vec<u8>,
    /// Of the intent's commit.
    revision: Revision,
    turn: Turn,
}

impl Dns {
    /// Commits the intent: the event, the row, the lease, and that the
    /// credential is in use.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Unavailable`] where another process held the lease until
    /// `deadline`, [`bursar_kernel::Kind::Conflict`] where the credential changed or went
    /// meanwhile, or has too many records already.
    pub(crate) async fn begin(
        &self,
        aim: Aim,
        found: &Found,
        out: Outbound,
        request: &RecordRequest,
        turn: Turn,
        deadline: Timestamp,
    ) -> Result<Change, Error> {
        let credential = &found.credential;
        let key = self.record_key(credential, request);
        let mut retry = self.kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let lease = self.free_lease(&turn, deadline).await?;
            let row = self.kernel.ports.store().get(&key).await?;
            let before: Option<DnsRecord> = row.as_ref().map(codec::decode).transpose()?;
            if before.is_none() && aim == Aim::Present {
                self.has_room(credential).await?;
            }
            let record = self.intended(aim, &out, request, before.as_ref());
            let event = out.event(self.kernel.ports.now(), aim.action(), Outcome::Ok, detail(&record, "intent"));
            let expect = row.map_or(Expect::Absent, |row| Expect::At(row.revision));
            let way = Way { protocol: Protocol::Dns, consumer: None, actor: out.actor().to_owned(), fallback: false };
            let batch = self
                .credentials
                .uses()
                .note(Batch::default(), credential, way)
                .await?
                .put(key.clone(), expect, codec::encode(&record)?)
                .require(credential_keys::for_credential(credential, Table::Credential), Expect::At(found.revision))
                .event(event);
            if let Some(revision) = retry.commit(self.take_lease(&turn, lease, batch)?).await? {
                return Ok(Change { aim, out, before, record, key, revision, turn });
            }
            self.is_unchanged(found).await?;
        }
    }

    /// Asks the plugin for the change, patiently. Answers the handle, which is
    /// empty for a cleanup.
    pub(crate) async fn carry_out(&self, change: &Change, deadline: Timestamp) -> Result<String, PluginError> {
        let ports = &self.kernel.ports;
        let id = change.out.of.manifest.id.as_str();
        let record = &change.record;
        let txt = TxtRecord {
            fqdn: record.fqdn.to_string(),
            zone_hint: None,
            value: record.value.clone(),
            ttl_seconds: record.ttl_seconds,
        };
        let mut patience = Patience::new(ports, deadline);
        loop {
            let call = change.out.call();
            let answer = match change.aim {
                Aim::Present => bounded(ports, ports.plugins().dns_present(id, &call, &txt)).await,
                Aim::Cleanup => {
                    let cleanup = ports.plugins().dns_cleanup(id, &call, &txt, &record.handle);
                    bounded(ports, cleanup).await.map(|()| String::new())
                }
            };
            match answer {
                Ok(handle) => return Ok(handle),
                Err(error) => patience.with(error).await?,
            }
        }
    }

    /// Commits that it worked, with the row as it is now, or none. Answers the
    /// commit; `None` where the row was no longer ours to write.
    ///
    /// # Errors
    ///
    /// Where storage fails; the sweep then cleans up.
    pub(crate) async fn succeed(&self, change: &Change, after: Option<&DnsRecord>) -> Result<Option<Revision>, Error> {
        let mut detail = detail(after.unwrap_or(&change.record), "outcome");
        if after.is_none() {
            detail["state"] = json!(ABSENT);
        }
        self.conclude(change, after, Outcome::Ok, detail).await
    }

    /// Commits that it failed. What was settled before is so still; what may
    /// have come half-way is the sweep's, which has failed `failures` times so
    /// far.
    ///
    /// # Errors
    ///
    /// As for [`Dns::succeed`].
    pub(crate) async fn fail(&self, change: &Change, error: &PluginError, failures: u32) -> Result<(), Error> {
        let settled_before = change.before.as_ref().filter(|before| !before.state.is_unfinished());
        let after = match (change.aim, settled_before) {
            (Aim::Present, Some(before)) => Some(before.clone()),
            _ if change.before.is_none() && left_nothing(error) => None,
            _ => Some(self.postponed(&change.record, error, failures)),
        };
        let mut detail = detail(&change.record, "outcome");
        detail["state"] = after.as_ref().map_or(json!(ABSENT), |after| json!(after.state));
        detail["reason"] = json!(code(error));
        self.conclude(change, after.as_ref(), Outcome::Failed, detail).await.map(drop)
    }

    async fn conclude(
        &self,
        change: &Change,
        after: Option<&DnsRecord>,
        outcome: Outcome,
        mut detail: Value,
    ) -> Result<Option<Revision>, Error> {
        let event = |detail| change.out.event(self.kernel.ports.now(), change.aim.action(), outcome, detail);
        let at = Expect::At(change.revision);
        let batch = match after {
            Some(record) => Batch::default().put(change.key.clone(), at, codec::encode(record)?),
            None => Batch::default().delete(change.key.clone(), at),
        };
        match self
            .kernel
            .ports
            .store()
            .commit(change.turn.release(change.revision, batch).event(event(detail.clone())))
            .await
        {
            Err(StoreError::Conflict) => {}
            done => return Ok(Some(done?)),
        }
        // Purged by force, or taken over after the lease had ended. What was done
        // is to be told all the same.
        detail["overtaken"] = json!(true);
        let batch = self.give_lease_back(&change.turn, Batch::default()).await?;
        self.kernel.ports.store().commit(batch.event(event(detail))).await?;
        Ok(None)
    }

    /// The row that stands for the intent.
    fn intended(&self, aim: Aim, out: &Outbound, request: &RecordRequest, before: Option<&DnsRecord>) -> DnsRecord {
        let now = self.kernel.ports.now();
        DnsRecord {
            id: before.map_or_else(|| self.kernel.ports.new_id(), |before| before.id),
            fqdn: request.fqdn.clone(),
            value: request.value.clone(),
            ttl_seconds: match (aim, before) {
                (Aim::Cleanup, Some(before)) => before.ttl_seconds,
                _ => request.ttl_seconds,
            },
            state: aim.state(),
            since: now,
            by: out.actor().to_owned(),
            handle: before.map(|before| before.handle.clone()).unwrap_or_default(),
            failures: 0,
            due_at: now + RESERVED,
        }
    }
}

impl Change {
    /// Gives up the turn and keeps what is needed to look after the record: the
    /// credential in use and the row's key.
    pub(crate) fn into_parts(self) -> (Outbound, Vec<u8>) {
        (self.out, self.key)
    }
}

impl Aim {
    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Present => Operation::PresentDnsRecord,
            Self::Cleanup => Operation::CleanUpDnsRecord,
        }
    }

    pub(crate) fn action(self) -> Action {
        self.operation().demand().1
    }

    fn state(self) -> RecordState {
        match self {
            Self::Present => RecordState::Presenting,
            Self::Cleanup => RecordState::Removing,
        }
    }
}

/// What events tell of a record. The value is published, so it may be told.
pub(crate) fn detail(record: &DnsRecord, phase: &str) -> Value {
    json!({ "phase": phase, "fqdn": record.fqdn, "value": record.value, "state": record.state })
}

/// Whether the provider has certainly written nothing.
fn left_nothing(error: &PluginError) -> bool {
    match error {
        PluginError::Invalid(_)
        | PluginError::Denied(_)
        | PluginError::NotFound(_)
        | PluginError::Unsupported(_)
        | PluginError::Busy => true,
        PluginError::Throttled(_) | PluginError::Unavailable(_) | PluginError::Failed(_) => false,
    }
}

/// How events tell that there is no record any more.
const ABSENT: &str = "absent";
