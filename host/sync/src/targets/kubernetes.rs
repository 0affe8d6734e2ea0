//! Kubernetes: one Secret for each credential, by server-side apply.

mod api;
mod cluster;
mod kubeconfig;
mod naming;
mod rights;
mod secret;
mod secrets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bursar_domain::Violation;
use bursar_domain::region::{Owner, Parcel, Removal, Seen, Setting, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::cluster::{Cluster, Source};
use self::naming::{Form, Naming, Spot};
use self::secret::{Wanted, Whose, contents, whose};
use self::secrets::Secrets;
use crate::blot::Blotter;
use crate::settings::Settings;

/// The kind.
pub(super) const KIND: TargetKind = TargetKind {
    id: "kubernetes",
    title: "Kubernetes",
    summary: "Secrets in a cluster, one for each credential",
    settings: &[
        Setting {
            secret: true,
            lines: true,
            ..setting("kubeconfig", "a whole kubeconfig in YAML that needs no other file")
        },
        setting("kubeconfigFile", "the path of a kubeconfig; with neither, the service account of the pod that we are"),
        Setting { moves: true, ..setting("context", "the kubeconfig's context, by default its current one") },
        Setting { moves: true, ..setting("namespace", "a template, by default `bursar-{{ account.name }}`") },
        Setting { moves: true, ..setting("name", "a template, by default `{{ credential.name }}`") },
        setting("createNamespaces", "whether missing namespaces are made, by default true"),
        setting("labels", "labels that each Secret gets besides ours"),
        setting("annotations", "annotations that each Secret gets besides ours"),
        setting("timeoutSeconds", "how long a request may take, by default 15"),
    ],
    takes_login: false,
    preferred_formats: "kubernetes.io/",
};

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    let mut reader = Settings::new(&KIND, settings);
    let (inline, file, context) = (reader.text("kubeconfig"), reader.text("kubeconfigFile"), reader.text("context"));
    if file.is_some_and(|file| !Path::new(file).is_absolute()) {
        reader.complain("kubeconfigFile", "format", "This must be an absolute path.");
    }
    if inline.is_some() && file.is_some() {
        reader.complain("kubeconfigFile", "conflict", "Give `kubeconfig` or `kubeconfigFile`, not both.");
    } else if context.is_some() && !kubeconfig::is_given(settings) {
        reader.complain("context", "conflict", "A context is one of a kubeconfig, and there is none.");
    }
    if let Some(Err(message)) = inline.map(|text| kubeconfig::inline(text, context)) {
        reader.complain("kubeconfig", "format", &message);
    }
    for (setting, form) in [("namespace", Form::Label), ("name", Form::Subdomain)] {
        if let Some((code, message)) = reader.text(setting).and_then(|template| naming::complaint(template, form)) {
            reader.complain(setting, code, &message);
        }
    }
    reader.flag("createNamespaces");
    for (setting, values_are_labels) in [("labels", true), ("annotations", false)] {
        for (code, message) in reader.texts(setting).iter().flatten().filter_map(|(key, value)| {
            let value = if values_are_labels { value } else { "" };
            naming::metadata_complaint(key, value)
        }) {
            reader.complain(setting, code, &message);
        }
    }
    if reader.number("timeoutSeconds").is_some_and(|seconds| !TIMEOUT_SECONDS.contains(&seconds)) {
        let (from, to) = (TIMEOUT_SECONDS.start(), TIMEOUT_SECONDS.end());
        reader.complain("timeoutSeconds", "range", &format!("This must be from {from} to {to}."));
    }
    reader.finish()
}

/// The target of a region. Nothing is sent yet.
#[expect(clippy::unused_async, reason = "the connection belongs to the runtime it is made on")]
pub(super) async fn open(installation: Uuid, settings: &SecretJson) -> Result<Arc<dyn Target>, TargetError> {
    let mut reader = Settings::new(&KIND, settings);
    let source = match (reader.text("kubeconfig"), reader.text("kubeconfigFile")) {
        (Some(text), _) => Source::Inline(Zeroizing::new(text.to_owned())),
        (None, Some(file)) => Source::File(PathBuf::from(file)),
        (None, None) => Source::InCluster,
    };
    let timeout = Duration::from_secs(reader.number("timeoutSeconds").unwrap_or(DEFAULT_TIMEOUT_SECONDS));
    let cluster = Cluster::new(source, reader.text("context").map(str::to_owned), timeout);
    // A kubeconfig that cannot be used is told now.
    cluster.api()?;
    Ok(Arc::new(Kubernetes {
        installation,
        cluster,
        naming: Naming::new(reader.text("namespace"), reader.text("name")),
        creates_namespaces: reader.flag("createNamespaces").unwrap_or(true),
        labels: reader.texts("labels").unwrap_or_default(),
        annotations: reader.texts("annotations").unwrap_or_default(),
    }))
}

struct Kubernetes {
    installation: Uuid,
    cluster: Cluster,
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
        let spot = Spot::read(place)?;
        let wanted = Wanted::new(spot, parcel, &self.labels, &self.annotations)?;
        let mut blot = Blotter::default();
        parcel.artifacts.iter().for_each(|artifact| blot.add(&artifact.content));
        let namespaces = self.creates_namespaces.then_some(self.installation);
        Secrets::new(self.cluster.api()?, spot).put(&wanted, &parcel.owner, namespaces, blot).await
    }

    async fn remove(&self, place: &str, removal: &Removal, _: Option<&Value>) -> Result<(), TargetError> {
        Secrets::new(self.cluster.api()?, Spot::read(place)?).remove(&removal.owner).await
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        let found = Secrets::new(self.cluster.api()?, Spot::read(place)?).read().await?;
        Ok(match found {
            None => Seen::Nothing,
            Some(found) => match whose(&found, owner) {
                Whose::Ours => Seen::Ours(contents(found)),
                Whose::Foreign(text) => Seen::Foreign(text),
            },
        })
    }

    async fn check(&self) -> Result<(), TargetError> {
        rights::check(&self.cluster.api()?, self.naming.one_namespace(), self.creates_namespaces).await
    }
}

const fn setting(name: &'static str, about: &'static str) -> Setting {
    Setting { name, about, secret: false, moves: false, required: false, lines: false }
}

const TIMEOUT_SECONDS: std::ops::RangeInclusive<u64> = 1..=300;
const DEFAULT_TIMEOUT_SECONDS: u64 = 15;
