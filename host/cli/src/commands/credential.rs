//! `bursar credential ...`: the life of a credential. For its data see
//! [`super::credential_data`], for its secrets [`super::credential_secrets`].

use std::io;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::credential_data::{CreateCredential, UpdateCredential, ValidateCredential};
use super::credential_secrets::{MaterializeCredential, RevealCredential};
use crate::failure::Failure;
use crate::form::Prompter as _;
use crate::output::{Column, Format};
use crate::session::{Session, warn};
use crate::terminal::Terminal;

/// Store credentials and hand them out
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// List the credential types that can be created, or show one
    Types {
        /// Show only this type; its schema with `--output json`
        type_id: Option<String>,
    },
    /// Print a type's data to fill in, as YAML or JSON
    #[command(after_help = TEMPLATE_EXAMPLES)]
    Template {
        /// A type id, as `bursar credential types` lists them
        type_id: String,
        /// One of the type's variants [default: its first]
        #[arg(long)]
        variant: Option<String>,
    },
    Create(CreateCredential),
    List(ListCredentials),
    /// Show a credential without its secrets
    Show {
        /// Name or id
        credential: String,
    },
    Update(UpdateCredential),
    Reveal(RevealCredential),
    Materialize(MaterializeCredential),
    /// Ask the live service whether a credential works
    Probe {
        /// Name or id
        credential: String,
        /// For a DNS provider: whether a record could be written at this name
        #[arg(long, value_name = "NAME")]
        fqdn: Option<String>,
    },
    /// Make a credential the account's default of its type
    SetDefault {
        /// Name or id
        credential: String,
    },
    /// Push a credential to every active region now
    Sync {
        /// Name or id
        credential: String,
    },
    Delete(DeleteCredential),
    /// Bring a deleted credential back
    Restore {
        /// Its id, as `bursar credential list --deleted` shows
        credential: String,
    },
    /// List who changed a credential's data, when and which fields
    Versions {
        /// Name or id
        credential: String,
    },
    /// Give a credential the data of an earlier version, as a new version
    Rollback {
        /// Name or id
        credential: String,
        /// The version, as `bursar credential versions` lists them
        version: u32,
    },
    Validate(ValidateCredential),
}

impl CredentialCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Types { type_id: Some(id) } => session.output.one(&credential_type(session, &id).await?, "/id"),
            Self::Types { type_id: None } => {
                let page = session.client.list(&["v1", "credential-types"], &[], None).await?;
                session.output.list(&page, TYPES, "/id")
            }
            Self::Template { type_id, variant } => {
                session.output.document(&template(session, &type_id, variant.as_deref()).await?)
            }
            Self::Create(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Show { credential } => {
                let credential = session.client.get(&session.credential(&credential, &[]), &[]).await?;
                session.output.one(&credential, "/id")
            }
            Self::Update(command) => command.run(session).await,
            Self::Reveal(command) => command.run(session).await,
            Self::Materialize(command) => command.run(session).await,
            Self::Probe { credential, fqdn } => {
                let body = fqdn.map_or_else(|| json!({}), |fqdn| json!({"fqdn": fqdn}));
                let path = session.credential(&credential, &["probe"]);
                session.output.one(&session.client.post(&path, &body).await?, "/summary")
            }
            Self::SetDefault { credential } => change(session, &credential, &["set-default"]).await,
            Self::Sync { credential } => sync(session, &credential).await,
            Self::Delete(command) => command.run(session).await,
            Self::Restore { credential } => change(session, &credential, &["restore"]).await,
            Self::Versions { credential } => {
                let path = session.credential(&credential, &["versions"]);
                let page = session.client.list(&path, &[], None).await?;
                session.output.list(&page, VERSIONS, "/version")
            }
            Self::Rollback { credential, version } => {
                change(session, &credential, &["versions", &version.to_string(), "restore"]).await
            }
            Self::Validate(command) => command.run(session).await,
        }
    }
}

/// List the account's credentials, never their secrets
#[derive(Args, Debug)]
pub(crate) struct ListCredentials {
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    type_id: Option<String>,
    /// Only of this category
    #[arg(long)]
    category: Option<String>,
    /// Only what fits this slot, such as `image-pull`
    #[arg(long)]
    slot: Option<String>,
    /// Only with this label. Repeatable
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Only if name, title or description contain this text
    #[arg(long = "query", visible_alias = "q", value_name = "TEXT")]
    text: Option<String>,
    /// Only deleted ones, which can be restored
    #[arg(long)]
    deleted: bool,
    /// At most this many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

impl ListCredentials {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut query = Vec::new();
        query.extend(self.type_id.map(|id| ("type", id)));
        query.extend(self.category.map(|category| ("category", category)));
        query.extend(self.slot.map(|slot| ("slot", slot)));
        query.extend(self.labels.into_iter().map(|label| ("label", label)));
        query.extend(self.text.map(|text| ("q", text)));
        if self.deleted {
            query.push(("deleted", "true".to_owned()));
        }
        let page = session.client.list(&session.path(&["credentials"]), &query, self.limit).await?;
        session.output.list(&page, COLUMNS, "/id")
    }
}

