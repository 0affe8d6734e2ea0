//! Bindings, as stored and as shown.

use bursar_credentials::Credential;
use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::store::Revision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ConsumerSlot;

/// That a consumer uses a credential in a slot. It holds the id, so a rename
/// changes nothing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// In which account.
    pub account: AccountId,
    /// Who and where.
    pub place: ConsumerSlot,
    /// What.
    pub credential: CredentialId,
    /// Who chose it.
    pub by: String,
    /// Since when the place is taken.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub created_at: Timestamp,
    /// Since when by this credential.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub updated_at: Timestamp,
}

impl Binding {
    /// Where it is, as a path of the API.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.account, &self.place)
    }
}

/// Where the binding of a place is or would be, as a path of the API.
pub(crate) fn url(account: impl std::fmt::Display, place: &ConsumerSlot) -> String {
    format!("/v1/accounts/{account}/bindings/{}", place.in_path())
}

/// A binding with what is shown of its credential.
#[derive(Clone, Debug)]
pub struct BindingView {
    /// As stored.
    pub binding: Binding,
    /// The `ETag`.
    pub revision: Revision,
    /// What is bound.
    pub credential: CredentialInSlot,
}

impl BindingView {
    pub(crate) fn new(binding: Binding, revision: Revision, credential: &Credential) -> Self {
        Self { binding, revision, credential: CredentialInSlot::from(credential) }
    }
}

/// As much of a credential as those may know who only use or pick it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialInSlot {
    /// Never changes.
    pub id: CredentialId,
    /// Its name now.
    pub name: String,
    /// Its type's id.
    pub type_id: String,
    /// Of its data.
    pub version: u32,
    /// When it was deleted: what is bound to it finds nothing until it is
    /// restored.
    pub deleted_at: Option<Timestamp>,
}

impl From<&Credential> for CredentialInSlot {
    fn from(credential: &Credential) -> Self {
        Self {
            id: credential.id,
            name: credential.name.to_string(),
            type_id: credential.type_id.clone(),
            version: credential.version,
            deleted_at: credential.deleted_at,
        }
    }
}
