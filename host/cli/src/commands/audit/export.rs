//! `bursar audit export`

use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use bursar_store::{Ledger, Segment};
use clap::Args;
use serde_json::json;

use super::Selection;
use super::verify::SEGMENTS_ARE_OFFLINE;
use crate::broker::chain;
use crate::failure::Failure;
use crate::offline::OfflineArgs;
use crate::session::{GlobalArgs, Session};

/// Write every entry as a line of JSON, newest first
#[derive(Args, Debug)]
pub(crate) struct Export {
    #[command(flatten)]
    selection: Selection,
    /// Those that left the store for this file, instead of those that are there
    #[arg(
        long,
        value_name = "FILE",
        requires = "data_dir",
        conflicts_with_all = ["all", "actor", "action", "credential", "since", "until"]
    )]
    segment: Option<PathBuf>,
    #[command(flatten)]
    offline: OfflineArgs,
    /// Write to this new file of mode 0600 instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match &self.segment {
            None => self.entries(&Session::open(global)?).await,
            Some(file) => {
                let segment = Segment::open(file).map_err(|error| Failure::Failed(chain(&error)))?;
                let ledger = self.offline.open().await?;
                let ledger = ledger.ok_or_else(|| Failure::Usage(SEGMENTS_ARE_OFFLINE.to_owned()))?;
                let done = self.exported(segment, &ledger);
                ledger.close().await;
                done
            }
        }
    }

    fn exported(&self, mut segment: Segment, ledger: &Ledger) -> Result<(), Failure> {
        let mut out = self.out()?;
        loop {
            let page = segment.entries(ledger).map_err(|error| Failure::Failed(chain(&error)))?;
            if page.is_empty() {
                return out.flush().map_err(|error| Failure::io("write the entries", error));
            }
            for entry in page {
                let line = json!(entry);
                writeln!(out, "{line}").map_err(|error| Failure::io("write the entries", error))?;
            }
        }
    }

    fn out(&self) -> Result<BufWriter<Box<dyn Write>>, Failure> {
        let out: Box<dyn Write> = match &self.out {
            None => Box::new(io::stdout().lock()),
            Some(path) => {
                let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                Box::new(opened.map_err(|error| Failure::io(format!("create {}", path.display()), error))?)
            }
        };
        Ok(BufWriter::new(out))
    }

    async fn entries(&self, session: &Session) -> Result<(), Failure> {
        let mut out = self.out()?;
        let (path, query) = (self.selection.path(session), self.selection.query());
        let mut cursor: Option<String> = None;
        loop {
            let page = session.client.page(&path, &query, cursor.as_deref(), PAGE).await?;
            for entry in page["items"].as_array().into_iter().flatten() {
                writeln!(out, "{entry}").map_err(|error| Failure::io("write the entries", error))?;
            }
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return out.flush().map_err(|error| Failure::io("write the entries", error));
            }
        }
    }
}

/// The most the API gives at once.
const PAGE: usize = 500;
