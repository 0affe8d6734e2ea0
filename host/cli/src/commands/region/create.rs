//! `bursar region create`

use bursar_domain::secret::{SecretJson, put};
use clap::Args;
use serde_json::json;

use super::Drift;
use super::login::login;
use super::settings::{SettingsArgs, kind};
use crate::failure::Failure;
use crate::session::Session;

/// Make a region (operator)
///
/// Its settings are those of its kind of target: see `bursar region targets`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
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
    /// Sign in there with this credential of the broker's
    #[arg(long, value_name = "ACCOUNT/CREDENTIAL")]
    login: Option<String>,
    /// What to do about what others changed there [default: repair]
    #[arg(long, value_enum)]
    drift: Option<Drift>,
    /// An account that may use it, and no other that is not named so; to the
    /// others it does not exist. Repeatable [default: every account]
    #[arg(long, value_name = "ACCOUNT")]
    open_to: Vec<String>,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let login = self.login.as_deref().map(login).transpose()?;
        let settings = self.settings.whole(session, &kind(session, &self.target).await?)?;
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
        session.output.row(&region, super::COLUMNS, "/id")
    }
}

const EXAMPLES: &str = "Examples:
  # Files on this machine
  bursar region create eu --target directory --set path=/srv/bursar

  # A vault, its token from a file
  bursar region create vault --target openbao --set address=https://bao.example:8200 --secret-file token=bao.token

  # For one account alone
  bursar region create team-a --target directory --set path=/srv/team-a --open-to team-a

Secrets are never taken from the command line, where other processes see them.";
