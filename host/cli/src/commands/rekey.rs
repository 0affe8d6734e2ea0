//! `bursar rekey`

use std::io;
use std::path::PathBuf;

use bursar_domain::audit::Action;
use bursar_store::{Ledger, RootKeySource};
use clap::Args;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::broker::{DirectoryLock, chain, open_failure, system_event};
use crate::config::Settings;
use crate::failure::Failure;
use crate::input;
use crate::offline::{self, OfflineArgs};
use crate::session::{GlobalArgs, Session, warn};

/// Rotate the root key: every key under it is wrapped anew
///
/// Nothing else is encrypted again. A backup made before needs the old root key.
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
}

impl Rekey {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let answer = match self.offline.settings()? {
            None => Self::online(global).await?,
            Some(settings) => match DirectoryLock::take(&settings.data_dir) {
                Ok(_lock) => self.offline(&settings).await?,
                Err(Failure::Conflict(_)) if self.to_passphrase_file.is_none() && self.to_key_file.is_none() => {
                    warn(&format!("a broker runs on {}: asking it", settings.data_dir.display()));
                    Self::online(global).await?
                }
                Err(failure) => return Err(failure),
            },
        };
        global.output().one(&answer, "/rewrapped")
    }

    async fn online(global: &GlobalArgs) -> Result<Value, Failure> {
        Session::open(global)?.client.act(&["v1", "rekey"]).await
    }

    async fn offline(&self, settings: &Settings) -> Result<Value, Failure> {
        let config = offline::config(settings)?;
        let new = self.new_key(&config.root_key)?;
        let ledger = Ledger::open(&config).await.map_err(|error| open_failure(&error, &settings.data_dir))?;
        let rotated = ledger.rekey(&new, system_event(Action::InstallationRekey)).await;
        ledger.close().await;
        Ok(json!({"rewrapped": rotated.map_err(|error| Failure::Failed(chain(&error)))?}))
    }

    fn new_key(&self, present: &RootKeySource) -> Result<RootKeySource, Failure> {
        if let Some(file) = &self.to_passphrase_file {
            let passphrase = input::text(file, &mut io::stdin().lock())?;
            return Ok(RootKeySource::Passphrase(SecretString::from(passphrase.as_str())));
        }
        match (&self.to_key_file, present) {
            (Some(path), _) if path.exists() => Err(Failure::Conflict(format!("{} exists already", path.display()))),
            (Some(path), _) | (None, RootKeySource::File(path)) => Ok(RootKeySource::File(path.clone())),
            (None, _) => Err(Failure::Usage(
                "the root key is not in a file of the broker's: give --to-key-file or --to-passphrase-file".to_owned(),
            )),
        }
    }
}

const EXAMPLES: &str = "Examples:
  bursar rekey
  bursar rekey --data-dir ./data --to-passphrase-file new-passphrase";
