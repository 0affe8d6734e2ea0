//! What a secret holds, and how it says whose it is.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bursar_domain::region::{Owner, Parcel, TargetError};
use bursar_domain::secret::SecretJson;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::kv::Metadata;

/// The artifacts as the engine takes them: texts under their names.
pub(super) struct Content {
    data: SecretJson,
    /// Names of those that are no text, and are there in base64.
    encoded: Vec<String>,
}

impl Content {
    /// Writes the artifacts of a parcel.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where their names do not fit into the metadata.
    pub(super) fn of(parcel: &Parcel) -> Result<Self, TargetError> {
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

    /// What to write.
    pub(super) fn data(&self) -> &SecretJson {
        &self.data
    }

    /// The same, saying whose it is.
    pub(super) fn with_owner(&self, owner: &Owner) -> SecretJson {
        let mut data = self.data.clone();
        data.expose_mut()[OWNER_KEY] = Value::String(ids(owner));
        data
    }

    /// Whether this is what is there.
    pub(super) fn is(&self, there: &SecretJson) -> bool {
        self.data == *there
    }
}

/// What the metadata of a secret of ours says.
pub(super) struct Mark(BTreeMap<String, String>);

impl Mark {
    /// The mark of this owner on this content.
    pub(super) fn of(owner: &Owner, content: &Content) -> Self {
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

    /// The entries of a secret with this mark: what others noted beside it stays.
    pub(super) fn upon(&self, metadata: &Metadata) -> BTreeMap<String, String> {
        let mut entries = metadata.custom().clone();
        entries.remove(ENCODED);
        entries.extend(self.0.clone());
        entries
    }

    /// Whether the metadata says so already.
    pub(super) fn is_in(&self, metadata: &Metadata) -> bool {
        *metadata.custom() == self.upon(metadata)
    }
}

/// Whose a secret with this metadata is; nothing where it is this owner's.
pub(super) fn whose(custom: &BTreeMap<String, String>, owner: &Owner) -> Option<String> {
    let is = |key: &str, value: &str| custom.get(key).is_some_and(|there| there == value);
    if !is(MANAGED_BY, OURSELVES) {
        return Some(UNMARKED.to_owned());
    }
    if !is("installation", &owner.installation.to_string()) {
        return Some("it is another Bursar's".to_owned());
    }
    let ours = is("account", &owner.account.to_string()) && is("credential", &owner.credential.to_string());
    (!ours).then(|| "it is another credential's".to_owned())
}

/// Whether the content itself says that it is this owner's.
pub(super) fn says_owner(data: &SecretJson, owner: &Owner) -> bool {
    data.expose().get(OWNER_KEY).and_then(Value::as_str) == Some(&ids(owner))
}

/// The artifacts that are in a secret. What is no text is told as JSON: it was
/// not written by us.
pub(super) fn artifacts(data: &SecretJson, metadata: &Metadata) -> Vec<(String, Zeroizing<Vec<u8>>)> {
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

/// Why something is not ours.
pub(super) const UNMARKED: &str = "it bears no mark of Bursar's";
/// No artifact's name has a colon.
const OWNER_KEY: &str = "bursar:owner";
const MANAGED_BY: &str = "managed-by";
const OURSELVES: &str = "bursar";
/// Names of the artifacts that are in base64.
const ENCODED: &str = "base64";
/// No artifact's name has one.
const SEPARATOR: &str = ",";
/// Of a value in the metadata that people write (`custom_metadata`).
const MAX_ENTRY_BYTES: usize = 512;
