//! Who depends on a credential, and who has used it.

use bursar_credentials::{Use, keys as credential_keys};
use bursar_kernel::audit::Action;
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::{Caller, Error, Right, codec};

use crate::{Binding, Bindings};

/// Who depends on a credential, and who has used it.
#[derive(Clone, Debug)]
pub struct Usage {
    /// What it is bound to.
    pub bindings: Vec<Binding>,
    /// Its last uses, the latest first.
    pub uses: Vec<Use>,
    /// Whether it is its account's default, so that whoever chose nothing uses
    /// it.
    pub is_default: bool,
}

impl Bindings {
    /// Who depends on a credential, and who has used it.
    ///
    /// # Errors
    ///
    /// Not found, or the caller lacks the right.
    pub async fn usage(&self, caller: &Caller, account: &Reference, credential: &Reference) -> Result<Usage, Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize(caller, account, Right::Read, Action::CredentialRead).await?;
        let credential = self.credentials.find(caller, &account, credential).await?.credential;
        let key = credential_keys::default_of(kernel.ports.blind(), account.id, &credential.type_id);
        let default = kernel.ports.store().get(&key).await?;
        let is_default = default.as_ref().map(codec::decode::<CredentialId>).transpose()? == Some(credential.id)
            && credential.deleted_at.is_none();
        let mut bindings = self.dependents.bindings_to(&credential).await?;
        bindings.sort_by(|one, other| {
            let key = |binding: &Binding| (binding.place.consumer.clone(), binding.place.slot.clone());
            key(one).cmp(&key(other))
        });
        let uses = self.credentials.uses().of(&credential).await?;
        Ok(Usage { bindings, uses, is_default })
    }
}
