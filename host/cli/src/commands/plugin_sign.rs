//! `bursar plugin sign`

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bursar_kernel::clock::Clock as _;
use clap::Args;
use minisign::{ErrorKind, KeyPair, PublicKey, SecretKey, SecretKeyBox};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input::{self, decoded};
use crate::output::plain;
use crate::profile::write_private;
use crate::session::GlobalArgs;
use crate::system::SystemClock;
use crate::terminal::{ask_new_passphrase, ask_secret};

/// Sign a plugin's file in the minisign format
///
/// Writes FILE.minisig beside FILE. Keys and signatures are compatible with the
/// `minisign` tool.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignPlugin {
    /// The `.wasm` file
    #[arg(required_unless_present = "generate")]
    file: Option<PathBuf>,
    /// The secret key's file
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
    /// Make a new key pair first: the secret key in KEYFILE, the public key beside
    /// it with the extension `.pub`
    #[arg(long)]
    generate: bool,
    /// Read the key's password from a file, `-` for stdin, instead of asking
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
}

impl SignPlugin {
    pub(super) fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let output = global.output();
        let key = if self.generate { self.generate_pair(global)? } else { self.open_key(global)? };
        let public = PublicKey::from_secret_key(&key).map_err(|_| not_a_key(&self.key))?.to_base64();
        if self.generate {
            output.note(&format!("made {} and {}", self.key.display(), public_file(&self.key).display()))?;
        }
        if let Some(file) = &self.file {
            let signature = sign(file, &key)?;
            output.note(&format!("signed {}: {}", file.display(), signature.display()))?;
        }
        output.line(&public)
    }

    fn generate_pair(&self, global: &GlobalArgs) -> Result<SecretKey, Failure> {
        let public_file = public_file(&self.key);
        if let Some(existing) = [&self.key, &public_file].into_iter().find(|file| file.exists()) {
            return Err(Failure::Conflict(format!("{} already exists", existing.display())));
        }
        let password = match self.password(global)? {
            Some(password) => password,
            None => ask_new_passphrase()?,
        };
        let failed = |error: minisign::PError| Failure::Failed(format!("cannot make a key: {error}"));
        let pair = KeyPair::generate_encrypted_keypair(Some(password.to_string())).map_err(failed)?;
        let sealed = Zeroizing::new(pair.sk.to_box(None).map_err(failed)?.into_string());
        let public = pair.pk.to_box().map_err(failed)?.into_string();
        write_private(&self.key, sealed.as_bytes(), false)
            .map_err(|error| Failure::io(format!("write {}", self.key.display()), error))?;
        fs::write(&public_file, public)
            .map_err(|error| Failure::io(format!("write {}", public_file.display()), error))?;
        open(&self.key, &sealed, Some(&password))
    }

    fn open_key(&self, global: &GlobalArgs) -> Result<SecretKey, Failure> {
        let doing = || format!("read {}", self.key.display());
        let facts = fs::metadata(&self.key).map_err(|error| Failure::io(doing(), error))?;
        if facts.permissions().mode() & 0o077 != 0 {
            let path = self.key.display();
            return Err(Failure::Usage(format!(
                "{path} is a secret key and is readable by others: run `chmod 600 {path}`"
            )));
        }
        let bytes = Zeroizing::new(fs::read(&self.key).map_err(|error| Failure::io(doing(), error))?);
        let text = decoded(&bytes).map_err(|why| Failure::Usage(format!("{} {why}", self.key.display())))?;
        if let Some(key) = without_password(&text) {
            return Ok(key);
        }
        let password = match self.password(global)? {
            Some(password) => password,
            None => ask_secret("Password")?,
        };
        open(&self.key, &text, Some(&password))
    }

    /// The password; `None` to ask for it.
    fn password(&self, global: &GlobalArgs) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.password_file {
            Some(file) => input::text(file, &mut io::stdin().lock()).map(Some),
            None if global.is_interactive() => Ok(None),
            None => Err(Failure::Usage("the key has a password: give --password-file FILE".to_owned())),
        }
    }
}

/// Reads a key of `minisign -W`. The library takes its empty checksum for damage, so
/// its bytes are read without the check.
fn without_password(text: &str) -> Option<SecretKey> {
    let line = text.lines().nth(1)?;
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(line.trim()).ok()?);
    // The password algorithm, after the signature algorithm.
    if bytes.get(2..4) != Some(&[0, 0]) {
        return None;
    }
    SecretKey::from_bytes(&bytes).ok()
}

fn open(file: &Path, text: &str, password: Option<&Zeroizing<String>>) -> Result<SecretKey, Failure> {
    let password = password.map(|password| password.to_string());
    SecretKeyBox::from(text.to_owned()).into_secret_key(password).map_err(|error| match error.kind() {
        ErrorKind::Verify => Failure::Failed(format!("this is not the password of {}", file.display())),
        _ => not_a_key(file),
    })
}

/// Signs `file`; returns the path of the signature.
fn sign(file: &Path, key: &SecretKey) -> Result<PathBuf, Failure> {
    let content = fs::File::open(file).map_err(|error| Failure::io(format!("read {}", file.display()), error))?;
    let name = plain(&file.file_name().unwrap_or_default().to_string_lossy());
    let comment = format!("timestamp:{}\tfile:{name}\thashed", SystemClock.now().as_second());
    let signature = minisign::sign(None, key, content, Some(&comment), Some("signature from bursar plugin sign"))
        .map_err(|error| Failure::Failed(format!("cannot sign {}: {error}", file.display())))?;
    let mut path = file.as_os_str().to_owned();
    path.push(".minisig");
    let path = PathBuf::from(path);
    fs::write(&path, signature.into_string())
        .map_err(|error| Failure::io(format!("write {}", path.display()), error))?;
    Ok(path)
}

fn public_file(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

fn not_a_key(file: &Path) -> Failure {
    Failure::Usage(format!("{} contains no minisign secret key", file.display()))
}

const EXAMPLES: &str = "Examples:
  # Once: the last line goes into plugins.trusted_keys
  bursar plugin sign --generate --key release.key

  bursar plugin sign dns-example.wasm --key release.key --password-file password";
