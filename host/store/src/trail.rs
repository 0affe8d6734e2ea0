//! Reading the audit chain: listing, checkpoints, verification.

use std::collections::VecDeque;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_kernel::audit::{Checkpoint, Entry, Filter, Report, Trail};
use bursar_kernel::store::{Revision, StoreError};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::anchor::Anchor;
use crate::chain::{AuditRecord, Hash, head_of};
use crate::checkpoint;
use crate::engine::Row;
use crate::keyring::unsealable;
use crate::ledger::{Core, Ledger};
use crate::segment::Segment;
use crate::tables;
use crate::verify;

#[async_trait]
impl Trail for Ledger {
    /// Merges the nodes' chains in the order of their commits, regardless of their
    /// clocks. A page may be short and have a cursor if few of many records match; an
    /// invalid cursor yields nothing.
    async fn list(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let Some(positions) = positions(&self.core, cursor).await? else { return Ok((Vec::new(), None)) };
        let mut streams: Vec<Stream> =
            positions.into_iter().map(|(node, next)| Stream::new(filter, node, next)).collect();
        let oldest = filter.since.and_then(|since| since.checked_sub(OUT_OF_ORDER).ok());
        let (mut entries, mut older) = (Vec::new(), 0);
        for _ in 0..MAX_READ_PER_PAGE {
            let Some((record, hash)) = newest(&self.core, &mut streams, entries.len() < limit).await? else { break };
            let is_older = oldest.is_some_and(|oldest| record.event.at < oldest);
            older = if is_older { older + 1 } else { 0 };
            if older >= OLDER_IN_A_ROW {
                return Ok((entries, None));
            }
            if filter.matches(&record.event) {
                entries.push(record.entry(&hash));
            }
        }
        Ok((entries, cursor_of(&streams)))
    }

    async fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        // The signed record then vouches for the other chains as well.
        if !self.core.is_read_only {
            self.anchor().await?;
        }
        let row = self.core.engine.get_many(&[tables::head(self.core.node)]).await?.pop().flatten();
        let head = head_of(&self.core.keyring, self.core.node, row.as_ref())?;
        Ok(checkpoint::sign(&self.core.keyring, &Anchor::from(&head), self.core.clock.now()))
    }

    async fn verify(&self, trusted: Option<&Checkpoint>) -> Result<Report, StoreError> {
        self.verify_with(trusted, Vec::new()).await
    }
}

impl Ledger {
    /// Verifies the whole chain and the live records, and then the exported records in
    /// `segments`, which must be consecutive.
    ///
    /// # Errors
    ///
    /// Only if the store could not be read; what is wrong is in the report.
    pub async fn verify_with(
        &self,
        trusted: Option<&Checkpoint>,
        segments: Vec<Segment>,
    ) -> Result<Report, StoreError> {
        let mut snapshot = self.core.engine.snapshot().await?;
        let options = verify::VerifyOptions { trusted, segments, ..verify::VerifyOptions::default() };
        Ok(verify::verify(&self.core.keyring, &mut *snapshot, options).await?.report)
    }
}

/// The position in each node's chain where reading continues; `None` for an invalid
/// cursor.
async fn positions(core: &Core, cursor: Option<&str>) -> Result<Option<Vec<(Uuid, u64)>>, StoreError> {
    let Some(cursor) = cursor else {
        let heads = core.engine.scan(&[tables::HEAD], &[], usize::MAX).await?;
        return Ok(Some(heads.iter().filter_map(|row| Some((tables::node_of(&row.key)?, u64::MAX))).collect()));
    };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(cursor) else { return Ok(None) };
    let (positions, rest) = bytes.as_chunks::<POSITION_BYTES>();
    let position = |bytes: &[u8; POSITION_BYTES]| {
        let (node, next) = bytes.split_at(16);
        Some((Uuid::from_slice(node).ok()?, u64::from_be_bytes(next.try_into().ok()?)))
    };
    Ok(rest.is_empty().then(|| positions.iter().filter_map(position).collect()))
}

