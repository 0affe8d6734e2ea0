//! Segments: files with the audit records that retention removed from the store.
//!
//! The records are sealed as they were in the store, newest first, so that only the
//! installation can read them and their hashes still prove them.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use bursar_kernel::audit::{Action, Entry, Event};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::anchor::hash_as_text;
use crate::chain::{AuditRecord, Hash};
use crate::engine::Row;
use crate::ledger::Ledger;
use crate::rows::{self, RowsError, Sink};

/// A range of records of one chain.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentRange {
    pub(crate) node: Uuid,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Hash of the record before the first.
    #[serde(with = "hash_as_text")]
    pub(crate) previous: Hash,
    /// Hash of the last record.
    #[serde(with = "hash_as_text")]
    pub(crate) hash: Hash,
}

impl SegmentRange {
    /// The range in an `audit.prune` event; `None` for any other event.
    pub(crate) fn recorded_in(event: &Event) -> Option<Self> {
        let detail = event.detail.as_ref().filter(|_| event.action == Action::AuditPrune)?;
        Self::deserialize(detail).ok()
    }

    /// The name of the segment's file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}-{}.segment", self.node, self.first, self.last)
    }
}

/// An exported file, open for reading once.
pub struct Segment {
    path: PathBuf,
    range: SegmentRange,
    input: BufReader<File>,
    ended: bool,
}

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the segment {} cannot be read", path.display())]
pub struct SegmentError {
    path: PathBuf,
    source: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Serialize, Deserialize)]
struct SegmentHeader {
    /// Format of this file: 1.
    format: u32,
    #[serde(flatten)]
    range: SegmentRange,
}

impl Segment {
    /// Opens `path` and reads its header, which verification proves later.
    ///
    /// # Errors
    ///
    /// If the file is not a segment, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| SegmentError { path: path.to_owned(), source };
        let mut input = BufReader::new(File::open(path).map_err(|error| failed(error.into()))?);
        let header: SegmentHeader = rows::read_header(&mut input).map_err(|error| failed(error.into()))?;
        if header.format != FORMAT {
            return Err(failed("it was written by a newer version of Bursar: upgrade this one".into()));
        }
        Ok(Self { path: path.to_owned(), range: header.range, input, ended: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn range(&self) -> &SegmentRange {
        &self.range
    }

    /// The next records, newest first; empty after the last.
    pub(crate) fn page(&mut self) -> Result<Vec<Row>, RowsError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let (page, ended) = rows::read_page(&mut self.input, PAGE)?;
        self.ended = ended;
        Ok(page)
    }

    /// The next entries, newest first, as they are listed; empty after the last.
    ///
    /// # Errors
    ///
    /// If the file is damaged, or belongs to another installation than `ledger`.
    pub fn entries(&mut self, ledger: &Ledger) -> Result<Vec<Entry>, SegmentError> {
        let page = self.page().map_err(|error| self.failed(error))?;
        let keyring = &ledger.core.keyring;
        let entry = |row| AuditRecord::open(keyring, row).map(|(record, hash)| record.entry(&hash));
        let entries: Option<Vec<Entry>> = page.iter().map(entry).collect();
        entries
            .ok_or_else(|| self.failed("a record cannot be opened: it was altered, or belongs to another installation"))
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SegmentError {
        SegmentError { path: self.path.clone(), source: source.into() }
    }
}

/// A segment being written; it gets its name only once it is complete and durable.
pub(crate) struct NewSegment {
    file: File,
    staged: PathBuf,
    path: PathBuf,
}

impl NewSegment {
    /// Creates the file of `range` in `folder`, and the folder if needed.
    pub(crate) fn create(folder: &Path, range: &SegmentRange) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(range.file_name());
        let staged = path.with_extension("segment.new");
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&staged)?;
        Ok(Self { file, staged, path })
    }

    /// The header of such a file.
    pub(crate) fn header(range: &SegmentRange) -> impl Serialize + Send + 'static {
        SegmentHeader { format: FORMAT, range: range.clone() }
    }
}

impl Write for NewSegment {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for NewSegment {
    fn end(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.staged, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

const FORMAT: u32 = 1;
const PAGE: usize = 512;
