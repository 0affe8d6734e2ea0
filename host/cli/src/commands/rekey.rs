//! `bursar rekey`

use std::io;
use std::path::PathBuf;

use bursar_kernel::audit::Action;
use bursar_kernel::nodes::{at_work, others_are};
use bursar_store::{Ledger, RootKeySource};
use clap::Args;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::broker::{DirectoryLock, chain, open_failure, system_event};
use crate::config::Settings;
use crate::failure::Failure;
use crate::form::Prompter as _;
use crate::input;
use crate::offline::{self, OfflineArgs};
use crate::session::{GlobalArgs, Session, warn};
use crate::system::SystemTimer;
use crate::terminal::Terminal;

/// Rotate the root key, and wrap every key under it again
///
/// Nothing else is encrypted again. Earlier backups need the old root key. Nodes that
/// share the store need the new one: they pick it up on their own once it is where
/// their settings say.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rekey {
    #[command(flatten)]
    offline: OfflineArgs,
    /// From now on, derive the root key from the passphrase in this file
    #[arg(long, value_name = "FILE", requires = "data_dir", conflicts_with = "to_key_file")]
    to_passphrase_file: Option<String>,
    /// From now on, keep the root key in this new file
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    to_key_file: Option<PathBuf>,
    /// Do not ask for confirmation while other nodes are at work
    #[arg(long, short)]
    yes: bool,
}

impl Rekey {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let answer = match self.offline.settings()? {
            None => self.online(global).await?,
            Some(settings) => match DirectoryLock::take(&settings.data_dir) {
                Ok(_lock) => self.offline(&settings, global).await?,
                Err(Failure::Conflict(_)) if self.to_passphrase_file.is_none() && self.to_key_file.is_none() => {
                    warn(&format!("a broker runs on {}: asking it", settings.data_dir.display()));
                    self.online(global).await?
                }
                Err(failure) => return Err(failure),
            },
        };
        global.output().one(&answer, "/rewrapped")
    }

    async fn online(&self, global: &GlobalArgs) -> Result<Value, Failure> {
        let client = Session::open(global)?.client;
        let rotate = async |force: bool| {
            let query = if force { vec![("force", "true".to_owned())] } else { Vec::new() };
            client.post_with(&["v1", "rekey"], &query, &Value::Null).await
        };
        match rotate(self.yes).await {
            Err(Failure::Problem(problem)) if problem.nodes_at_work() > 0 => {
                Self::confirm(global, problem.nodes_at_work())?;
                rotate(true).await
            }
            done => done,
        }
    }

    /// Asks for confirmation while other nodes are at work.
    fn confirm(global: &GlobalArgs, others: usize) -> Result<(), Failure> {
        let consequence = format!(
            "{} at work (bursar status): each serves the accounts it has in use for an hour, and takes the new root \
             key up once it is where its storage.root_key says",
            others_are(others)
        );
        if !global.is_interactive() {
            return Err(Failure::Conflict(format!("{consequence}: rotate it anyway with --yes")));
        }
        let mut terminal = Terminal;
        terminal.say(&consequence)?;
        let is_confirmed = terminal.confirm("Rotate the root key now?", false)?;
        if is_confirmed { Ok(()) } else { Err(Failure::Failed("nothing was changed".to_owned())) }
    }

    async fn offline(&self, settings: &Settings, global: &GlobalArgs) -> Result<Value, Failure> {
        let config = offline::config(settings)?;
        let new = self.new_key(&config.root_key)?;
        let ledger = Ledger::open(&config).await.map_err(|error| open_failure(&error, &settings.data_dir))?;
        if !self.yes {
            let others = at_work(&ledger, &SystemTimer).await.map_err(|error| Failure::Failed(chain(&error)))?;
            if !others.is_empty()
                && let Err(failure) = Self::confirm(global, others.len())
            {
                ledger.close().await;
                return Err(failure);
            }
        }
        let rotated = ledger.rekey(&new, system_event(Action::InstallationRekey)).await;
        ledger.close().await;
        Ok(json!({"rewrapped": rotated.map_err(|error| Failure::Failed(chain(&error)))?}))
    }

    fn new_key(&self, current: &RootKeySource) -> Result<RootKeySource, Failure> {
        if let Some(file) = &self.to_passphrase_file {
            let passphrase = input::text(file, &mut io::stdin().lock())?;
            return Ok(RootKeySource::Passphrase(SecretString::from(passphrase.as_str())));
        }
        match (&self.to_key_file, current) {
            (Some(path), _) if path.exists() => Err(Failure::Conflict(format!("{} already exists", path.display()))),
            (Some(path), _) | (None, RootKeySource::File(path)) => Ok(RootKeySource::File(path.clone())),
            (None, _) => Err(Failure::Usage(
                "the root key is not in a file: give --to-key-file or --to-passphrase-file".to_owned(),
            )),
        }
    }
}

const EXAMPLES: &str = "Examples:
  bursar rekey
  bursar rekey --data-dir ./data --to-passphrase-file new-passphrase";