fn cursor_of(streams: &[Stream]) -> Option<String> {
    let open = streams.iter().filter(|stream| !stream.is_done());
    let bytes: Vec<u8> =
        open.flat_map(|stream| [stream.node.as_bytes().as_slice(), &stream.next.to_be_bytes()].concat()).collect();
    (!bytes.is_empty()).then(|| URL_SAFE_NO_PAD.encode(bytes))
}

/// Takes the newest record of all streams if `take`. The streams are filled in either
/// case, to find out which are done.
async fn newest(core: &Core, streams: &mut [Stream], take: bool) -> Result<Option<(AuditRecord, Hash)>, StoreError> {
    for stream in streams.iter_mut() {
        stream.fill(core).await?;
    }
    if !take {
        return Ok(None);
    }
    let newest = streams.iter_mut().filter(|stream| !stream.waiting.is_empty()).max_by_key(|stream| stream.revision());
    Ok(newest.and_then(Stream::take))
}

/// One node's chain, newest first.
struct Stream {
    node: Uuid,
    prefix: Vec<u8>,
    /// Highest sequence number that is not taken yet.
    next: u64,
    /// Highest sequence number that is not read yet.
    unread: u64,
    waiting: VecDeque<(AuditRecord, Hash)>,
    exhausted: bool,
}

impl Stream {
    fn new(filter: &Filter, node: Uuid, next: u64) -> Self {
        let prefix = match filter.account {
            Some(account) => tables::audit_account_of_node(account.0, node),
            None => tables::audit_of_node(node),
        };
        Self { node, prefix, next, unread: next, waiting: VecDeque::new(), exhausted: false }
    }

    fn is_done(&self) -> bool {
        self.exhausted && self.waiting.is_empty()
    }

    fn revision(&self) -> Option<Revision> {
        self.waiting.front().map(|(record, _)| record.revision)
    }

    fn take(&mut self) -> Option<(AuditRecord, Hash)> {
        let taken = self.waiting.pop_front()?;
        self.next = taken.0.seq - 1;
        Some(taken)
    }

    async fn fill(&mut self, core: &Core) -> Result<(), StoreError> {
        if self.exhausted || !self.waiting.is_empty() {
            return Ok(());
        }
        let after = match self.unread.checked_add(1) {
            Some(above) => [self.prefix.as_slice(), &(!above).to_be_bytes()].concat(),
            None => Vec::new(),
        };
        let found = core.engine.scan(&self.prefix, &after, READ_AHEAD).await?;
        self.exhausted = found.len() < READ_AHEAD;
        for row in self.records(core, found).await? {
            let record = AuditRecord::open(&core.keyring, &row).ok_or_else(|| unsealable(&row.key))?;
            self.unread = record.0.seq - 1;
            self.waiting.push_back(record);
        }
        Ok(())
    }

    /// The records themselves: `found`, or those that its index rows point to.
    async fn records(&self, core: &Core, found: Vec<Row>) -> Result<Vec<Row>, StoreError> {
        if self.prefix.first() == Some(&tables::AUDIT) {
            return Ok(found);
        }
        let keys: Vec<Vec<u8>> =
            found.iter().filter_map(|row| Some(tables::audit(self.node, tables::seq_of(&row.key)?))).collect();
        let records = core.engine.get_many(&keys).await?;
        keys.iter().zip(records).map(|(key, row)| row.ok_or_else(|| unsealable(key))).collect()
    }
}

const POSITION_BYTES: usize = 24;
const READ_AHEAD: usize = 100;
/// Bounds one call if few of many records match.
const MAX_READ_PER_PAGE: usize = 10_000;
/// A record dated by a wrong clock must not hide those behind it.
const OLDER_IN_A_ROW: u32 = 1000;
/// Records are chained at commit, but dated when the decision was made.
const OUT_OF_ORDER: SignedDuration = SignedDuration::from_hours(1);
