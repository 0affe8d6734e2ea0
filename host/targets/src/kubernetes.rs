//! Kubernetes: one Secret per credential, by server-side apply.

mod api;
mod cluster;
mod kubeconfig;
mod naming;
mod rights;
mod secret;
mod secrets;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{Owner, Parcel, Removal, Seen, Target, TargetError, TargetKind};
use serde_json::Value;
use uuid::Uuid;

use self::cluster::{ClusterConnection, KubeconfigSource};
use self::naming::{Naming, SecretPath};
use self::secret::{DesiredSecret, Ownership, contents, ownership};
use self::secrets::SecretClient;
use self::settings::KubernetesSettings;
use crate::blot::Blotter;
use crate::settings::CompiledKind;

pub(super) use self::settings::validate;

/// The kind.
pub(super) static KIND: LazyLock<CompiledKind> = LazyLock::new(|| {
    CompiledKind::new(include_str!("kubernetes/settings.json"), |settings| TargetKind {
        id: "kubernetes",
        title: "Kubernetes",
        summary: "Secrets in a cluster, one for each credential",
        settings,
        takes_login: false,
        preferred_formats: "kubernetes.io/",
    })
});

/// Opens the target of a region. Sends nothing.
///
/// # Errors
///
/// [`TargetError::Invalid`] where the kubeconfig cannot be used.
#[expect(clippy::unused_async, reason = "the connection belongs to the runtime it is created on")]
pub(super) async fn open(installation: Uuid, settings: &SecretJson) -> Result<Arc<dyn Target>, TargetError> {
    let (settings, _) = KIND.read::<KubernetesSettings>(settings);
    let source = match (settings.kubeconfig, settings.kubeconfig_file) {
        (Some(text), _) => KubeconfigSource::Inline(text),
        (None, Some(file)) => KubeconfigSource::File(file),
        (None, None) => KubeconfigSource::InCluster,
    };
    let timeout = Duration::from_secs(settings.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS));
    let cluster = ClusterConnection::new(source, settings.context, timeout);
    // Reports an unusable kubeconfig early.
    cluster.api()?;
    Ok(Arc::new(Kubernetes {
        installation,
        cluster,
        naming: Naming::new(settings.namespace, settings.name),
        creates_namespaces: settings.create_namespaces.unwrap_or(true),
        labels: settings.labels.unwrap_or_default(),
        annotations: settings.annotations.unwrap_or_default(),
    }))
}

struct Kubernetes {
    installation: Uuid,
    cluster: ClusterConnection,
    naming: Naming,
    creates_namespaces: bool,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[async_trait]
impl Target for Kubernetes {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        self.naming.place(owner)
    }

    async fn put(&self, place: &str, parcel: &Parcel, _: Option<&Value>) -> Result<Value, TargetError> {
        let path = SecretPath::parse(place)?;
        let desired = DesiredSecret::new(path, parcel, &self.labels, &self.annotations)?;
        let mut blot = Blotter::default();
        parcel.artifacts.iter().for_each(|artifact| blot.add(&artifact.content));
        let namespaces = self.creates_namespaces.then_some(self.installation);
        SecretClient::new(self.cluster.api()?, path).put(&desired, &parcel.owner, namespaces, blot).await
    }

    async fn remove(&self, place: &str, removal: &Removal, _: Option<&Value>) -> Result<(), TargetError> {
        SecretClient::new(self.cluster.api()?, SecretPath::parse(place)?).remove(&removal.owner).await
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        let found = SecretClient::new(self.cluster.api()?, SecretPath::parse(place)?).read().await?;
        Ok(match found {
            None => Seen::Nothing,
            Some(found) => match ownership(&found, owner) {
                Ownership::Ours => Seen::Ours(contents(found)),
                Ownership::Foreign(text) => Seen::Foreign(text),
            },
        })
    }

    async fn check(&self) -> Result<(), TargetError> {
        rights::check(&self.cluster.api()?, self.naming.one_namespace(), self.creates_namespaces).await
    }
}

const DEFAULT_TIMEOUT_SECONDS: u64 = 15;
