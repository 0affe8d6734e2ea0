//! `bursar audit verify`

use std::path::PathBuf;

use bursar_domain::audit::{Checkpoint, Report};
use bursar_store::Segment;
use clap::Args;
use serde_json::{Value, json};

use crate::broker::chain;
use crate::failure::Failure;
use crate::input::decoded;
use crate::offline::OfflineArgs;
use crate::session::{GlobalArgs, Session};

/// Walk the whole audit chain and compare every live record with it
///
/// Finds any edit, deletion, reordering or truncation. Exits with 0 only if
/// everything holds.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    offline: OfflineArgs,
    /// A checkpoint kept elsewhere: the chain must go through it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Records that left the store: the walk goes on through them; once for each
    /// file, of which none may be missing in between
    #[arg(long = "segment", value_name = "FILE", requires = "data_dir")]
    segments: Vec<PathBuf>,
}

impl Verify {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let witness = self.witness()?;
        let report = match self.offline.open().await? {
            Some(ledger) => {
                let segments: Result<_, _> = self.segments.iter().map(|file| Segment::open(file)).collect();
                let segments = segments.map_err(|error| Failure::Failed(chain(&error)))?;
                let report = ledger.verify_with(witness.as_ref(), segments).await;
                ledger.close().await;
                report.map_err(|error| Failure::Failed(chain(&error)))?
            }
            None if !self.segments.is_empty() => return Err(Failure::Usage(SEGMENTS_ARE_OFFLINE.to_owned())),
            None => Self::online(&Session::open(global)?, witness.as_ref()).await?,
        };
        tell(global, &report)
    }

    async fn online(session: &Session, witness: Option<&Checkpoint>) -> Result<Report, Failure> {
        let path = ["v1", "audit", "verify"];
        let answer = match witness {
            Some(witness) => session.client.post(&path, &json!(witness)).await?,
            None => session.client.act(&path).await?,
        };
        serde_json::from_value(answer).map_err(|_| Failure::Failed("the server's report cannot be read".to_owned()))
    }

    fn witness(&self) -> Result<Option<Checkpoint>, Failure> {
        let Some(file) = &self.checkpoint else { return Ok(None) };
        let bytes = std::fs::read(file).map_err(|error| Failure::io(format!("read {}", file.display()), error))?;
        let text = decoded(&bytes).map_err(|why| Failure::Usage(format!("{} {why}", file.display())))?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Failure::Usage(format!("{} is not a checkpoint: {error}", file.display())))
    }
}

/// The API takes no files of that size.
pub(super) const SEGMENTS_ARE_OFFLINE: &str =
    "--segment needs a stopped broker's data dir: stop it, or restore a backup and give that";

fn tell(global: &GlobalArgs, report: &Report) -> Result<(), Failure> {
    let output = global.output();
    if output.format() == crate::output::Format::Table {
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
    if report.holds() { Ok(()) } else { Err(Failure::Found) }
}
