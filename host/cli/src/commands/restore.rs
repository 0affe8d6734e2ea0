//! `bursar restore`

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::audit::Action;
use bursar_kernel::store::{Batch, Store as _};
use bursar_store::backup::{self, BackupError, Unlock};
use bursar_store::{Config, Ledger, RootKeySource};
use clap::Args;
use secrecy::SecretString;

use crate::broker::{DirectoryLock, chain, open_failure, storage, system_event};
use crate::config::{ROOT_KEY_FILE, RootKey};
use crate::failure::Failure;
use crate::input;
use crate::offline::OfflineArgs;
use crate::profile::write_private;
use crate::session::GlobalArgs;
use crate::system::SystemClock;
use crate::terminal;

/// Create a data dir from a backup and verify it completely
///
/// The data dir must not contain a store. The root key is copied into it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    #[command(flatten)]
    offline: OfflineArgs,
    /// The backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// File with the age identity (AGE-SECRET-KEY-1...) that opens it
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<String>,
    /// File with the passphrase that opens it [default: ask for it]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<String>,
    /// The root key's file [default: where the configuration says]
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,
}

impl Restore {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let Some(settings) = self.offline.settings()? else {
            return Err(Failure::Usage("--data-dir is required: a backup is restored into a folder".to_owned()));
        };
        let unlock = self.unlock(global)?;
        let input =
            File::open(&self.from).map_err(|error| Failure::io(format!("read {}", self.from.display()), error))?;
        let _lock = DirectoryLock::take(&settings.data_dir)?;
        let (root_key, copied) = match &self.root_key {
            None => (crate::broker::root_key_source(&settings.root_key)?, None),
            Some(file) => {
                let target = settings.data_dir.join(ROOT_KEY_FILE);
                let target = if let RootKey::File(path) = &settings.root_key { path.clone() } else { target };
                let copied = copy_key(file, &target)?;
                (RootKeySource::File(target.clone()), copied.then_some(target))
            }
        };
        let config = Config { storage: storage(&settings), root_key, clock: Arc::new(SystemClock) };
        let restored = backup::restore(input, &unlock, &config).await;
        if restored.is_err()
            && let Some(key) = copied
        {
            // A failed restoration leaves nothing behind.
            let _ = fs::remove_file(key);
        }
        let (summary, report) = restored.map_err(|error| failure(&error, &settings.data_dir))?;
        record(&config).await.map_err(|failure| match failure {
            Ok(error) => open_failure(&error, &settings.data_dir),
            Err(error) => Failure::Failed(chain(&error)),
        })?;
        global.output().note(&format!(
            "restored {} rows as of {} into {}; {} audit records hold",
            summary.rows,
            summary.header.at,
            settings.data_dir.display(),
            report.entries
        ))
    }

    fn unlock(&self, global: &GlobalArgs) -> Result<Unlock, Failure> {
        let mut stdin = io::stdin().lock();
        if let Some(file) = &self.identity {
            let text = input::text(file, &mut stdin)?;
            // `age-keygen` writes comments above the identity.
            let identity = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
            return Ok(Unlock::Identity(SecretString::from(identity.unwrap_or_default().trim())));
        }
        let passphrase = match &self.passphrase_file {
            Some(file) => input::text(file, &mut stdin)?,
            None if global.is_interactive() => terminal::ask_secret("Passphrase")?,
            None => return Err(Failure::Usage("give --identity or --passphrase-file".to_owned())),
        };
        Ok(Unlock::Passphrase(SecretString::from(passphrase.as_str())))
    }
}

/// Copies the root key; returns whether it was copied or already there.
fn copy_key(from: &Path, to: &Path) -> Result<bool, Failure> {
    let key = input::text(&from.to_string_lossy(), &mut io::empty())?;
    if to.exists() {
        let existing = input::text(&to.to_string_lossy(), &mut io::empty())?;
        return if existing.trim() == key.trim() {
            Ok(false)
        } else {
            Err(Failure::Conflict(format!("{} contains another root key", to.display())))
        };
    }
    write_private(to, key.as_bytes(), false).map_err(|error| Failure::io(format!("write {}", to.display()), error))?;
    Ok(true)
}

/// Records the restoration as the first event after the restored chain.
async fn record(config: &Config) -> Result<(), Result<bursar_store::OpenError, bursar_kernel::store::StoreError>> {
    let ledger = Ledger::open(config).await.map_err(Ok)?;
    let recorded = ledger.commit(Batch::default().event(system_event(Action::InstallationRestore))).await;
    ledger.close().await;
    recorded.map(drop).map_err(Err)
}

fn failure(error: &BackupError, data_dir: &Path) -> Failure {
    match error {
        BackupError::Open(error) => open_failure(error, data_dir),
        BackupError::Identity | BackupError::Recipient => Failure::Usage(error.to_string()),
        error => Failure::Failed(chain(error)),
    }
}

const EXAMPLES: &str = "Example:
  bursar restore --data-dir ./data --from bursar.age --identity key.txt --root-key root.key";
