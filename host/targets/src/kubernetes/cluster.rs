//! The connection to a cluster: created on first use, and again when its kubeconfig file changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bursar_regions::TargetError;
use kube::Client;
use zeroize::Zeroizing;

use super::api::ClusterApi;
use super::kubeconfig::{self, UsableConfig};

/// Where the kubeconfig comes from.
pub(super) enum KubeconfigSource {
    /// The region's settings.
    Inline(Zeroizing<String>),
    /// A file, which may be rewritten with another token.
    File(PathBuf),
    /// The pod that Bursar runs in.
    InCluster,
}

/// The connection of a region.
pub(super) struct ClusterConnection {
    source: KubeconfigSource,
    context: Option<String>,
    timeout: Duration,
    connected: Mutex<Option<Connected>>,
}

struct Connected {
    /// When the file was last modified.
    written_at: Option<SystemTime>,
    api: ClusterApi,
}

impl ClusterConnection {
    pub(super) fn new(source: KubeconfigSource, context: Option<String>, timeout: Duration) -> Self {
        Self { source, context, timeout, connected: Mutex::new(None) }
    }

    /// The API of the cluster. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where the kubeconfig cannot be used.
    pub(super) fn api(&self) -> Result<ClusterApi, TargetError> {
        let written_at = match &self.source {
            KubeconfigSource::File(path) => std::fs::metadata(path).and_then(|file| file.modified()).ok(),
            KubeconfigSource::Inline(_) | KubeconfigSource::InCluster => None,
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

    fn connect(&self) -> Result<ClusterApi, String> {
        let context = self.context.as_deref();
        let UsableConfig { mut config, secrets } = match &self.source {
            KubeconfigSource::Inline(text) => kubeconfig::inline(text, context),
            KubeconfigSource::File(path) => kubeconfig::file(path, context),
            KubeconfigSource::InCluster => kubeconfig::in_cluster(),
        }?;
        config.connect_timeout = Some(self.timeout);
        // The reconcile loop decides when to retry.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|_| "the sign-in of the kubeconfig cannot be used".to_owned())?;
        Ok(ClusterApi { client, timeout: self.timeout, secrets: Arc::new(secrets) })
    }
}
