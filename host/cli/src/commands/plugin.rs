//! `bursar plugin ...`: the plugins of a broker. For the commands of plugin authors
//! see [`super::plugin_author`], [`super::plugin_build`] and [`super::plugin_sign`].

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::plugin_author::{CheckPlugin, InspectPlugin, NewPlugin};
use super::plugin_build::BuildPlugin;
use super::plugin_sign::SignPlugin;
use crate::failure::Failure;
use crate::form::Prompter as _;
use crate::output::Column;
use crate::session::{GlobalArgs, Session};
use crate::terminal::Terminal;

/// Plugins: where the credential types come from (operator)
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List all plugins and their states
    List,
    /// Show a plugin: its digest, the hosts it requests and was granted
    Show {
        /// Its id
        id: String,
    },
    New(NewPlugin),
    Build(BuildPlugin),
    Check(CheckPlugin),
    Approve(ApprovePlugin),
    /// Revoke a plugin's approval: it is not called until it is approved again
    Revoke {
        /// Its id
        id: String,
    },
    Rollback(RollbackPlugin),
    Inspect(InspectPlugin),
    Sign(SignPlugin),
}

impl PluginCommand {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::List => {
                let session = Session::open(global)?;
                let page = session.client.list(&["v1", "plugins"], &[], None).await?;
                session.output.list(&page, COLUMNS, "/id")
            }
            Self::Show { id } => {
                let session = Session::open(global)?;
                session.output.one(&session.client.get(&["v1", "plugins", &id], &[]).await?, "/id")
            }
            Self::New(command) => command.run(global.output()),
            Self::Build(command) => command.run(global.output()),
            Self::Check(command) => command.run(global.output()).await,
            Self::Approve(command) => command.run(&Session::open(global)?).await,
            Self::Revoke { id } => {
                let session = Session::open(global)?;
                let revoked = session.client.act(&["v1", "plugins", &id, "revoke"]).await?;
                session.output.row(&revoked, COLUMNS, "/id")
            }
            Self::Rollback(command) => command.run(&Session::open(global)?).await,
            Self::Inspect(command) => command.run(global).await,
            Self::Sign(command) => command.run(global),
        }
    }
}

/// Approve a plugin and the permissions that it requests
#[derive(Args, Debug)]
pub(crate) struct ApprovePlugin {
    /// Its id
    id: String,
    /// Exactly this component, by `sha256:...` [default: the pending one]
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

impl ApprovePlugin {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let entries = entries(session, &self.id).await?;
        let entry = match &self.digest {
            Some(digest) => entries.iter().find(|entry| entry["digest"] == **digest),
            None => entries.iter().find(|entry| is_pending(entry)).or(entries.first()),
        };
        let Some(entry) = entry else {
            return Err(Failure::Conflict(format!("{} has another digest: see `bursar plugin list`", self.id)));
        };
        confirm(session, self.yes, &request(entry), &format!("Approve {}?", self.id))?;
        let body = json!({"digest": entry["digest"]});
        let approved = session.client.post(&["v1", "plugins", &self.id, "approve"], &body).await?;
        session.output.row(&approved, COLUMNS, "/id")
    }
}

/// Go back to the component that was active before
///
/// It stays active until the plugin's file contains another component, or the
/// component it replaced is approved.
#[derive(Args, Debug)]
pub(crate) struct RollbackPlugin {
    /// Its id
    id: String,
    /// Only if it is this component, by `sha256:...`
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

impl RollbackPlugin {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let entries = entries(session, &self.id).await?;
        let with_previous = entries.iter().find(|entry| entry["previousDigest"].is_string()).or(entries.first());
        let entry = with_previous.unwrap_or(&Value::Null);
        let digest = self.digest.map_or_else(|| entry["previousDigest"].clone(), Value::from);
        let lines = [
            headline(entry),
            format!(
                "goes back to {} {}, which may again what it asks for",
                entry["previousVersion"].as_str().unwrap_or("the version before"),
                digest.as_str().unwrap_or_default()
            ),
        ];
        confirm(session, self.yes, &lines, &format!("Roll {} back?", self.id))?;
        let body = json!({"digest": digest});
        let rolled_back = session.client.post(&["v1", "plugins", &self.id, "rollback"], &body).await?;
        session.output.row(&rolled_back, COLUMNS, "/id")
    }
}

/// The entries with this id: active, pending and rejected.
async fn entries(session: &Session, id: &str) -> Result<Vec<Value>, Failure> {
    let mut page = session.client.list(&["v1", "plugins"], &[], None).await?;
    let entries = match page["items"].take() {
        Value::Array(items) => items.into_iter().filter(|item| item["id"] == id).collect(),
        _ => Vec::new(),
    };
    if entries.is_empty() {
        // Fails with the API's message that there is none.
        return session.client.get(&["v1", "plugins", id], &[]).await.map(|entry| vec![entry]);
    }
    Ok(entries)
}

/// Shows `lines` and asks for confirmation unless `yes`.
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
        return Err(Failure::Usage("confirmation requires a terminal: add --yes".to_owned()));
    }
    if terminal.confirm(question, false)? { Ok(()) } else { Err(Failure::Failed("nothing was changed".to_owned())) }
}

fn is_pending(entry: &Value) -> bool {
    entry["state"] == "pending" || entry["state"] == "needs-review"
}

/// What the operator is asked to approve: the component, its signature and permissions.
fn request(entry: &Value) -> Vec<String> {
    let mut lines = vec![headline(entry)];
    lines.push(match entry["signedBy"].as_str() {
        Some(key) => format!("signed by {key}"),
        None => "not signed by a trusted key".to_owned(),
    });
    if let Some(reason) = entry["reason"].as_str() {
        lines.push(reason.to_owned());
    }
    let permissions = bullets("It may then:", &entry["permissions"]);
    if permissions.is_empty() {
        lines.push("It asks for nothing beyond computing.".to_owned());
    }
    lines.extend(permissions);
    if !entry["grant"].is_null() {
        lines.extend(bullets("New beside what was granted:", &entry["permissionDiff"]["added"]));
        lines.extend(bullets("No longer:", &entry["permissionDiff"]["removed"]));
    }
    lines
}

/// A heading and a line for each text; empty without texts.
pub(super) fn bullets(heading: &str, texts: &Value) -> Vec<String> {
    let texts: Vec<&str> = texts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if texts.is_empty() {
        return Vec::new();
    }
    std::iter::once(heading.to_owned()).chain(texts.into_iter().map(|text| format!("  - {text}"))).collect()
}

/// A plugin on one line.
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
