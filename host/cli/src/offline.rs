//! Commands on the data dir of a stopped broker.

use std::path::PathBuf;
use std::sync::Arc;

use bursar_store::{Config, Ledger, OpenError};
use clap::Args;
use toml::Value;

use crate::broker::{open_failure, root_key_source, storage};
use crate::commands::serve::environment;
use crate::config::{Configuration, Settings};
use crate::failure::Failure;
use crate::session::warn;
use crate::system::SystemClock;

/// The data dir to work on.
#[derive(Args, Clone, Debug)]
pub(crate) struct OfflineArgs {
    /// The data dir of a stopped broker, instead of calling a running one
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The broker's configuration file, for where its store and root key are
    #[arg(long, value_name = "FILE", env = "BURSAR_CONFIG", requires = "data_dir")]
    config: Option<PathBuf>,
}

impl OfflineArgs {
    /// The settings, if a data dir was given.
    ///
    /// # Errors
    ///
    /// As for [`Configuration::load`].
    pub(crate) fn settings(&self) -> Result<Option<Settings>, Failure> {
        let Some(folder) = &self.data_dir else { return Ok(None) };
        let folder = Value::from(folder.display().to_string());
        let flags = vec![("--data-dir", "storage.data_dir", folder)];
        Configuration::load(self.config.as_deref(), environment(), flags)?.settings().map(Some)
    }

    /// Opens the store read-only. `None` if no data dir was given, or a broker runs on
    /// it: use the API then.
    ///
    /// # Errors
    ///
    /// If the store cannot be opened.
    pub(crate) async fn open(&self) -> Result<Option<Ledger>, Failure> {
        let Some(settings) = self.settings()? else { return Ok(None) };
        match Ledger::open_read_only(&config(&settings)?).await {
            Ok(opened) => {
                if opened.repaired_copy {
                    warn("the broker was not stopped cleanly: this works on a repaired private copy of its store");
                }
                Ok(Some(opened.ledger))
            }
            Err(OpenError::InUse) => {
                warn(&format!("a broker runs on {}: asking it", settings.data_dir.display()));
                Ok(None)
            }
            Err(error) => Err(open_failure(&error, &settings.data_dir)),
        }
    }
}

/// How to open the store of `settings`.
///
/// # Errors
///
/// If the passphrase cannot be read.
pub(crate) fn config(settings: &Settings) -> Result<Config, Failure> {
    Ok(Config {
        storage: storage(settings),
        root_key: root_key_source(&settings.root_key)?,
        clock: Arc::new(SystemClock),
    })
}