/// Delete a credential; it can be restored unless purged
#[derive(Args, Debug)]
pub(crate) struct DeleteCredential {
    /// Name or id; a deleted credential is purged by its id
    credential: String,
    /// Even if it is in use
    #[arg(long)]
    force: bool,
    /// Destroy its key: this cannot be undone
    #[arg(long)]
    purge: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    /// Only if the credential is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl DeleteCredential {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        if self.purge && !self.yes && session.interactive {
            let question = format!("Destroy {} for ever", self.credential);
            if !Terminal.confirm(&question, false)? {
                return Err(Failure::Failed("nothing was deleted".to_owned()));
            }
        }
        let mut query = Vec::new();
        if self.force {
            query.push(("force", "true".to_owned()));
        }
        if self.purge {
            query.push(("purge", "true".to_owned()));
        }
        let path = session.credential(&self.credential, &[]);
        let deleted = session.client.delete(&path, &query, self.if_match.as_deref()).await;
        match deleted {
            Err(Failure::Problem(problem)) if self.may_ask(session) && problem.is_only_a_default() => {
                Failure::Problem(problem)
                    .report(io::stderr().lock())
                    .map_err(|error| Failure::io("write to stderr", error))?;
                let question = format!("Delete {} all the same", self.credential);
                if !Terminal.confirm(&question, false)? {
                    return Err(Failure::Failed("nothing was deleted".to_owned()));
                }
                query.push(("force", "true".to_owned()));
                session.client.delete(&path, &query, self.if_match.as_deref()).await?;
            }
            deleted => drop(deleted?),
        }
        let verb = if self.purge { "purged" } else { "deleted" };
        session.output.note(&format!("{verb} {}", self.credential))
    }

    /// Whether to ask for confirmation: not if an option already answers it.
    fn may_ask(&self, session: &Session) -> bool {
        session.interactive && !self.force && !self.yes
    }
}

/// A credential type with its schema.
pub(super) async fn credential_type(session: &Session, id: &str) -> Result<Value, Failure> {
    session.client.get(&["v1", "credential-types", id], &[]).await
}

/// A type's data to fill in, of its first variant by default.
pub(super) async fn template(session: &Session, type_id: &str, variant: Option<&str>) -> Result<Value, Failure> {
    let query: Vec<_> = variant.map(|variant| ("variant", variant.to_owned())).into_iter().collect();
    let mut template = session.client.get(&["v1", "credential-types", type_id, "template"], &query).await?;
    Ok(template["data"].take())
}

/// Prints a credential that was just written, and its warnings.
pub(super) fn print_written(session: &Session, credential: &Value) -> Result<(), Failure> {
    for warning in credential["warnings"].as_array().into_iter().flatten() {
        warn(warning["message"].as_str().unwrap_or_default());
    }
    session.output.row(credential, COLUMNS, "/id")
}

/// Changes a credential by an operation that takes no input.
async fn change(session: &Session, credential: &str, operation: &[&str]) -> Result<(), Failure> {
    let path = session.credential(credential, operation);
    print_written(session, &session.client.post(&path, &json!({})).await?)
}

async fn sync(session: &Session, credential: &str) -> Result<(), Failure> {
    let mut credential = session.client.act(&session.credential(credential, &["sync"])).await?;
    if session.output.format() != Format::Table {
        return session.output.document(&credential);
    }
    let regions = json!({"items": credential["sync"].take()});
    session.output.list(&regions, REGIONS, "/region")
}

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
const TYPES: &[Column] = &[
    ("TYPE", "/id"),
    ("TITLE", "/title"),
    ("CATEGORY", "/category"),
    ("VERSION", "/version"),
    ("VARIANTS", "/variants"),
    ("FORMATS", "/formats"),
];
const VERSIONS: &[Column] = &[
    ("VERSION", "/version"),
    ("CURRENT", "/current"),
    ("ACTION", "/action"),
    ("CHANGED", "/changed"),
    ("BY", "/actor"),
    ("AT", "/createdAt"),
];
const REGIONS: &[Column] = &[
    ("REGION", "/region"),
    ("STATE", "/state"),
    ("VERSION", "/version"),
    ("SYNCED", "/syncedAt"),
    ("ERROR", "/error"),
];

const TEMPLATE_EXAMPLES: &str = "Example:
  bursar credential template TYPE > data.yaml
  $EDITOR data.yaml
  bursar credential create --type TYPE my-name --data-file data.yaml";
