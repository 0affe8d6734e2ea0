//! The settings, and what is wrong with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bursar_kernel::secret::SecretJson;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::KIND;
use super::kubeconfig;
use super::naming::{self, NameForm};
use crate::settings::{Violations, whole};

/// The settings, as the schema lets them pass.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct KubernetesSettings {
    pub(super) kubeconfig: Option<Zeroizing<String>>,
    pub(super) kubeconfig_file: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) create_namespaces: Option<bool>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "whole")]
    pub(super) timeout_seconds: Option<u64>,
}

/// Everything that is wrong with settings.
pub(crate) fn validate(given: &SecretJson) -> Violations {
    let (settings, mut violations) = KIND.read::<KubernetesSettings>(given);
    let KubernetesSettings { kubeconfig, kubeconfig_file, context, .. } = settings;
    if kubeconfig_file.as_ref().is_some_and(|file| !file.is_absolute()) {
        violations.add("/kubeconfigFile", "format", "This must be an absolute path.");
    }
    let is_given = |name: &str| given.expose().get(name).is_some_and(|value| *value != Value::Null);
    if kubeconfig.is_some() && kubeconfig_file.is_some() {
        violations.add("/kubeconfigFile", "conflict", "Set `kubeconfig` or `kubeconfigFile`, not both.");
    } else if context.is_some() && !is_given("kubeconfig") && !is_given("kubeconfigFile") {
        violations.add("/context", "conflict", "`context` requires `kubeconfig` or `kubeconfigFile`.");
    }
    if let Some(Err(message)) = kubeconfig.map(|text| kubeconfig::inline(&text, context.as_deref())) {
        violations.add("/kubeconfig", "format", message);
    }
    for (pointer, template, form) in
        [("/namespace", settings.namespace, NameForm::Label), ("/name", settings.name, NameForm::Subdomain)]
    {
        if let Some(Err((code, message))) = template.map(|template| naming::check_template(&template, form)) {
            violations.add(pointer, code, message);
        }
    }
    for (key, value) in settings.labels.unwrap_or_default() {
        if let Err((code, message)) = naming::check_label(&key, &value) {
            violations.add("/labels", code, message);
        }
    }
    for key in settings.annotations.unwrap_or_default().into_keys() {
        if let Err((code, message)) = naming::check_key(&key) {
            violations.add("/annotations", code, message);
        }
    }
    violations
}
