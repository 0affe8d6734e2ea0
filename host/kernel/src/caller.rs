//! The one who asks.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{Action, Event, Outcome};
use crate::id::{AccountId, Reference, TokenId};
use crate::{Account, Bindable, Operation, Right, Role, Scope, Scoped};

/// What is known of a request before anyone asked who sent it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Accepted or minted; echoed.
    pub id: Option<String>,
    /// The client's address.
    pub client: Option<String>,
}

/// An authenticated caller. Use cases take one first, so that none can run
/// without.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The token's record.
    pub token: TokenId,
    /// The token's name.
    pub name: String,
    /// The member behind it.
    pub principal: Option<String>,
    /// Operator, or a role in one account.
    pub authority: Authority,
    /// What the token is narrowed to.
    pub scope: Scope,
    /// What the member behind it may bind; `None` for all.
    pub bindable: Option<Bindable>,
    /// When the token stops working.
    pub expires_at: Option<Timestamp>,
    /// The request they sent.
    pub request: Request,
    /// What was decided already, before the request's input was read.
    pub permit: Option<Arc<Permit>>,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// The whole installation.
    Operator,
    /// A person or their tool, in one account.
    User,
    /// A workload, in one account.
    Workload,
}

impl TokenKind {
    /// The wire form, which is also part of the token's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::User => "user",
            Self::Workload => "workload",
        }
    }
}

/// That a caller may do one thing in one account. Only the broker makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    pub(crate) operation: Operation,
    pub(crate) reference: Reference,
    pub(crate) account: Account,
}

/// What a caller's rights come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Authority {
    /// Everything, everywhere.
    Operator,
    /// One role in one account.
    InAccount {
        /// Which account.
        account: AccountId,
        /// What they are there.
        role: Role,
    },
}

impl Caller {
    /// Whose kind of token it is.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        match self.authority {
            Authority::Operator => TokenKind::Operator,
            Authority::InAccount { role: Role::Workload, .. } => TokenKind::Workload,
            Authority::InAccount { .. } => TokenKind::User,
        }
    }

    /// How audit entries name them: `user:alice`.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("{}:{}", self.kind().as_str(), self.principal.as_ref().unwrap_or(&self.name))
    }

    /// The account they belong to; `None` for operators.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self.authority {
            Authority::Operator => None,
            Authority::InAccount { account, .. } => Some(account),
        }
    }

    /// Whether they have `right` in `account`; `None` where they may not even
    /// know of the account.
    #[must_use]
    pub fn may(&self, right: Right, account: AccountId) -> Option<bool> {
        match self.authority {
            Authority::Operator => Some(true),
            // A narrowed token manages no access, or it would make itself a wider
            // one; nor does it read the audit, which tells of everything.
            Authority::InAccount { account: own, role } => {
                let about_all = matches!(right, Right::ManageAccess | Right::ReadAudit);
                (own == account).then(|| role.may(right) && (!about_all || self.scope.is_everything()))
            }
        }
    }

    /// The account in which `operation` was permitted already.
    pub(crate) fn permitted(&self, operation: Operation, reference: &Reference) -> Option<Account> {
        let permit = self.permit.as_ref()?;
        (permit.operation == operation && permit.reference == *reference).then(|| permit.account.clone())
    }

    /// Whether they may bind `credential`, given the right to bind at all.
    #[must_use]
    pub fn may_bind(&self, credential: &Scoped<'_>) -> bool {
        self.bindable.as_ref().is_none_or(|bindable| bindable.admits(credential))
    }

    /// An event with this caller as actor; the use case fills in the rest.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action, outcome: Outcome) -> Event {
        Event {
            actor: self.actor(),
            actor_account: self.account(),
            outcome,
            request_id: self.request.id.clone(),
            client: self.request.client.clone(),
            detail: Some(serde_json::json!({ "token": self.token })),
            ..Event::system(at, action)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrowed_token_neither_makes_a_wider_one_nor_reads_the_audit() {
        let account = AccountId(uuid::Uuid::nil());
        let mut caller = Caller {
            token: TokenId(uuid::Uuid::nil()),
            name: "ci".to_owned(),
            principal: None,
            authority: Authority::InAccount { account, role: Role::Admin },
            scope: Scope::default(),
            bindable: None,
            expires_at: None,
            request: Request::default(),
            permit: None,
        };
        assert_eq!(caller.may(Right::ManageAccess, account), Some(true));
        caller.scope.credentials.push("one".to_owned());
        assert_eq!(caller.may(Right::ManageAccess, account), Some(false));
        assert_eq!(caller.may(Right::ReadAudit, account), Some(false));
        assert_eq!(caller.may(Right::Read, account), Some(true));
    }
}
