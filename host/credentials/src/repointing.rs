//! A writer who may not reveal must not learn a secret by sending it somewhere
//! else.

use bursar_kernel::plugin::CredentialType;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Error, Violation};

use crate::Credential;
use crate::form::Validated;

/// Refuses a change of where secrets go that does not bring the secrets along.
///
/// # Errors
///
/// [`bursar_kernel::Kind::Invalid`] with each secret that is missing.
pub(crate) fn refuse_repointing(
    of: &CredentialType,
    old: &Credential,
    validated: &Validated,
    patch: &SecretJson,
) -> Result<(), Error> {
    let moved = validated.inspection.selectors != old.selectors
        || of.manifest.steering_fields().iter().any(|at| validated.public.pointer(at) != old.data.pointer(at));
    if !moved {
        return Ok(());
    }
    let is_missing =
        |at: &&String| validated.full.expose().pointer(at).is_some() && patch.expose().pointer(at).is_none();
    let message = "This change decides where the secret goes: give the secret again with it.";
    let missing = old.secret_pointers.iter().filter(is_missing);
    let missing: Vec<_> = missing.map(|at| Violation::new(format!("/data{at}"), "secret-required", message)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::invalid(missing)) }
}
