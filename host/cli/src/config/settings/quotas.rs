//! Quotas of each account.

use bursar_kernel::Quotas;

use super::positive;
use crate::config::Configuration;
use crate::failure::Failure;

pub(super) fn read(from: &Configuration) -> Result<Quotas, Failure> {
    let quota = |name| positive(from, name).map(|quota| u64::from(quota.get()));
    Ok(Quotas {
        tokens: quota("quotas.tokens")?,
        members: quota("quotas.members")?,
        credentials: quota("quotas.credentials")?,
        bindings: quota("quotas.bindings")?,
        versions: positive(from, "quotas.versions")?.get(),
    })
}
