//! `bursar audit ...`: the entries of the trail. For the proof of the chain see
//! [`super::audit_chain`].

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use bursar_kernel::clock::rfc3339;
use bursar_store::{Ledger, Segment};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit_chain::{SEGMENTS_ARE_OFFLINE, SignCheckpoint, VerifyAudit};
use crate::broker::chain;
use crate::failure::Failure;
use crate::offline::OfflineArgs;
use crate::output::{Column, Format};
use crate::session::{GlobalArgs, Session};

/// The audit trail: who did what
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    Tail(TailAudit),
    Verify(VerifyAudit),
    Export(ExportAudit),
    Checkpoint(SignCheckpoint),
}

impl AuditCommand {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::Tail(command) => command.run(&Session::open(global)?).await,
            Self::Verify(command) => command.run(global).await,
            Self::Export(command) => command.run(global).await,
            Self::Checkpoint(command) => command.run(&Session::open(global)?).await,
        }
    }
}

/// Show the newest entries, the last one at the end
#[derive(Args, Debug)]
pub(crate) struct TailAudit {
    #[command(flatten)]
    selection: Selection,
    /// How many entries
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    lines: usize,
    /// Keep printing new entries; with `--output json` one a line
    #[arg(long, short)]
    follow: bool,
    /// How often to look for new entries
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
}

impl TailAudit {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut page =
            session.client.list(&self.selection.path(session), &self.selection.query(), Some(self.lines)).await?;
        if !self.follow {
            if session.output.format() == Format::Table
                && let Some(items) = page["items"].as_array_mut()
            {
                items.reverse();
            }
            return session.output.list(&page, COLUMNS, "/id");
        }
        let mut shown = Shown::default();
        loop {
            let fresh = shown.fresh(&page);
            Self::print(session, &fresh)?;
            tokio::time::sleep(Duration::from_secs(self.interval)).await;
            page = self.since(session, &shown).await?;
        }
    }

    /// Reads entries back to one that was already shown.
    async fn since(&self, session: &Session, shown: &Shown) -> Result<Value, Failure> {
        let (path, query) = (self.selection.path(session), self.selection.query());
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut page = session.client.page(&path, &query, cursor.as_deref(), FOLLOWED_PAGE).await?;
            let more = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            let overlaps = more.iter().any(|item| shown.contains(item));
            items.extend(more);
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if overlaps || shown.is_empty() || cursor.is_none() {
                return Ok(json!({"items": items}));
            }
        }
    }

    fn print(session: &Session, entries: &[Value]) -> Result<(), Failure> {
        for entry in entries {
            match session.output.format() {
                _ if session.output.is_quiet() => session.output.line(text(entry, "/id"))?,
                Format::Json => session.output.raw(format!("{entry}\n").as_bytes())?,
                Format::Yaml => {
                    session.output.raw(b"---\n")?;
                    session.output.document(entry)?;
                }
                Format::Table => {
                    let fields: Vec<&str> = COLUMNS.iter().map(|(_, pointer)| text(entry, pointer)).collect();
                    session.output.line(&fields.join("  "))?;
                }
            }
        }
        Ok(())
    }
}

/// Write every entry as a line of JSON, newest first
#[derive(Args, Debug)]
pub(crate) struct ExportAudit {
    #[command(flatten)]
    selection: Selection,
    /// The entries of this exported segment instead of those in the store
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

impl ExportAudit {
    async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match &self.segment {
            None => self.export_entries(&Session::open(global)?).await,
            Some(file) => {
                let segment = Segment::open(file).map_err(|error| Failure::Failed(chain(&error)))?;
                let ledger = self.offline.open().await?;
                let ledger = ledger.ok_or_else(|| Failure::Usage(SEGMENTS_ARE_OFFLINE.to_owned()))?;
                let exported = self.export_segment(segment, &ledger);
                ledger.close().await;
                exported
            }
        }
    }

    fn export_segment(&self, mut segment: Segment, ledger: &Ledger) -> Result<(), Failure> {
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

    async fn export_entries(&self, session: &Session) -> Result<(), Failure> {
        let mut out = self.out()?;
        let (path, query) = (self.selection.path(session), self.selection.query());
        let mut cursor: Option<String> = None;
        loop {
            let page = session.client.page(&path, &query, cursor.as_deref(), EXPORTED_PAGE).await?;
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

/// Filters of the entries.
#[derive(Args, Clone, Debug)]
struct Selection {
    /// Of the whole installation, not of one account (operator)
    #[arg(long)]
    all: bool,
    /// Only by this actor
    #[arg(long)]
    actor: Option<String>,
    /// Only this action, such as `credential.reveal`, or `credential.*`
    #[arg(long)]
    action: Option<String>,
    /// Only about this credential, by id
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
    /// Only at or after this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Selection {
    fn path<'a>(&self, session: &'a Session) -> Vec<&'a str> {
        if self.all { vec!["v1", "audit"] } else { session.path(&["audit"]) }
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        query.extend(self.actor.clone().map(|actor| ("actor", actor)));
        query.extend(self.action.clone().map(|action| ("action", action)));
        query.extend(self.credential.clone().map(|credential| ("credential", credential)));
        query.extend(self.since.map(|since| ("since", rfc3339(since))));
        query.extend(self.until.map(|until| ("until", rfc3339(until))));
        query
    }
}

/// The entries of the newest pages that were already printed. The last id alone is
/// not enough: entries of several nodes may arrive out of order.
#[derive(Default)]
struct Shown(HashSet<String>);

impl Shown {
    /// The entries of a page that were not shown yet, oldest first.
    fn fresh(&mut self, page: &Value) -> Vec<Value> {
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let fresh = items.iter().rev().filter(|item| !self.contains(item)).cloned().collect();
        if !items.is_empty() {
            self.0 = items.iter().map(|item| text(item, "/id").to_owned()).collect();
        }
        fresh
    }

    fn contains(&self, item: &Value) -> bool {
        self.0.contains(text(item, "/id"))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn text<'a>(entry: &'a Value, pointer: &str) -> &'a str {
    entry.pointer(pointer).and_then(Value::as_str).unwrap_or("-")
}

const COLUMNS: &[Column] = &[
    ("AT", "/at"),
    ("ACTOR", "/actor"),
    ("ACTION", "/action"),
    ("OUTCOME", "/outcome"),
    ("CREDENTIAL", "/credential"),
    ("CLIENT", "/client"),
    ("REQUEST", "/requestId"),
];
/// Most entries of a page while following.
const FOLLOWED_PAGE: usize = 100;
/// Most entries of a page while exporting: the most the API gives at once.
const EXPORTED_PAGE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_is_shown_once_and_oldest_first() {
        let page = |ids: &[&str]| json!({"items": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()});
        let mut shown = Shown::default();
        let ids = |entries: Vec<Value>| entries.iter().map(|e| text(e, "/id").to_owned()).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(shown.fresh(&page(&["3", "2", "1"]))), "1 2 3");
        assert_eq!(ids(shown.fresh(&page(&["5", "3", "4", "2"]))), "4 5");
        assert_eq!(ids(shown.fresh(&page(&[]))), "");
        assert_eq!(ids(shown.fresh(&page(&["6", "5"]))), "6");
    }
}
