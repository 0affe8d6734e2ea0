//! `bursar region ...`: the regions of the installation. For an account's use of a
//! region see [`super::region_attachment`].

use bursar_kernel::secret::{SecretJson, put};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::region_attachment::{AttachRegion, DetachRegion, PlanRegion, list_attached};
use super::region_progress::watch;
use super::region_settings::{SettingsArgs, kind, list_kinds, show_kind};
use crate::failure::Failure;
use crate::form::Prompter as _;
use crate::output::Column;
use crate::session::{self, Session};
use crate::terminal::Terminal;

/// Regions: directories, clusters and vaults that credentials are pushed to
///
/// An operator creates regions; an account uses those it attaches.
#[derive(Debug, Subcommand)]
pub(crate) enum RegionCommand {
    /// List the kinds of targets a region can have, or the settings of one
    Targets {
        /// Show the settings of this kind
        kind: Option<String>,
    },
    /// List the installation's regions
    List,
    Create(CreateRegion),
    /// Show a region without its secret settings
    Show {
        /// Name or id
        region: String,
    },
    /// Check that a region can be reached and lets the broker in (operator)
    ///
    /// Changes nothing there. Exits with 1 if it cannot be used.
    Check {
        /// Name or id
        region: String,
    },
    Update(UpdateRegion),
    /// Delete a region that no account uses (operator)
    ///
    /// With --force also one in use: its credentials stay there, no longer managed.
    Delete {
        /// Name or id
        region: String,
        /// Even if accounts use it
        #[arg(long)]
        force: bool,
        /// Only if the region is still at this revision (its `ETag`)
        #[arg(long, value_name = "REVISION")]
        if_match: Option<String>,
    },
    /// Stop changing a region until it is resumed (operator)
    Pause {
        /// Name or id
        region: String,
    },
    /// Resume pushing to a region (operator)
    Resume {
        /// Name or id
        region: String,
    },
    /// Remove every account's credentials from a region until it is resumed (operator)
    Drain {
        /// Name or id
        region: String,
        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
    Attach(AttachRegion),
    Detach(DetachRegion),
    /// List the regions that the account uses, and the state of its credentials there
    Attached,
    Plan(PlanRegion),
    /// Push the account's credentials to a region now, and repair others' changes
    Sync {
        /// Name or id
        region: String,
    },
    /// Wait until every credential of the account is in place in a region
    ///
    /// Run it before a deployment. If some cannot be pushed, lists them and exits
    /// with 5.
    Ensure {
        /// Name or id
        region: String,
    },
}

impl RegionCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Targets { kind: None } => list_kinds(session).await,
            Self::Targets { kind: Some(kind) } => show_kind(session, &kind).await,
            Self::List => {
                let page = session.client.list(&["v1", "regions"], &[], None).await?;
                session.output.list(&page, COLUMNS, "/id")
            }
            Self::Create(command) => command.run(session).await,
            Self::Show { region } => {
                let region = session.client.get(&session::region(&region, &[]), &[]).await?;
                session.output.one(&region, "/id")
            }
            Self::Check { region } => check(session, &region).await,
            Self::Update(command) => command.run(session).await,
            Self::Delete { region, force, if_match } => {
                let path = session::region(&region, &[]);
                session.client.delete(&path, &forced(force), if_match.as_deref()).await?;
                session.output.note(&format!("deleted {region}"))
            }
            Self::Pause { region } => change_mode(session, &region, "pause").await,
            Self::Resume { region } => change_mode(session, &region, "resume").await,
            Self::Drain { region, yes } => drain(session, &region, yes).await,
            Self::Attach(command) => command.run(session).await,
            Self::Detach(command) => command.run(session).await,
            Self::Attached => list_attached(session).await,
            Self::Plan(command) => command.run(session).await,
            Self::Sync { region } => watch(session, &region, "sync").await,
            Self::Ensure { region } => watch(session, &region, "ensure").await,
        }
    }
}

/// Create a region (operator)
///
/// Its settings are those of its kind of target: see `bursar region targets`.
#[derive(Args, Debug)]
#[command(after_help = CREATE_EXAMPLES)]
pub(crate) struct CreateRegion {
    /// A slug: letters, digits, `-` and `_`
    name: String,
    /// The kind of target
    #[arg(long, value_name = "KIND")]
    target: String,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Sign in there with this credential
    #[arg(long, value_name = "ACCOUNT/CREDENTIAL")]
    login: Option<String>,
    /// What to do about others' changes there [default: repair]
    #[arg(long, value_enum)]
    drift: Option<Drift>,
    /// An account that may use it; others can neither use nor see it. Repeatable
    /// [default: every account]
    #[arg(long, value_name = "ACCOUNT")]
    open_to: Vec<String>,
}

impl CreateRegion {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let login = self.login.as_deref().map(login).transpose()?;
        let settings = self.settings.complete(session, &kind(session, &self.target).await?)?;
        let mut body = SecretJson::new(json!({"name": self.name, "target": self.target}));
        put(body.expose_mut(), "/settings", settings.expose().clone());
        if let Some(title) = &self.title {
            put(body.expose_mut(), "/title", json!(title));
        }
        if let Some(login) = login {
            put(body.expose_mut(), "/login", login);
        }
        if let Some(drift) = self.drift {
            put(body.expose_mut(), "/drift", json!(drift.as_str()));
        }
        if !self.open_to.is_empty() {
            put(body.expose_mut(), "/accounts", json!(self.open_to));
        }
        let region = session.client.post(&["v1", "regions"], body.expose()).await?;
        session.output.row(&region, COLUMNS, "/id")
    }
}

