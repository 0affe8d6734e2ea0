//! `bursar audit checkpoint`

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::profile::write_private;
use crate::session::Session;

/// Have the broker sign where its chain stands (operator)
///
/// Kept elsewhere, a checkpoint is the witness that shows a later
/// `audit verify --checkpoint FILE` that nothing before it was rolled back.
#[derive(Args, Debug)]
pub(crate) struct Checkpoint {
    /// Write it to this new file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Checkpoint {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let checkpoint = session.client.get(&["v1", "audit", "checkpoint"], &[]).await?;
        let text = format!("{checkpoint:#}\n");
        match &self.out {
            None => session.output.raw(text.as_bytes()),
            Some(file) => write_private(file, text.as_bytes(), false)
                .map_err(|error| Failure::io(format!("write {}", file.display()), error)),
        }
    }
}
