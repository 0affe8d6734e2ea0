//! The proof of the audit chain: `bursar audit verify` and `checkpoint`.

use std::path::PathBuf;

use bursar_kernel::audit::{Checkpoint, Report};
use bursar_store::Segment;
use clap::Args;
use serde_json::{Value, json};

use crate::broker::chain;
use crate::failure::Failure;
use crate::input::decoded;
use crate::offline::OfflineArgs;
use crate::output::Format;
use crate::profile::write_private;
use crate::session::{GlobalArgs, Session};

/// Walk the whole audit chain and compare every live record with it
///
/// Finds any edit, deletion, reordering or truncation. Exits with 0 only if
/// everything holds.
#[derive(Args, Debug)]
pub(crate) struct VerifyAudit {
    #[command(flatten)]
    offline: OfflineArgs,
    /// A checkpoint kept elsewhere, which the chain must contain
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// An exported segment, to verify the records in it too. Repeatable; no segment
    /// in between may be missing
    #[arg(long = "segment", value_name = "FILE", requires = "data_dir")]
    segments: Vec<PathBuf>,
}

impl VerifyAudit {
    pub(super) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let checkpoint = self.checkpoint()?;
        let report = match self.offline.open().await? {
            Some(ledger) => {
                let segments: Result<_, _> = self.segments.iter().map(|file| Segment::open(file)).collect();
                let segments = segments.map_err(|error| Failure::Failed(chain(&error)))?;
                let report = ledger.verify_with(checkpoint.as_ref(), segments).await;
                ledger.close().await;
                report.map_err(|error| Failure::Failed(chain(&error)))?
            }
            None if !self.segments.is_empty() => return Err(Failure::Usage(SEGMENTS_ARE_OFFLINE.to_owned())),
            None => Self::online(&Session::open(global)?, checkpoint.as_ref()).await?,
        };
        print(global, &report)
    }

    async fn online(session: &Session, checkpoint: Option<&Checkpoint>) -> Result<Report, Failure> {
        let path = ["v1", "audit", "verify"];
        let answer = match checkpoint {
            Some(checkpoint) => session.client.post(&path, &json!(checkpoint)).await?,
            None => session.client.act(&path).await?,
        };
        serde_json::from_value(answer)
            .map_err(|_| Failure::Failed("the server's report does not follow the API".to_owned()))
    }

    fn checkpoint(&self) -> Result<Option<Checkpoint>, Failure> {
        let Some(file) = &self.checkpoint else { return Ok(None) };
        let bytes = std::fs::read(file).map_err(|error| Failure::io(format!("read {}", file.display()), error))?;
        let text = decoded(&bytes).map_err(|why| Failure::Usage(format!("{} {why}", file.display())))?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Failure::Usage(format!("{} is not a checkpoint: {error}", file.display())))
    }
}

/// Have the broker sign the head of its chain (operator)
///
/// Keep a checkpoint elsewhere: with it, a later `audit verify --checkpoint FILE`
/// proves that nothing before it was rolled back.
#[derive(Args, Debug)]
pub(crate) struct SignCheckpoint {
    /// Write it to this new file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl SignCheckpoint {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let checkpoint = session.client.get(&["v1", "audit", "checkpoint"], &[]).await?;
        let text = format!("{checkpoint:#}\n");
        match &self.out {
            None => session.output.raw(text.as_bytes()),
            Some(file) => write_private(file, text.as_bytes(), false)
                .map_err(|error| Failure::io(format!("write {}", file.display()), error)),
        }
    }
}

fn print(global: &GlobalArgs, report: &Report) -> Result<(), Failure> {
    let output = global.output();
    if output.format() == Format::Table {
        for problem in &report.problems {
            output.line(&format!("problem: {problem}"))?;
        }
        let Report { entries, records, checkpoints, anchors, problems } = report;
        let verdict =
            if problems.is_empty() { "everything holds".to_owned() } else { format!("{} problems", problems.len()) };
        output.note(&format!(
            "{entries} audit records, {records} live records, {checkpoints} checkpoints, {anchors} anchors: {verdict}"
        ))?;
    } else {
        output.document(&serde_json::to_value(report).unwrap_or(Value::Null))?;
    }
    if report.holds() { Ok(()) } else { Err(Failure::Reported) }
}

/// Segments are too large to upload.
pub(super) const SEGMENTS_ARE_OFFLINE: &str =
    "--segment needs a stopped broker's data dir: stop it, or restore a backup and give that";
