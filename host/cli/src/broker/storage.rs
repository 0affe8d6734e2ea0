//! Opening the store that the settings name, or making it on the first start.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::clock::Entropy as _;
use bursar_store::{Config, Ledger, OpenError, RootKeySource, Storage};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{TOKEN_FILE, chain};
use crate::config::{RootKey, Settings};
use crate::failure::Failure;
use crate::input;
use crate::profile::write_private;
use crate::system::{SystemClock, SystemEntropy};

/// Opens the store, or makes it where there is none.
///
/// # Errors
///
/// Where the data dir tells of a store that is gone, unless it is to be begun
/// anew; else see [`open_failure`].
pub(super) async fn open_or_create(settings: &Settings, begin_anew: bool) -> Result<Ledger, Failure> {
    let config = Config {
        storage: storage(settings),
        root_key: root_key_source(&settings.root_key)?,
        clock: Arc::new(SystemClock),
    };
    let first_start = FirstStart(settings.data_dir.join(FIRST_START_FILE));
    match Ledger::open(&config).await {
        Err(OpenError::NotInitialised) => {}
        opened => {
            let ledger = opened.map_err(|error| open_failure(&error, &settings.data_dir))?;
            first_start.end()?;
            return Ok(ledger);
        }
    }
    if !begin_anew
        && !first_start.is_under_way()
        && let Some(trace) = trace_of_a_store(settings)
    {
        return Err(gone(settings, &trace));
    }
    first_start.begin()?;
    make_root_key(&settings.root_key)?;
    let created = match &config.storage {
        Storage::Redb { path, cache_bytes } => create_file(path, *cache_bytes, &config).await,
        Storage::Postgres { .. } => Ledger::create(&config).await,
    };
    let ledger = match created {
        // Another node of a new installation was first.
        Err(OpenError::AlreadyInitialised) => Ledger::open(&config).await,
        created => created,
    };
    let ledger = ledger.map_err(|error| open_failure(&error, &settings.data_dir))?;
    first_start.end()?;
    Ok(ledger)
}

/// What a data dir keeps of a store and would not be there without one.
fn trace_of_a_store(settings: &Settings) -> Option<PathBuf> {
    let data_dir = &settings.data_dir;
    let mut traces = vec![data_dir.join(NODE_FILE)];
    // Nodes of one database are given these before their first start.
    if settings.database_url.is_none() {
        let own_key = match &settings.root_key {
            RootKey::File(path) if path.starts_with(data_dir) => Some(path.clone()),
            _ => None,
        };
        traces.extend([TOKEN_FILE, "plugins", "plugin-cache", "audit-segments"].map(|name| data_dir.join(name)));
        traces.extend(own_key);
    }
    traces.into_iter().find(|path| path.exists())
}

fn gone(settings: &Settings, trace: &Path) -> Failure {
    let (what, cure) = match &settings.database_url {
        None => (format!("{STORE_FILE} is not in {}", settings.data_dir.display()), format!("put {STORE_FILE} back")),
        Some(_) => ("the database is empty".to_owned(), "name the right one in storage.url".to_owned()),
    };
    Failure::Conflict(format!(
        "{what}, but {} tells that there was a store: {cure}, or restore a backup into a new folder (bursar restore), \
         or begin anew with --init",
        trace.display()
    ))
}

/// That a first start has begun and is not through: then what it made before the
/// store tells of none.
struct FirstStart(PathBuf);

impl FirstStart {
    fn is_under_way(&self) -> bool {
        self.0.exists()
    }

    fn begin(&self) -> Result<(), Failure> {
        fs::File::create(&self.0)
            .and_then(|file| file.sync_all())
            .map_err(|error| Failure::io(format!("write {}", self.0.display()), error))
    }

    fn end(&self) -> Result<(), Failure> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::io(format!("remove {}", self.0.display()), error))
            }
            _ => Ok(()),
        }
    }
}

/// Where the rows are.
pub(crate) fn storage(settings: &Settings) -> Storage {
    match &settings.database_url {
        None => Storage::Redb { path: settings.data_dir.join(STORE_FILE), cache_bytes: settings.cache_bytes },
        Some(url) => Storage::Postgres {
            url: url.clone(),
            max_connections: settings.max_connections,
            node_file: Some(settings.data_dir.join(NODE_FILE)),
        },
    }
}

/// Where the store finds its root key.
///
/// # Errors
///
/// Where the passphrase cannot be read.
pub(crate) fn root_key_source(root_key: &RootKey) -> Result<RootKeySource, Failure> {
    Ok(match root_key {
        RootKey::File(path) => RootKeySource::File(path.clone()),
        RootKey::Passphrase(path) => {
            let passphrase = input::text(&path.to_string_lossy(), &mut std::io::empty())?;
            RootKeySource::Passphrase(SecretString::from(passphrase.as_str()))
        }
        RootKey::Variable(name) => RootKeySource::Environment(name.clone()),
        RootKey::CredentialsDirectory(folder) => RootKeySource::Credential(folder.clone()),
    })
}

/// Why a store was not opened, with the cure where there is one.
pub(crate) fn open_failure(error: &OpenError, data_dir: &Path) -> Failure {
    let folder = data_dir.display();
    match error {
        OpenError::InUse => Failure::Conflict(format!("the data dir {folder} is in use by a running broker")),
        OpenError::NotInitialised => Failure::Failed(format!("there is no store in {folder}")),
        OpenError::AlreadyInitialised => Failure::Conflict(format!("there is a store in {folder} already")),
        OpenError::WrongRootKey => Failure::Failed(format!(
            "the root key is not the one that the store in {folder} was sealed with: \
             set storage.root_key to the right one"
        )),
        error => Failure::Failed(format!("the store in {folder} cannot be opened: {}", chain(error))),
    }
}

/// A first start that is cut short must not leave half a key: it is there whole
/// or not at all.
fn make_root_key(root_key: &RootKey) -> Result<(), Failure> {
    let RootKey::File(path) = root_key else { return Ok(()) };
    if path.exists() {
        return Ok(());
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    SystemEntropy.fill(&mut *key);
    let text = Zeroizing::new(hex::encode(*key) + "\n");
    write_private(path, text.as_bytes(), false).map_err(|error| Failure::io(format!("write {}", path.display()), error))
}

/// Makes the file under another name first, for the same reason.
async fn create_file(path: &Path, cache_bytes: usize, config: &Config) -> Result<Ledger, OpenError> {
    let unfinished = unfinished(path);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let storage = Storage::Redb { path: unfinished.clone(), cache_bytes };
    Ledger::create(&Config { storage, ..config.clone() }).await?.close().await;
    fs::rename(&unfinished, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ledger::open(config).await
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("redb.unfinished")
}

/// In the data dir.
const STORE_FILE: &str = "bursar.redb";
const NODE_FILE: &str = "node-id";
const FIRST_START_FILE: &str = ".first-start";
