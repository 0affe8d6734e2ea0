//! The connection of a region: made when it is needed, and anew when its file has changed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bursar_domain::region::TargetError;
use kube::Client;
use zeroize::Zeroizing;

use super::api::Api;
use super::kubeconfig::{self, Ready};

/// Where the way to a cluster is written.
pub(super) enum Source {
    /// In the region's settings.
    Inline(Zeroizing<String>),
    /// In a file, which may be written anew with another token.
    File(PathBuf),
    /// In the pod that we are.
    InCluster,
}

/// A cluster that can be spoken to.
pub(super) struct Cluster {
    source: Source,
    context: Option<String>,
    timeout: Duration,
    connected: Mutex<Option<Connected>>,
}

struct Connected {
    /// When the file was last written.
    written_at: Option<SystemTime>,
    api: Api,
}

impl Cluster {
    pub(super) fn new(source: Source, context: Option<String>, timeout: Duration) -> Self {
        Self { source, context, timeout, connected: Mutex::new(None) }
    }

    /// The connection. Nothing is sent by making it.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where the kubeconfig cannot be used.
    pub(super) fn api(&self) -> Result<Api, TargetError> {
        let written_at = match &self.source {
            Source::File(path) => std::fs::metadata(path).and_then(|file| file.modified()).ok(),
            Source::Inline(_) | Source::InCluster => None,
        };
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connected) = &*connected
            && connected.written_at == written_at
        {
            return Ok(connected.api.clone());
        }
        let api = self.connect().map_err(TargetError::Invalid)?;
        *connected = Some(Connected { written_at, api: api.clone() });
        Ok(api)
    }

    fn connect(&self) -> Result<Api, String> {
        let context = self.context.as_deref();
        let Ready { mut config, secrets } = match &self.source {
            Source::Inline(text) => kubeconfig::inline(text, context),
            Source::File(path) => kubeconfig::file(path, context),
            Source::InCluster => kubeconfig::in_cluster(),
        }?;
        config.connect_timeout = Some(self.timeout);
        // When to try again is the reconcile loop's to say.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|_| "the sign-in of the kubeconfig cannot be used".to_owned())?;
        Ok(Api { client, timeout: self.timeout, secrets: Arc::new(secrets) })
    }
}
