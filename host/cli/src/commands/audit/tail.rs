//! `bursar audit tail`

use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Selection;
use crate::failure::Failure;
use crate::output::{Column, Format};
use crate::session::Session;

/// Show the newest entries, the last one at the end
#[derive(Args, Debug)]
pub(crate) struct Tail {
    #[command(flatten)]
    selection: Selection,
    /// How many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    lines: usize,
    /// Go on with new entries as they come; with `--output json` one a line
    #[arg(long, short)]
    follow: bool,
    /// How often to look for new ones
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
}

impl Tail {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
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

    /// Every entry down to one that was shown.
    async fn since(&self, session: &Session, shown: &Shown) -> Result<Value, Failure> {
        let (path, query) = (self.selection.path(session), self.selection.query());
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut page = session.client.page(&path, &query, cursor.as_deref(), PAGE).await?;
            let more = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            let met = more.iter().any(|item| shown.knows(item));
            items.extend(more);
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if met || shown.is_empty() || cursor.is_none() {
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

/// What was printed already. Entries of several nodes may come out of order,
/// so that one last id would not do; what has left the newest pages is forgotten.
#[derive(Default)]
struct Shown(HashSet<String>);

impl Shown {
    /// The entries of a page that were not shown, oldest first.
    fn fresh(&mut self, page: &Value) -> Vec<Value> {
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let fresh = items.iter().rev().filter(|item| !self.knows(item)).cloned().collect();
        if !items.is_empty() {
            self.0 = items.iter().map(|item| text(item, "/id").to_owned()).collect();
        }
        fresh
    }

    fn knows(&self, item: &Value) -> bool {
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
const PAGE: usize = 100;

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
