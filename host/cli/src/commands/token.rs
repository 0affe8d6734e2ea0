//! `bursar token ...`

use std::path::PathBuf;

use bursar_kernel::clock::{Clock, rfc3339};
use bursar_kernel::secret::SecretJson;
use clap::{Args, Subcommand};
use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::input;
use crate::output::{Column, Format};
use crate::profile::write_private;
use crate::session::{Session, warn};
use crate::system::SystemClock;

/// Tokens: how people and programs authenticate
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List tokens, never the tokens themselves
    List {
        /// The installation's operator tokens
        #[arg(long)]
        operator: bool,
    },
    Create(Box<CreateToken>),
    /// Revoke a token; it is refused from now on
    Delete {
        /// Its id
        id: String,
        /// One of the installation's operator tokens
        #[arg(long)]
        operator: bool,
    },
}

impl TokenCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List { operator } => {
                let page = session.client.list(&path(session, operator, &[]), &[], None).await?;
                session.output.list(&page, COLUMNS, "/id")
            }
            Self::Create(command) => command.run(session).await,
            Self::Delete { id, operator } => {
                session.client.delete(&path(session, operator, &[&id]), &[], None).await?;
                session.output.note(&format!("deleted {id}"))
            }
        }
    }
}

/// Create a token; it is shown once
#[derive(Args, Debug)]
#[command(after_help = CREATE_EXAMPLES)]
pub(crate) struct CreateToken {
    /// What it is for: letters, digits, `-` and `_`
    name: String,
    /// admin, credentials-manager, member, auditor or workload
    #[arg(long, required_unless_present_any = ["operator", "principal"], conflicts_with_all = ["operator", "principal"])]
    role: Option<String>,
    /// An operator token, for the whole installation
    #[arg(long)]
    operator: bool,
    /// The member it acts for, with the member's rights
    #[arg(long, conflicts_with = "operator")]
    principal: Option<String>,
    /// When it expires, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "expires_in")]
    expires_at: Option<Timestamp>,
    /// How long it is valid, such as `30d` or `12h`
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Span>,
    /// Only for this credential, by name or id. Repeatable
    #[arg(long = "scope-credential", value_name = "CREDENTIAL", conflicts_with = "operator")]
    scope_credentials: Vec<String>,
    /// Only for credentials with this label. Repeatable
    #[arg(long = "scope-label", value_name = "KEY=VALUE", conflicts_with = "operator")]
    scope_labels: Vec<String>,
    /// Only for this consumer, such as app:web, and what it is bound to. Repeatable
    #[arg(long = "scope-consumer", value_name = "KIND:NAME", conflicts_with = "operator")]
    scope_consumers: Vec<String>,
    /// Write the token to this new file of mode 0600 instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl CreateToken {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        self.check_destination(session)?;
        let path = path(session, self.operator, &[]);
        let mut created = SecretJson::new(session.client.post(&path, &self.body()?).await?);
        if let Some(file) = &self.out {
            let token = SecretJson::new(created.expose_mut()["token"].take());
            let text = token.expose().as_str().unwrap_or_default();
            write_private(file, text.as_bytes(), false)
                .map_err(|error| Failure::io(format!("write {}", file.display()), error))?;
            return session.output.row(created.expose(), COLUMNS, "/id");
        }
        if session.output.format() == Format::Table {
            warn("the token is shown only this once");
            return session.output.line(created.expose()["token"].as_str().unwrap_or_default());
        }
        session.output.document(created.expose())
    }

    fn check_destination(&self, session: &Session) -> Result<(), Failure> {
        match &self.out {
            Some(file) if file.exists() => Err(Failure::Conflict(format!("{} already exists", file.display()))),
            None if session.output.is_quiet() => Err(Failure::Usage(
                "--quiet prints only the id, and the token is shown only once: add --out FILE".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if let Some(role) = &self.role {
            body.insert("role".to_owned(), json!(role));
        }
        if let Some(principal) = &self.principal {
            body.insert("principal".to_owned(), json!(principal));
        }
        if let Some(at) = self.expiry()? {
            body.insert("expiresAt".to_owned(), json!(rfc3339(at)));
        }
        let mut scope = Map::new();
        if !self.scope_credentials.is_empty() {
            scope.insert("credentials".to_owned(), json!(self.scope_credentials));
        }
        if !self.scope_labels.is_empty() {
            scope.insert("labels".to_owned(), Value::Object(input::pairs("--scope-label", &self.scope_labels)?));
        }
        if !self.scope_consumers.is_empty() {
            scope.insert("consumers".to_owned(), json!(self.scope_consumers));
        }
        if !scope.is_empty() {
            body.insert("scope".to_owned(), Value::Object(scope));
        }
        Ok(Value::Object(body))
    }

    fn expiry(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(span) = self.expires_in else { return Ok(self.expires_at) };
        let at = SystemClock.now().to_zoned(TimeZone::UTC).checked_add(span);
        at.map(|at| Some(at.timestamp())).map_err(|_| Failure::Usage("--expires-in is out of range".to_owned()))
    }
}

/// The path of the account's or the installation's tokens.
fn path<'a>(session: &'a Session, operator: bool, rest: &[&'a str]) -> Vec<&'a str> {
    if operator { [&["v1", "tokens"], rest].concat() } else { session.path(&[&["tokens"], rest].concat()) }
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("ROLE", "/role"),
    ("PRINCIPAL", "/principal"),
    ("EXPIRES", "/expiresAt"),
    ("LAST USED", "/lastUsedAt"),
    ("ID", "/id"),
];

const CREATE_EXAMPLES: &str = "Examples:
  # For a deployment that needs one credential
  bursar token create web-prod --role workload --scope-credential ghcr --expires-in 90d --out token

  # For a colleague
  bursar member put alice --role credentials-manager
  bursar token create alice-laptop --principal alice";
