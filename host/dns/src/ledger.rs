//! The ledger: which records a credential has put somewhere, or tries to.

use std::time::Duration;

use bursar_credentials::{Credential, Found, keys as credential_keys};
use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::PluginError;
use bursar_kernel::{Caller, Error, Kind, Page, Right, codec, page};
use jiff::{SignedDuration, Timestamp};

use crate::command::RecordRequest;
use crate::{Dns, DnsRecord, keys};

impl Dns {
    /// The records of a credential, oldest first; none for one of another type.
    ///
    /// # Errors
    ///
    /// Not found, the caller lacks the right, or the cursor is not ours.
    pub async fn list(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DnsRecord>, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Read, Action::CredentialRead).await?;
        let credential = self.credentials.find(caller, &account, credential).await?.credential;
        let after = page::after(cursor)?;
        let prefix = credential_keys::for_credential(&credential, Table::DnsRecord);
        let mut items: Vec<DnsRecord> = self
            .kernel
            .ports
            .store()
            .scan(&prefix, &[], usize::MAX)
            .await?
            .iter()
            .map(codec::decode)
            .collect::<Result<_, _>>()?;
        items.sort_by_key(|record| record.id);
        items.retain(|record| after.is_none_or(|after| record.id > after));
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|record| record.id.to_string());
        Ok(Page { items, next_cursor })
    }

    pub(crate) fn record_key(&self, credential: &Credential, request: &RecordRequest) -> Vec<u8> {
        let name = request.fqdn.as_str();
        keys::dns_record(self.kernel.ports.blind(), credential.account, credential.id, name, &request.value)
    }

    /// Refuses one more record where there are too many.
    pub(crate) async fn has_room(&self, credential: &Credential) -> Result<(), Error> {
        let rows = self
            .kernel
            .ports
            .store()
            .scan(&credential_keys::for_credential(credential, Table::DnsRecord), &[], MAX_RECORDS)
            .await?;
        if rows.len() < MAX_RECORDS {
            return Ok(());
        }
        let message = format!("the credential has {MAX_RECORDS} records somewhere already: clean some up first");
        Err(Error::new(Kind::Conflict, message))
    }

    /// Refuses to go on with a credential that is another by now.
    pub(crate) async fn is_unchanged(&self, found: &Found) -> Result<(), Error> {
        let record = self
            .kernel
            .ports
            .store()
            .get(&credential_keys::for_credential(&found.credential, Table::Credential))
            .await?;
        if record.is_some_and(|record| record.revision == found.revision) {
            return Ok(());
        }
        Err(Error::new(Kind::Conflict, "the credential was changed meanwhile: try again"))
    }

    /// The row with the sweep's next try put off: the longer, the more have
    /// failed.
    pub(crate) fn postponed(&self, record: &DnsRecord, error: &PluginError, failures: u32) -> DnsRecord {
        let longest = (FIRST_RETRY * 2_u32.pow(failures.min(MAX_DOUBLINGS))).min(LONGEST_RETRY);
        let asked = match error {
            PluginError::Throttled(Some(seconds)) => Duration::from_secs(u64::from(*seconds)),
            _ => Duration::ZERO,
        };
        let pause = (longest / 2 + self.kernel.ports.jittered(longest / 2)).max(asked).min(LONGEST_RETRY);
        let due_at =
            SignedDuration::try_from(pause).ok().and_then(|pause| self.kernel.ports.now().checked_add(pause).ok());
        let due_at = due_at.unwrap_or(Timestamp::MAX);
        DnsRecord { failures, due_at, ..record.clone() }
    }
}

/// Of one credential: challenges come and go, so that more are forgotten ones.
const MAX_RECORDS: usize = 500;
const FIRST_RETRY: Duration = Duration::from_mins(2);
const LONGEST_RETRY: Duration = Duration::from_hours(6);
const MAX_DOUBLINGS: u32 = 8;
