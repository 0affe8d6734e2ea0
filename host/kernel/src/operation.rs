//! What may be asked for with input, and what each asks of the caller.
//!
//! The right is decided before the input is read, so it must be known of an
//! operation without its input. The use case decides by the same line.

use crate::Right;
use crate::audit::Action;

/// An operation that takes input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Makes an account.
    CreateAccount,
    /// Changes an account.
    UpdateAccount,
    /// Makes a token of an account.
    CreateToken,
    /// Makes an operator's token.
    CreateOperatorToken,
    /// Adds a member or changes their role.
    PutMember,
    /// Stores a credential.
    CreateCredential,
    /// Says what storing would say.
    ValidateCredential,
    /// Changes a credential.
    UpdateCredential,
    /// Shows secrets.
    RevealCredential,
    /// Hands a credential out in a format.
    MaterializeCredential,
    /// Asks the live service.
    ProbeCredential,
    /// Writes a DNS record.
    PresentDnsRecord,
    /// Removes a DNS record.
    CleanUpDnsRecord,
    /// Says what a consumer uses.
    PutBinding,
    /// Hands out what a consumer uses.
    Resolve,
    /// Hands out what pulls an image.
    ResolveImage,
    /// Uses a region.
    AttachRegion,
    /// Makes a region.
    CreateRegion,
    /// Changes a region.
    UpdateRegion,
    /// Walks the audit chain.
    VerifyAudit,
    /// Approves a plugin.
    ApprovePlugin,
    /// Takes a plugin back to an earlier file.
    RollPluginBack,
}

/// Who may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Demand {
    /// Operators only.
    Operator,
    /// Whoever has this right in the account.
    InAccount(Right),
}

impl Operation {
    /// Who may, and what the audit trail calls it.
    #[must_use]
    pub const fn demand(self) -> (Demand, Action) {
        use Demand::{InAccount, Operator};
        match self {
            Self::CreateAccount => (Operator, Action::AccountCreate),
            Self::UpdateAccount => (InAccount(Right::ManageAccess), Action::AccountUpdate),
            Self::CreateToken => (InAccount(Right::ManageAccess), Action::TokenCreate),
            Self::CreateOperatorToken => (Operator, Action::TokenCreate),
            Self::PutMember => (InAccount(Right::ManageAccess), Action::MemberPut),
            Self::CreateCredential | Self::ValidateCredential => (InAccount(Right::Write), Action::CredentialCreate),
            Self::UpdateCredential => (InAccount(Right::Write), Action::CredentialUpdate),
            Self::RevealCredential => (InAccount(Right::Reveal), Action::CredentialReveal),
            Self::MaterializeCredential => (InAccount(Right::Use), Action::CredentialMaterialize),
            Self::ProbeCredential => (InAccount(Right::Use), Action::CredentialProbe),
            Self::PresentDnsRecord => (InAccount(Right::Use), Action::DnsPresent),
            Self::CleanUpDnsRecord => (InAccount(Right::Use), Action::DnsCleanup),
            Self::PutBinding => (InAccount(Right::Bind), Action::BindingPut),
            Self::Resolve | Self::ResolveImage => (InAccount(Right::Use), Action::CredentialResolve),
            Self::AttachRegion => (InAccount(Right::Sync), Action::RegionAttach),
            Self::CreateRegion => (Operator, Action::RegionCreate),
            Self::UpdateRegion => (Operator, Action::RegionUpdate),
            Self::VerifyAudit => (Operator, Action::AuditRead),
            Self::ApprovePlugin => (Operator, Action::PluginApprove),
            Self::RollPluginBack => (Operator, Action::PluginRollback),
        }
    }
}