/// Change a region; other settings stay, including secrets (operator)
#[derive(Args, Debug)]
pub(crate) struct UpdateRegion {
    /// Name or id
    region: String,
    /// Rename it
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Remove a setting. Repeatable
    #[arg(long, value_name = "SETTING")]
    unset: Vec<String>,
    /// Sign in there with this credential
    #[arg(long, value_name = "ACCOUNT/CREDENTIAL")]
    login: Option<String>,
    /// Sign in with the settings again
    #[arg(long, conflicts_with = "login")]
    no_login: bool,
    /// What to do about others' changes there
    #[arg(long, value_enum)]
    drift: Option<Drift>,
    /// An account that may use it; others no longer can. Repeatable
    #[arg(long, value_name = "ACCOUNT")]
    open_to: Vec<String>,
    /// Let every account use it
    #[arg(long, conflicts_with = "open_to")]
    open_to_all: bool,
    /// Detach it from accounts that may no longer use it
    #[arg(long)]
    force: bool,
    /// Only if the region is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl UpdateRegion {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session::region(&self.region, &[]);
        let mut changes = SecretJson::new(json!({}));
        let mut set = |pointer: &str, value: Value| put(changes.expose_mut(), pointer, value);
        if let Some(name) = &self.new_name {
            set("/name", json!(name));
        }
        if let Some(title) = &self.title {
            set("/title", json!(title));
        }
        if let Some(text) = &self.login {
            set("/login", login(text)?);
        }
        if self.no_login {
            set("/login", Value::Null);
        }
        if let Some(drift) = self.drift {
            set("/drift", json!(drift.as_str()));
        }
        if !self.open_to.is_empty() {
            set("/accounts", json!(self.open_to));
        }
        if self.open_to_all {
            set("/accounts", Value::Null);
        }
        if !self.settings.is_empty() || !self.unset.is_empty() {
            let current = session.client.get(&path, &[]).await?;
            let kind = kind(session, current["target"].as_str().unwrap_or_default()).await?;
            set("/settings", self.settings.changes(session, &kind, &self.unset)?.expose().clone());
        }
        if changes.expose().as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(Failure::Usage("nothing to change: see `bursar region update --help`".to_owned()));
        }
        let query = forced(self.force);
        let region = session.client.patch(&path, &query, changes.expose(), self.if_match.as_deref()).await?;
        session.output.row(&region, COLUMNS, "/id")
    }
}

/// How to handle others' changes at the target.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Drift {
    /// Repair them
    Repair,
    /// Only report them
    Report,
}

impl Drift {
    fn as_str(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Report => "report",
        }
    }
}

async fn check(session: &Session, region: &str) -> Result<(), Failure> {
    let found = session.client.act(&session::region(region, &["check"])).await?;
    match found["error"].as_str() {
        None => session.output.note(&format!("{region} can be reached")),
        Some(error) => Err(Failure::Failed(format!("{region}: {error}"))),
    }
}

async fn drain(session: &Session, region: &str, yes: bool) -> Result<(), Failure> {
    if !yes && session.interactive {
        let question = format!("Remove the credentials of every account from {region}");
        if !Terminal.confirm(&question, false)? {
            return Err(Failure::Failed("nothing was removed".to_owned()));
        }
    }
    change_mode(session, region, "drain").await
}

async fn change_mode(session: &Session, region: &str, operation: &str) -> Result<(), Failure> {
    let region = session.client.act(&session::region(region, &[operation])).await?;
    session.output.row(&region, COLUMNS, "/id")
}

fn forced(force: bool) -> Vec<(&'static str, String)> {
    if force { vec![("force", "true".to_owned())] } else { Vec::new() }
}

/// Reads `ACCOUNT/CREDENTIAL`, each a name or an id.
fn login(text: &str) -> Result<Value, Failure> {
    match text.split_once('/') {
        Some((account, credential)) if !account.is_empty() && !credential.is_empty() && !credential.contains('/') => {
            Ok(json!({"account": account, "credential": credential}))
        }
        _ => Err(Failure::Usage("--login takes ACCOUNT/CREDENTIAL, each a name or an id".to_owned())),
    }
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("TITLE", "/title"),
    ("TARGET", "/target"),
    ("MODE", "/mode"),
    ("DRIFT", "/drift"),
    ("ACCOUNTS", "/accounts"),
    ("CREATED", "/createdAt"),
    ("ID", "/id"),
];

const CREATE_EXAMPLES: &str = "Examples:
  # Files on this machine
  bursar region create eu --target directory --set path=/srv/bursar

  # A vault, its token from a file
  bursar region create vault --target openbao --set address=https://bao.example:8200 --secret-file token=bao.token

  # For one account alone
  bursar region create team-a --target directory --set path=/srv/team-a --open-to team-a

Secrets are never taken from the command line, where other processes see them.";
