//! How much of the installation one account may take.

/// The most an account may have; the operator's to set, alike for all accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quotas {
    /// Tokens, expired ones included: they are stored until they are deleted.
    pub tokens: u64,
    /// Members.
    pub members: u64,
    /// Credentials, deleted ones included until they are purged.
    pub credentials: u64,
    /// Bindings.
    pub bindings: u64,
    /// Versions of one credential that are kept; older ones go for good.
    pub versions: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { tokens: 1_000, members: 1_000, credentials: 10_000, bindings: 10_000, versions: 100 }
    }
}
