//! `bursar audit export`

use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;

use super::Selection;
use crate::failure::Failure;
use crate::session::Session;

/// Write every entry as a line of JSON, newest first
#[derive(Args, Debug)]
pub(crate) struct Export {
    #[command(flatten)]
    selection: Selection,
    /// Write to this new file of mode 0600 instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut out: Box<dyn Write> = match &self.out {
            None => Box::new(io::stdout().lock()),
            Some(path) => {
                let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                Box::new(opened.map_err(|error| Failure::io(format!("create {}", path.display()), error))?)
            }
        };
        let mut out = BufWriter::new(&mut *out);
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
