//! The Secret that a parcel becomes, and who owns a Secret.

use std::collections::BTreeMap;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bursar_regions::{Owner, Parcel, TargetError};
use k8s_openapi::api::core::v1::Secret;
use serde::{Serialize, Serializer};
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use super::naming::SecretPath;

/// A Secret to be sent.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DesiredSecret<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: DesiredMetadata<'a>,
    #[serde(rename = "type")]
    pub(super) type_: &'a str,
    data: BTreeMap<&'a str, Base64<'a>>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DesiredMetadata<'a> {
    namespace: &'a str,
    name: &'a str,
    labels: BTreeMap<&'a str, String>,
    annotations: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<&'a str>,
}

impl<'a> DesiredSecret<'a> {
    /// The Secret for `parcel` at `path`, with an operator's labels and annotations.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where it is larger than Kubernetes allows.
    pub(super) fn new(
        path: SecretPath<'a>,
        parcel: &'a Parcel,
        labels: &'a BTreeMap<String, String>,
        annotations: &'a BTreeMap<String, String>,
    ) -> Result<Self, TargetError> {
        let size: usize = parcel.artifacts.iter().map(|artifact| artifact.content.len()).sum();
        if size > MAX_DATA_BYTES {
            return Err(TargetError::Invalid(format!(
                "the Secret {path} would hold {size} bytes, and Kubernetes allows {MAX_DATA_BYTES}: choose smaller or \
                 fewer formats for this region"
            )));
        }
        let own = |own: &'a BTreeMap<String, String>| own.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let mut names: Vec<_> = parcel.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        names.sort_unstable();
        let owner = &parcel.owner;
        let metadata = DesiredMetadata {
            namespace: path.namespace,
            name: path.name,
            labels: own(labels)
                .chain([
                    (MANAGED_BY, MANAGER.to_owned()),
                    (INSTALLATION, owner.installation.to_string()),
                    (ACCOUNT, owner.account.to_string()),
                    (CREDENTIAL, owner.credential.to_string()),
                ])
                .collect(),
            annotations: own(annotations)
                .chain([
                    (ACCOUNT_NAME, owner.account_name.clone()),
                    (CREDENTIAL_NAME, owner.credential_name.clone()),
                    (VERSION, parcel.version.to_string()),
                    (FORMATS, parcel.formats.join(",")),
                    (KEYS, names.join(",")),
                ])
                .collect(),
            uid: None,
            resource_version: None,
        };
        let first = parcel.formats.first().map(String::as_str);
        Ok(Self {
            api_version: "v1",
            kind: "Secret",
            metadata,
            type_: first.filter(|format| format.starts_with(TYPED)).unwrap_or(OPAQUE),
            data: parcel.artifacts.iter().map(|artifact| (&*artifact.name, Base64(&artifact.content))).collect(),
        })
    }

    /// The same, limited to one object in one state.
    pub(super) fn over<'b>(&self, uid: &'b str, resource_version: &'b str) -> DesiredSecret<'b>
    where
        'a: 'b,
    {
        let mut desired: DesiredSecret<'b> = self.clone();
        desired.metadata.uid = Some(uid);
        desired.metadata.resource_version = Some(resource_version);
        desired
    }
}

/// Bytes that serialize as base64 without an intermediate copy.
#[derive(Clone, Copy)]
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// Who owns a Secret, from the view of one owner.
pub(super) enum Ownership {
    /// The owner.
    Ours,
    /// Somebody else; the text says whose it is.
    Foreign(String),
}

/// Decides who owns a Secret, by all four labels: names can be reused, and another installation may use the same.
pub(super) fn ownership(found: &Secret, owner: &Owner) -> Ownership {
    let label = |key: &str| found.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
    let is = |key: &str, id: Uuid| label(key).and_then(|text| text.parse().ok()) == Some(id);
    let foreign = match label(MANAGED_BY) {
        None => "a Secret that Bursar did not create".to_owned(),
        Some(MANAGER) if !is(INSTALLATION, owner.installation) => {
            format!("a Secret of another Bursar installation{}", id_of(label(INSTALLATION)))
        }
        Some(MANAGER) if !is(ACCOUNT, owner.account.0) => {
            format!("the Secret of another account{}", id_of(label(ACCOUNT)))
        }
        Some(MANAGER) if !is(CREDENTIAL, owner.credential.0) => {
            format!("the Secret of another credential{}", id_of(label(CREDENTIAL)))
        }
        Some(MANAGER) => return Ownership::Ours,
        Some(other) => format!("a Secret managed by `{other}`"),
    };
    Ownership::Foreign(foreign)
}

/// A label's value where it is an id: anything else is somebody else's text.
fn id_of(label: Option<&str>) -> String {
    label.and_then(|text| text.parse::<Uuid>().ok()).map_or_else(String::new, |id| format!(" ({id})"))
}

/// The keys of a Secret that the last put wrote, with their current values; keys that others added are left out.
pub(super) fn contents(found: Secret) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let keys = found.metadata.annotations.and_then(|mut annotations| annotations.remove(KEYS)).unwrap_or_default();
    let mut contents = Vec::new();
    for (key, mut value) in found.data.unwrap_or_default() {
        if keys.split(',').any(|ours| ours == key) {
            contents.push((key, Zeroizing::new(value.0)));
        } else {
            value.0.zeroize();
        }
    }
    contents
}

/// The labels of a namespace that we create.
pub(super) fn namespace_labels(installation: Uuid) -> BTreeMap<String, String> {
    [(MANAGED_BY, MANAGER.to_owned()), (INSTALLATION, installation.to_string())]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}

/// Whether a label or annotation is ours to set, and not an operator's.
pub(super) fn is_reserved(key: &str) -> bool {
    key == MANAGED_BY || key.starts_with(PREFIX)
}

/// The field manager, and the value of the label `managed-by`.
pub(super) const MANAGER: &str = "bursar";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const PREFIX: &str = "bursar.dev/";
const INSTALLATION: &str = "bursar.dev/installation";
const ACCOUNT: &str = "bursar.dev/account";
const CREDENTIAL: &str = "bursar.dev/credential";
const ACCOUNT_NAME: &str = "bursar.dev/account-name";
const CREDENTIAL_NAME: &str = "bursar.dev/credential-name";
const VERSION: &str = "bursar.dev/version";
const FORMATS: &str = "bursar.dev/formats";
/// The data keys of the last put. `managedFields` are no substitute: whoever changes a key takes it over there, and
/// backup tools drop them.
const KEYS: &str = "bursar.dev/keys";
/// `MaxSecretSize` of `pkg/apis/core/validation`.
const MAX_DATA_BYTES: usize = 1 << 20;
const TYPED: &str = "kubernetes.io/";
const OPAQUE: &str = "Opaque";
