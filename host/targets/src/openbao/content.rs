//! What a secret holds, and how it names its owner.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bursar_kernel::secret::SecretJson;
use bursar_regions::{Owner, Parcel, TargetError};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::kv::SecretMetadata;

/// The artifacts as the engine stores them: texts by name.
pub(super) struct Content {
    data: SecretJson,
    /// Names of binary artifacts, which are stored in base64.
    encoded: Vec<String>,
}

impl Content {
    /// The artifacts of a parcel.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where the names of binary ones do not fit into the
    /// metadata.
    pub(super) fn new(parcel: &Parcel) -> Result<Self, TargetError> {
        let mut data = Map::new();
        let mut encoded = Vec::new();
        for artifact in &parcel.artifacts {
            let text = std::str::from_utf8(&artifact.content).map_or_else(
                |_| {
                    encoded.push(artifact.name.clone());
                    BASE64_STANDARD.encode(&*artifact.content)
                },
                str::to_owned,
            );
            data.insert(artifact.name.clone(), Value::String(text));
        }
        let content = Self { data: SecretJson::new(Value::Object(data)), encoded };
        if content.encoded.join(SEPARATOR).len() > MAX_ENTRY_BYTES {
            let message = "the names of its binary artifacts do not fit into a secret's metadata";
            return Err(TargetError::Invalid(message.to_owned()));
        }
        Ok(content)
    }

    /// The data to write.
    pub(super) fn data(&self) -> &SecretJson {
        &self.data
    }

    /// The data with its owner.
    pub(super) fn with_owner(&self, owner: &Owner) -> SecretJson {
        let mut data = self.data.clone();
        data.expose_mut()[OWNER_KEY] = Value::String(ids(owner));
        data
    }

    /// Whether stored data is the same.
    pub(super) fn is(&self, stored: &SecretJson) -> bool {
        self.data == *stored
    }
}

/// The entries that mark a secret as ours in its metadata.
pub(super) struct OwnershipMark(BTreeMap<String, String>);

impl OwnershipMark {
    /// The mark of an owner on some content.
    pub(super) fn new(owner: &Owner, content: &Content) -> Self {
        let mut entries = BTreeMap::from([
            (MANAGED_BY.to_owned(), OURSELVES.to_owned()),
            ("installation".to_owned(), owner.installation.to_string()),
            ("account".to_owned(), owner.account.to_string()),
            ("account-name".to_owned(), owner.account_name.clone()),
            ("credential".to_owned(), owner.credential.to_string()),
            ("credential-name".to_owned(), owner.credential_name.clone()),
        ]);
        if !content.encoded.is_empty() {
            entries.insert(ENCODED.to_owned(), content.encoded.join(SEPARATOR));
        }
        Self(entries)
    }

    /// The custom metadata with this mark. Entries that others added stay.
    pub(super) fn merged(&self, metadata: &SecretMetadata) -> BTreeMap<String, String> {
        let mut entries = metadata.custom().clone();
        entries.remove(ENCODED);
        entries.extend(self.0.clone());
        entries
    }

    /// Whether the metadata has this mark already.
    pub(super) fn is_on(&self, metadata: &SecretMetadata) -> bool {
        *metadata.custom() == self.merged(metadata)
    }
}

/// Who else owns a secret with this metadata; `None` where this owner does.
pub(super) fn foreign_owner(custom: &BTreeMap<String, String>, owner: &Owner) -> Option<String> {
    let is = |key: &str, value: &str| custom.get(key).is_some_and(|stored| stored == value);
    if !is(MANAGED_BY, OURSELVES) {
        return Some(UNMARKED.to_owned());
    }
    if !is("installation", &owner.installation.to_string()) {
        return Some("it belongs to another Bursar".to_owned());
    }
    let ours = is("account", &owner.account.to_string()) && is("credential", &owner.credential.to_string());
    (!ours).then(|| "it belongs to another credential".to_owned())
}

/// Whether the content itself names this owner.
pub(super) fn names_owner(data: &SecretJson, owner: &Owner) -> bool {
    data.expose().get(OWNER_KEY).and_then(Value::as_str) == Some(&ids(owner))
}

/// The artifacts of a secret. Values other than strings, which we never write, are
/// returned as JSON.
pub(super) fn artifacts(data: &SecretJson, metadata: &SecretMetadata) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let encoded: Vec<&str> =
        metadata.custom().get(ENCODED).map(|names| names.split(SEPARATOR).collect()).unwrap_or_default();
    let bytes = |name: &str, value: &Value| match value {
        Value::String(text) if encoded.contains(&name) => {
            BASE64_STANDARD.decode(text).unwrap_or_else(|_| text.clone().into_bytes())
        }
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    };
    let entries = data.expose().as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), Zeroizing::new(bytes(name, value)))).collect()
}

fn ids(owner: &Owner) -> String {
    let Owner { installation, account, credential, .. } = owner;
    let ids =
        json!({ "installation": installation, "account": account.to_string(), "credential": credential.to_string() });
    ids.to_string()
}

/// The owner of a secret without a mark.
pub(super) const UNMARKED: &str = "it is not marked as Bursar's";
/// No artifact's name has a colon.
const OWNER_KEY: &str = "bursar:owner";
const MANAGED_BY: &str = "managed-by";
const OURSELVES: &str = "bursar";
/// Names of the artifacts in base64.
const ENCODED: &str = "base64";
/// No artifact's name has a comma.
const SEPARATOR: &str = ",";
/// The server's limit on a value in `custom_metadata`.
const MAX_ENTRY_BYTES: usize = 512;
