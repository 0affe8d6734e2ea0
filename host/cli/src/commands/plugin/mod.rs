//! `bursar plugin ...`

mod approve;
mod build;
mod check;
mod inspect;
mod list;
mod new;
mod revoke;
mod rollback;
mod show;
mod sign;

use clap::Subcommand;
use serde_json::Value;

use crate::failure::Failure;
use crate::form::Prompter as _;
use crate::output::Column;
use crate::session::{GlobalArgs, Session};
use crate::terminal::Terminal;

/// Plugins: where the credential types come from (operator)
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Show(show::Show),
    New(new::New),
    Build(build::Build),
    Check(check::Check),
    Approve(approve::Approve),
    Revoke(revoke::Revoke),
    Rollback(rollback::Rollback),
    Inspect(inspect::Inspect),
    Sign(sign::Sign),
}

impl Command {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(&Session::open(global)?).await,
            Self::Show(command) => command.run(&Session::open(global)?).await,
            Self::New(command) => command.run(global.output()),
            Self::Build(command) => command.run(global.output()),
            Self::Check(command) => command.run(global.output()).await,
            Self::Approve(command) => command.run(&Session::open(global)?).await,
            Self::Revoke(command) => command.run(&Session::open(global)?).await,
            Self::Rollback(command) => command.run(&Session::open(global)?).await,
            Self::Inspect(command) => command.run(global).await,
            Self::Sign(command) => command.run(global),
        }
    }
}

/// Every entry of one id: the one in force, what waits, what was refused.
async fn entries(session: &Session, id: &str) -> Result<Vec<Value>, Failure> {
    let mut page = session.client.list(&["v1", "plugins"], &[], None).await?;
    let entries = match page["items"].take() {
        Value::Array(items) => items.into_iter().filter(|item| item["id"] == id).collect(),
        _ => Vec::new(),
    };
    if entries.is_empty() {
        // The API says in its own words that there is none.
        return session.client.get(&["v1", "plugins", id], &[]).await.map(|entry| vec![entry]);
    }
    Ok(entries)
}

/// Says what is about to be decided and asks whether it is meant.
fn confirm(session: &Session, yes: bool, lines: &[String], question: &str) -> Result<(), Failure> {
    let mut terminal = Terminal;
    if !session.output.is_quiet() || !yes {
        for line in lines {
            terminal.say(line)?;
        }
    }
    if yes {
        return Ok(());
    }
    if !session.interactive {
        return Err(Failure::Usage("nobody is there to confirm it: add --yes".to_owned()));
    }
    if terminal.confirm(question, false)? { Ok(()) } else { Err(Failure::Failed("nothing was changed".to_owned())) }
}

/// A heading and a line for each text; nothing where there is none.
fn listed(heading: &str, texts: &Value) -> Vec<String> {
    let texts: Vec<&str> = texts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if texts.is_empty() {
        return Vec::new();
    }
    std::iter::once(heading.to_owned()).chain(texts.into_iter().map(|text| format!("  - {text}"))).collect()
}

/// A plugin in one line.
fn headline(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {} from {}", text("id"), text("version"), text("digest"), text("source"))
}

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("KIND", "/kind"),
    ("VERSION", "/version"),
    ("STATE", "/state"),
    ("CONTRACT", "/contractVersion"),
    ("SOURCE", "/source"),
    ("REASON", "/reason"),
];
