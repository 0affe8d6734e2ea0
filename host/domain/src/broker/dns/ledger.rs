//! The ledger: which records a credential has put somewhere, or tries to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::credentials::Found;
use super::super::{Broker, Page, codec, keys_for, page};
use crate::access::{Caller, Right};
use crate::audit::Action;
use crate::credential::Credential;
use crate::dns::{DnsRecord, RecordRequest};
use crate::id::Reference;
use crate::keys::Table;
use crate::plugin::PluginError;
use crate::store::Record;
use crate::{Conflict, Error, Kind, keys};

impl Broker {
    /// The records of a credential, oldest first; none for one of another type.
    ///
    /// # Errors
    ///
    /// Not found, the caller lacks the right, or the cursor is not ours.
    pub async fn list_dns_records(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DnsRecord>, Error> {
        let account = self.authorize(caller, account, Right::Read, Action::CredentialRead).await?;
        let credential = self.find(caller, &account, credential).await?.credential;
        let after = page::after(cursor)?;
        let mut items: Vec<DnsRecord> =
            self.records_of(&credential).await?.iter().map(codec::decode).collect::<Result<_, _>>()?;
        items.sort_by_key(|record| record.id);
        items.retain(|record| after.is_none_or(|after| record.id > after));
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|record| record.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// Every row of a credential.
    pub(in super::super) async fn records_of(&self, credential: &Credential) -> Result<Vec<Record>, Error> {
        Ok(self.store().scan(&keys_for(credential, Table::DnsRecord), &[], usize::MAX).await?)
    }

    /// What is in the way of purging a credential: records that nobody could
    /// remove any more.
    pub(in super::super) fn in_the_way(credential: &Credential, rows: &[Record]) -> Result<(), Error> {
        if rows.is_empty() {
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
        let conflicts = rows.iter().map(conflict).collect::<Result<_, Error>>()?;
        let message = "DNS records that were put somewhere with this credential are still there: clean them up first";
        Err(Error { conflicts, ..Error::new(Kind::Conflict, message) })
    }

    pub(super) fn record_key(&self, credential: &Credential, request: &RecordRequest) -> Vec<u8> {
        let name = request.fqdn.as_str();
        keys::dns_record(self.blind(), credential.account, credential.id, name, &request.value)
    }

    /// Refuses one more record where there are too many.
    pub(super) async fn has_room(&self, credential: &Credential) -> Result<(), Error> {
        let rows = self.store().scan(&keys_for(credential, Table::DnsRecord), &[], MAX_RECORDS).await?;
        if rows.len() < MAX_RECORDS {
            return Ok(());
        }
        let message = format!("the credential has {MAX_RECORDS} records somewhere already: clean some up first");
        Err(Error::new(Kind::Conflict, message))
    }

    /// Refuses to go on with a credential that is another by now.
    pub(super) async fn is_unchanged(&self, found: &Found) -> Result<(), Error> {
        let record = self.store().get(&keys_for(&found.credential, Table::Credential)).await?;
        if record.is_some_and(|record| record.revision == found.revision) {
            return Ok(());
        }
        Err(Error::new(Kind::Conflict, "the credential was changed meanwhile: try again"))
    }

    /// The row with the sweep's next try put off: the longer, the more have
    /// failed.
    pub(super) fn postponed(&self, record: &DnsRecord, error: &PluginError, failures: u32) -> DnsRecord {
        let longest = (FIRST_RETRY * 2_u32.pow(failures.min(MAX_DOUBLINGS))).min(LONGEST_RETRY);
        let asked = match error {
            PluginError::Throttled(Some(seconds)) => Duration::from_secs(u64::from(*seconds)),
            _ => Duration::ZERO,
        };
        let pause = (longest / 2 + self.jittered(longest / 2)).max(asked).min(LONGEST_RETRY);
        let due_at = SignedDuration::try_from(pause).ok().and_then(|pause| self.now().checked_add(pause).ok());
        let due_at = due_at.unwrap_or(Timestamp::MAX);
        DnsRecord { failures, due_at, ..record.clone() }
    }
}

/// Of one credential: challenges come and go, so that more are forgotten ones.
const MAX_RECORDS: usize = 500;
const FIRST_RETRY: Duration = Duration::from_mins(2);
const LONGEST_RETRY: Duration = Duration::from_hours(6);
const MAX_DOUBLINGS: u32 = 8;
