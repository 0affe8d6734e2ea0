//! The static table of rights.

use serde::{Deserialize, Serialize};

/// What someone may be in an account.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Every right in the account (S0-07).
    Admin,
    /// Every right on credentials, and the audit of them (S0-07).
    CredentialsManager,
    /// Lists and picks (S0-08).
    Member,
    /// Reads the audit, and the list without data.
    Auditor,
    /// Uses what it is scoped or bound to, and nothing else.
    Workload,
}

/// What can be allowed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Right {
    /// See rows for selects: name, title, type, status.
    List,
    /// See a credential's public data, attributes and history.
    Read,
    /// Have it materialized, probed or put to use.
    Use,
    /// See a secret field.
    Reveal,
    /// Create, update, restore.
    Write,
    /// Delete and purge.
    Delete,
    /// Make it the account's default.
    SetDefault,
    /// Choose what a consumer uses in a slot.
    Bind,
    /// Have it pushed to regions, and choose which.
    Sync,
    /// Read the audit trail.
    ReadAudit,
    /// See the account itself.
    ReadAccount,
    /// Members and tokens; the account's title.
    ManageAccess,
    /// Accounts, plugins, backups: the installation. Operators alone.
    Operate,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Admin, Self::CredentialsManager, Self::Member, Self::Auditor, Self::Workload];

    /// Whether the role carries the right. A right that is in no row belongs
    /// to operators alone.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        use Right as R;
        match self {
            Self::Admin => right != R::Operate,
            Self::CredentialsManager => {
                matches!(
                    right,
                    R::List
                        | R::Read
                        | R::Use
                        | R::Reveal
                        | R::Write
                        | R::Delete
                        | R::SetDefault
                        | R::Bind
                        | R::Sync
                        | R::ReadAudit
                        | R::ReadAccount
                )
            }
            Self::Member => matches!(right, R::List | R::Bind | R::ReadAccount),
            Self::Auditor => matches!(right, R::List | R::ReadAudit | R::ReadAccount),
            Self::Workload => right == R::Use,
        }
    }

    /// The wire form: `credentials-manager`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::CredentialsManager => "credentials-manager",
            Self::Member => "member",
            Self::Auditor => "auditor",
            Self::Workload => "workload",
        }
    }

    /// Reads the wire form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_not_reveal_and_nobody_but_operators_operates() {
        assert!(Role::Workload.may(Right::Use) && !Role::Workload.may(Right::Reveal));
        assert!(!Role::Member.may(Right::Read) && Role::Member.may(Right::List));
        assert!(!Role::Auditor.may(Right::Read) && Role::Auditor.may(Right::ReadAudit));
        for role in Role::ALL {
            assert!(!role.may(Right::Operate));
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
    }
}
