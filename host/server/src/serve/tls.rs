//! The listener's certificate and key. They are reloaded when their files change, so
//! a renewed certificate needs no restart; an invalid pair leaves the old one in use.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::ServeError;

/// Where the listener's certificate chain and private key are, in PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsFiles {
    /// Leaf first.
    pub certificate: PathBuf,
    /// Of the leaf; PKCS#8, PKCS#1 or SEC1.
    pub private_key: PathBuf,
}

/// The certificate and key in force. Clones share them.
#[derive(Clone)]
pub struct TlsIdentity {
    pub(super) config: RustlsConfig,
    state: Arc<Mutex<State>>,
}

struct State {
    files: TlsFiles,
    /// The files when they were last read, successfully or not.
    seen: [Option<Trace>; 2],
}

/// A file's inode, length and modification time.
type Trace = (u64, u64, i64, i64);

impl TlsIdentity {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// Where they cannot be used.
    pub fn read(files: TlsFiles) -> Result<Self, ServeError> {
        let seen = traces(&files);
        let config = RustlsConfig::from_config(Arc::new(config(&files)?));
        Ok(Self { config, state: Arc::new(Mutex::new(State { files, seen })) })
    }

    /// Switches to these files; new connections use them at once.
    ///
    /// # Errors
    ///
    /// Where they cannot be used; the old certificate stays in use.
    pub fn replace(&self, files: TlsFiles) -> Result<(), ServeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seen = traces(&files);
        let read = config(&files);
        state.files = files;
        self.config.reload_from_config(Arc::new(read?));
        Ok(())
    }

    /// Reloads the files if one of them has changed. Returns whether it did.
    fn follow(&self) -> Result<bool, ServeError> {
        let (files, seen) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.files.clone(), state.seen)
        };
        if traces(&files) == seen {
            return Ok(false);
        }
        self.replace(files).map(|()| true)
    }

    /// Reloads changed files until it is dropped.
    pub(super) async fn watch(self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let identity = self.clone();
            match tokio::task::spawn_blocking(move || identity.follow()).await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::info!("the listener's certificate was reloaded"),
                // The files are rarely replaced at the same instant: the next check may succeed.
                Ok(Err(error)) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(%error, cause, "the listener's new certificate is invalid: the old one stays in use");
                }
                Err(error) => tracing::error!(%error, "the listener's certificate could not be checked"),
            }
        }
    }
}

fn traces(files: &TlsFiles) -> [Option<Trace>; 2] {
    let trace = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
    };
    [trace(&files.certificate), trace(&files.private_key)]
}

fn config(files: &TlsFiles) -> Result<rustls::ServerConfig, ServeError> {
    let (path, key_path) = (&files.certificate, &files.private_key);
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| ServeError::Certificate { path: path.clone(), source })?;
    let key = PrivateKeyDer::from_pem_file(key_path)
        .map_err(|source| ServeError::PrivateKey { path: key_path.clone(), source })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

const LOOK_EVERY: Duration = Duration::from_secs(2);
