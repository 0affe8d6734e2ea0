//! `bursar credential ...`

mod create;
mod delete;
mod list;
mod materialize;
mod probe;
mod restore;
mod reveal;
mod rollback;
mod set_default;
mod show;
mod sync;
mod template;
mod types;
mod update;
mod validate;
mod versions;

use clap::Subcommand;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::{Session, warn};

/// Store credentials and hand them out
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Types(types::Types),
    Template(template::Template),
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Update(update::Update),
    Reveal(reveal::Reveal),
    Materialize(materialize::Materialize),
    Probe(probe::Probe),
    SetDefault(set_default::SetDefault),
    Sync(sync::Sync),
    Delete(delete::Delete),
    Restore(restore::Restore),
    Versions(versions::Versions),
    Rollback(rollback::Rollback),
    Validate(validate::Validate),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Types(command) => command.run(session).await,
            Self::Template(command) => command.run(session).await,
            Self::Create(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
            Self::Update(command) => command.run(session).await,
            Self::Reveal(command) => command.run(session).await,
            Self::Materialize(command) => command.run(session).await,
            Self::Probe(command) => command.run(session).await,
            Self::SetDefault(command) => command.run(session).await,
            Self::Sync(command) => command.run(session).await,
            Self::Delete(command) => command.run(session).await,
            Self::Restore(command) => command.run(session).await,
            Self::Versions(command) => command.run(session).await,
            Self::Rollback(command) => command.run(session).await,
            Self::Validate(command) => command.run(session).await,
        }
    }
}

/// A credential type with its schema.
async fn credential_type(session: &Session, id: &str) -> Result<Value, Failure> {
    session.client.get(&["v1", "credential-types", id], &[]).await
}

/// A type's skeleton, of its first variant unless told otherwise.
async fn skeleton(session: &Session, type_id: &str, variant: Option<&str>) -> Result<Value, Failure> {
    let query: Vec<_> = variant.map(|variant| ("variant", variant.to_owned())).into_iter().collect();
    let mut template = session.client.get(&["v1", "credential-types", type_id, "template"], &query).await?;
    Ok(template["data"].take())
}

/// Asks the broker to ask the live service first.
fn preflight(probe: bool) -> Vec<(&'static str, String)> {
    if probe { vec![("probe", "true".to_owned())] } else { Vec::new() }
}

/// Prints a credential that was just written, and what is to be watched about it.
fn written(session: &Session, credential: &Value) -> Result<(), Failure> {
    for warning in credential["warnings"].as_array().into_iter().flatten() {
        warn(warning["message"].as_str().unwrap_or_default());
    }
    session.output.row(credential, COLUMNS, "/id")
}

/// Of a table of credentials.
const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("TYPE", "/type"),
    ("TITLE", "/title"),
    ("STATUS", "/status"),
    ("DEFAULT", "/default"),
    ("VERSION", "/version"),
    ("UPDATED", "/updatedAt"),
    ("ID", "/id"),
];
