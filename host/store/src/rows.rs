//! Many rows: read page by page, and written to a file as they are in the store,
//! sealed.
//!
//! A file begins with a line of JSON, its header. Then follow, numbers big-endian, for
//! each row `1 || key length (u32) || key || revision (u64) || value length (u32) ||
//! value`, and at the end `0 || row count (u64)`.

use std::io::{BufWriter, Error as IoError, IntoInnerError, Read, Write};

use bursar_kernel::store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::engine::{Row, Snapshot};

/// Rows under a prefix, in key order.
pub(crate) struct Rows {
    prefix: Vec<u8>,
    after: Vec<u8>,
    /// The last key to read; `None` for all.
    until: Option<Vec<u8>>,
    page: std::vec::IntoIter<Row>,
    done: bool,
}

impl Rows {
    pub(crate) fn of(prefix: &[u8]) -> Self {
        Self { prefix: prefix.to_vec(), after: Vec::new(), until: None, page: Vec::new().into_iter(), done: false }
    }

    /// The rows after the key `after`, up to and including `until`.
    pub(crate) fn between(prefix: &[u8], after: Vec<u8>, until: Vec<u8>) -> Self {
        Self { after, until: Some(until), ..Self::of(prefix) }
    }

    pub(crate) async fn next(&mut self, snapshot: &mut dyn Snapshot) -> Result<Option<Row>, StoreError> {
        if self.page.as_slice().is_empty() && !self.done {
            let page = snapshot.scan(&self.prefix, &self.after, PAGE).await?;
            self.done = page.len() < PAGE;
            if let Some(last) = page.last() {
                self.after.clone_from(&last.key);
            }
            self.page = page.into_iter();
        }
        Ok(self.page.next().filter(|row| self.until.as_ref().is_none_or(|until| row.key <= *until)))
    }
}

/// A destination for rows, with an action after the last one.
pub(crate) trait Sink: Write {
    fn end(self) -> std::io::Result<()>;
}

/// Writes `header` and all of `rows` on a thread that may block; returns the number of
/// rows.
///
/// # Errors
///
/// The output is incomplete then.
pub(crate) async fn stream<S: Sink>(
    snapshot: &mut dyn Snapshot,
    header: impl Serialize + Send + 'static,
    mut rows: Rows,
    open: impl FnOnce() -> Result<S, IoError> + Send + 'static,
) -> Result<u64, RowsError> {
    let (sender, mut waiting) = mpsc::channel::<Option<Row>>(QUEUE);
    let writer = tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::new(open()?);
        write_header(&mut out, &header)?;
        let mut count = 0_u64;
        while let Some(row) = waiting.blocking_recv() {
            let Some(row) = row else {
                write_end(&mut out, count)?;
                out.into_inner().map_err(IntoInnerError::into_error)?.end()?;
                return Ok(count);
            };
            write_row(&mut out, &row)?;
            count += 1;
        }
        Err(IoError::other("the store could not be read to the end"))
    });
    while let Some(row) = rows.next(snapshot).await? {
        // The writer is gone only after an error, which it returns below.
        if sender.send(Some(row)).await.is_err() {
            break;
        }
    }
    let _ = sender.send(None).await;
    Ok(writer.await.map_err(IoError::other)??)
}

/// Why rows could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsError {
    /// Truncated, or of another format.
    #[error("the file is damaged or of an unknown format: {0}")]
    Malformed(&'static str),
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn write_header(out: &mut impl Write, header: &impl Serialize) -> Result<(), IoError> {
    serde_json::to_writer(&mut *out, header)?;
    out.write_all(b"\n")
}

fn write_row(out: &mut impl Write, row: &Row) -> Result<(), IoError> {
    let count = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(IoError::other);
    out.write_all(&[ROW])?;
    out.write_all(&count(&row.key)?.to_be_bytes())?;
    out.write_all(&row.key)?;
    out.write_all(&row.revision.to_be_bytes())?;
    out.write_all(&count(&row.value)?.to_be_bytes())?;
    out.write_all(&row.value)
}

fn write_end(out: &mut impl Write, count: u64) -> Result<(), IoError> {
    out.write_all(&[END])?;
    out.write_all(&count.to_be_bytes())
}

pub(crate) fn read_header<T: DeserializeOwned>(input: &mut impl Read) -> Result<T, RowsError> {
    let line = read_line(input)?;
    serde_json::from_slice(&line).map_err(|_| RowsError::Malformed("the header cannot be read"))
}

/// Up to `limit` rows, and whether they are the last.
pub(crate) fn read_page(input: &mut impl Read, limit: usize) -> Result<(Vec<Row>, bool), RowsError> {
    let mut rows = Vec::new();
    while rows.len() < limit {
        match read_array::<1>(input)? {
            [ROW] => rows.push(Row {
                key: read_counted(input)?,
                revision: u64::from_be_bytes(read_array(input)?),
                value: read_counted(input)?,
            }),
            // The rows are checked against the chain; the count is for other readers of
            // the file.
            [END] => {
                read_array::<8>(input)?;
                return Ok((rows, true));
            }
            _ => return Err(RowsError::Malformed("a row has an unknown kind")),
        }
    }
    Ok((rows, false))
}

fn read_line(input: &mut impl Read) -> Result<Vec<u8>, RowsError> {
    let mut line = Vec::new();
    while line.len() < MAX_HEADER_BYTES {
        match read_array(input)? {
            [b'\n'] => return Ok(line),
            [byte] => line.push(byte),
        }
    }
    Err(RowsError::Malformed("the header is too long"))
}

fn read_array<const N: usize>(input: &mut impl Read) -> Result<[u8; N], IoError> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_counted(input: &mut impl Read) -> Result<Vec<u8>, RowsError> {
    let count = u32::from_be_bytes(read_array(input)?);
    let mut bytes = Vec::new();
    // Grows with the bytes that are read, not with the length that is claimed.
    if input.take(u64::from(count)).read_to_end(&mut bytes)? != count as usize {
        return Err(RowsError::Malformed("it ends within a row"));
    }
    Ok(bytes)
}

const PAGE: usize = 512;
const QUEUE: usize = 256;
const ROW: u8 = 1;
const END: u8 = 0;
const MAX_HEADER_BYTES: usize = 64 * 1024;
