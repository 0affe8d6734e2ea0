//! `bursar region update`

use bursar_domain::secret::{SecretJson, put};
use clap::Args;
use serde_json::{Value, json};

use super::Drift;
use super::login::login;
use super::settings::{SettingsArgs, kind};
use crate::failure::Failure;
use crate::session::{self, Session};

/// Change a region; settings that are not named stay, secrets too (operator)
#[derive(Args, Debug)]
pub(crate) struct Update {
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
    /// Sign in there with this credential of the broker's
    #[arg(long, value_name = "ACCOUNT/CREDENTIAL")]
    login: Option<String>,
    /// Sign in by the settings again
    #[arg(long, conflicts_with = "login")]
    no_login: bool,
    /// What to do about what others changed there
    #[arg(long, value_enum)]
    drift: Option<Drift>,
    /// An account that may use it from now on, and no other that is not named so.
    /// Repeatable
    #[arg(long, value_name = "ACCOUNT")]
    open_to: Vec<String>,
    /// Let every account use it
    #[arg(long, conflicts_with = "open_to")]
    open_to_all: bool,
    /// Even where accounts use it that may not any more: it is detached from them
    #[arg(long)]
    force: bool,
    /// Only if the region is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl Update {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
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
            return Err(Failure::Usage("there is nothing to change: see `bursar region update --help`".to_owned()));
        }
        let query: &[_] = if self.force { &[("force", "true".to_owned())] } else { &[] };
        let region = session.client.patch(&path, query, changes.expose(), self.if_match.as_deref()).await?;
        session.output.row(&region, super::COLUMNS, "/id")
    }
}
