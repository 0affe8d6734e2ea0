//! `bursar backup`

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use age::Encryptor;
use bursar_store::backup::Protection;
use clap::Args;
use futures::StreamExt as _;
use secrecy::SecretString;

use crate::broker::chain;
use crate::failure::Failure;
use crate::input;
use crate::offline::OfflineArgs;
use crate::session::{GlobalArgs, Session};
use crate::terminal;

/// Write everything into one encrypted file
///
/// The root key is not in it: keep it elsewhere, since a restoration needs both.
/// The file is encrypted on this machine, in the age format.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Backup {
    #[command(flatten)]
    offline: OfflineArgs,
    /// Write to this new file of mode 0600
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Encrypt for this age recipient
    #[arg(long, value_name = "age1...", conflicts_with = "passphrase_file")]
    recipient: Option<String>,
    /// Encrypt with the passphrase in this file [default: ask for one]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<String>,
}

impl Backup {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let protection = self.protection(global)?;
        let out = create(&self.out)?;
        let written = match self.offline.open().await {
            Ok(Some(ledger)) => {
                let file = out.try_clone().map_err(|error| self.failed(error))?;
                let written = ledger.backup(&protection, file).await;
                ledger.close().await;
                written.map(drop).map_err(|error| Failure::Failed(chain(&error)))
            }
            Ok(None) => self.download(global, &protection, &out).await,
            Err(failure) => Err(failure),
        };
        let written = written.and_then(|()| out.sync_all().map_err(|error| self.failed(error)));
        if written.is_err() {
            // An incomplete backup could be mistaken for a complete one.
            let _ = fs::remove_file(&self.out);
        }
        written?;
        global.output().note(&format!("backed up to {}", self.out.display()))
    }

    async fn download(&self, global: &GlobalArgs, protection: &Protection, out: &File) -> Result<(), Failure> {
        let session = Session::open(global)?;
        let encryptor = encryptor(protection)?;
        let mut chunks = std::pin::pin!(session.client.download(&["v1", "backup"]).await?);
        let mut out = encryptor.wrap_output(out).map_err(|error| self.failed(error))?;
        while let Some(chunk) = chunks.next().await {
            out.write_all(chunk?.as_ref()).map_err(|error| self.failed(error))?;
        }
        out.finish().map(drop).map_err(|error| self.failed(error))
    }

    fn protection(&self, global: &GlobalArgs) -> Result<Protection, Failure> {
        if let Some(recipient) = &self.recipient {
            return Ok(Protection::Recipient(recipient.clone()));
        }
        let passphrase = match &self.passphrase_file {
            Some(file) => input::text(file, &mut io::stdin().lock())?,
            None if global.is_interactive() => terminal::ask_new_passphrase()?,
            None => return Err(Failure::Usage("give --recipient or --passphrase-file".to_owned())),
        };
        if passphrase.is_empty() {
            return Err(Failure::Usage("the passphrase is empty".to_owned()));
        }
        Ok(Protection::Passphrase(SecretString::from(passphrase.as_str())))
    }

    fn failed(&self, error: io::Error) -> Failure {
        Failure::io(format!("write {}", self.out.display()), error)
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Conflict(format!("{} already exists", path.display())),
        _ => Failure::io(format!("create {}", path.display()), error),
    })
}

fn encryptor(protection: &Protection) -> Result<Encryptor, Failure> {
    match protection {
        Protection::Passphrase(passphrase) => Ok(Encryptor::with_user_passphrase(passphrase.clone())),
        Protection::Recipient(recipient) => {
            let recipient: age::x25519::Recipient = recipient
                .parse()
                .map_err(|_| Failure::Usage("--recipient is not an age recipient (age1...)".to_owned()))?;
            Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
                .map_err(|error| Failure::Failed(error.to_string()))
        }
    }
}

const EXAMPLES: &str = "Examples:
  bursar backup --out bursar.age --recipient age1...
  bursar backup --out bursar.age --passphrase-file passphrase --data-dir ./data";
