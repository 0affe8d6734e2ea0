use std::collections::BTreeMap;

use bursar_kernel::clock::rfc3339;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Change;

/// A tenant.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Never changes.
    pub id: Uuid,
    /// Unique in the installation.
    pub name: String,
    /// For people.
    pub title: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When name or title last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A new account.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// A slug, unique in the installation.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    pub name: String,
    /// For people.
    #[schema(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Changes to an account.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchAccount {
    /// A new name: for operators alone, since it is unique in the installation and
    /// part of where credentials are in regions.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new title.
    #[schema(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What someone may be in an account.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Every right in the account.
    Admin,
    /// Every right on credentials, and the audit of them.
    CredentialsManager,
    /// Lists and picks, sees no secret.
    Member,
    /// Reads the audit, and the list without data.
    Auditor,
    /// Uses what it is scoped to, and nothing else.
    Workload,
}

/// What a principal is in an account.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who.
    pub principal: String,
    /// What they are.
    pub role: Role,
    /// Which credentials a `member` may bind; null for all.
    #[schema(required)]
    pub bindable: Option<Bindable>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Since when in this role.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A principal's role.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMember {
    /// What they shall be.
    pub role: Role,
    /// Which credentials a `member` may bind; null for all. Left out, it stays as
    /// it is.
    #[schema(value_type = Option<Bindable>)]
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub bindable: Change<Bindable>,
}

/// The credentials that a member may bind: those listed, and those that carry
/// all of the labels. Empty parts open nothing.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bindable {
    /// Ids; names are turned into ids when they are given.
    pub credentials: Vec<String>,
    /// All of them.
    pub labels: BTreeMap<String, String>,
}

/// Whose kind of token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// The whole installation.
    Operator,
    /// A person or their tool, in one account.
    User,
    /// A workload, in one account.
    Workload,
}

/// What a token is narrowed to; empty parts do not narrow.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Ids or names of credentials.
    pub credentials: Vec<String>,
    /// Labels a credential must have, all of them.
    pub labels: BTreeMap<String, String>,
    /// Regions it may deal with.
    pub regions: Vec<String>,
    /// Consumers it may resolve for, such as `app:web`. What they are bound to is
    /// within its reach, beside what the other parts name.
    pub consumers: Vec<String>,
}

/// What is kept of a token.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Never changes.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// Whose.
    pub kind: TokenKind,
    /// The fixed role; null for operators' tokens and for a principal's, whose
    /// role is the member's at the time of use.
    #[schema(required)]
    pub role: Option<Role>,
    /// The member whose role it carries.
    #[schema(required)]
    pub principal: Option<String>,
    /// What it is narrowed to.
    pub scope: Scope,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it stops working.
    #[schema(format = DateTime, required)]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[schema(format = DateTime, required)]
    pub last_used_at: Option<String>,
}

/// A token just made, with its text.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct NewToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub kept: Token,
    /// The text, told this once; absent when the request repeats an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A token to be made in an account: with a `role`, or with the `principal`
/// whose role it carries.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateToken {
    /// A slug: what it is for.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    pub name: String,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// A member whose role it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// When it shall stop working.
    #[schema(format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// An operator's token to be made.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateOperatorToken {
    /// A slug: what it is for.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    pub name: String,
    /// When it shall stop working.
    #[schema(format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Who the token is.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// Whose kind of token.
    pub kind: TokenKind,
    /// The token's name.
    pub name: String,
    /// The member behind it.
    #[schema(required)]
    pub principal: Option<String>,
    /// Whether it may do everything, everywhere.
    pub operator: bool,
    /// The accounts it may enter.
    pub accounts: Vec<MyAccount>,
    /// When it stops working.
    #[schema(format = DateTime, required)]
    pub expires_at: Option<String>,
}

/// An account the token may enter.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct MyAccount {
    /// The account's id.
    pub id: Uuid,
    /// The account's name.
    pub name: String,
    /// The account's title.
    pub title: String,
    /// The role there; null for operators.
    #[schema(required)]
    pub role: Option<Role>,
}

impl From<bursar_kernel::Account> for Account {
    fn from(account: bursar_kernel::Account) -> Self {
        Self {
            id: account.id.0,
            name: account.name.to_string(),
            title: account.title,
            created_at: rfc3339(account.created_at),
            updated_at: rfc3339(account.updated_at),
        }
    }
}

impl From<(bursar_kernel::Account, Option<bursar_kernel::Role>)> for MyAccount {
    fn from((account, role): (bursar_kernel::Account, Option<bursar_kernel::Role>)) -> Self {
        Self { id: account.id.0, name: account.name.to_string(), title: account.title, role: role.map(Role::from) }
    }
}

impl From<bursar_kernel::Role> for Role {
    fn from(role: bursar_kernel::Role) -> Self {
        match role {
            bursar_kernel::Role::Admin => Self::Admin,
            bursar_kernel::Role::CredentialsManager => Self::CredentialsManager,
            bursar_kernel::Role::Member => Self::Member,
            bursar_kernel::Role::Auditor => Self::Auditor,
            bursar_kernel::Role::Workload => Self::Workload,
        }
    }
}

impl From<Role> for bursar_kernel::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::CredentialsManager => Self::CredentialsManager,
            Role::Member => Self::Member,
            Role::Auditor => Self::Auditor,
            Role::Workload => Self::Workload,
        }
    }
}

impl From<bursar_kernel::TokenKind> for TokenKind {
    fn from(kind: bursar_kernel::TokenKind) -> Self {
        match kind {
            bursar_kernel::TokenKind::Operator => Self::Operator,
            bursar_kernel::TokenKind::User => Self::User,
            bursar_kernel::TokenKind::Workload => Self::Workload,
        }
    }
}

impl From<bursar_access::Member> for Member {
    fn from(member: bursar_access::Member) -> Self {
        Self {
            principal: member.principal,
            role: member.role.into(),
            bindable: member.bindable.map(Bindable::from),
            created_at: rfc3339(member.created_at),
            updated_at: rfc3339(member.updated_at),
        }
    }
}

impl From<bursar_kernel::Bindable> for Bindable {
    fn from(bindable: bursar_kernel::Bindable) -> Self {
        Self { credentials: bindable.credentials.iter().map(ToString::to_string).collect(), labels: bindable.labels }
    }
}

impl From<Change<Bindable>> for bursar_access::BindableChange {
    fn from(bindable: Change<Bindable>) -> Self {
        match bindable {
            Change::Keep => Self::Keep,
            Change::Clear => Self::All,
            Change::Set(Bindable { credentials, labels }) => Self::Only { credentials, labels },
        }
    }
}

impl From<bursar_kernel::Scope> for Scope {
    fn from(scope: bursar_kernel::Scope) -> Self {
        Self {
            credentials: scope.credentials,
            labels: scope.labels,
            regions: scope.regions,
            consumers: scope.consumers,
        }
    }
}

impl From<(bursar_access::Token, Option<Timestamp>)> for Token {
    fn from((token, last_used_at): (bursar_access::Token, Option<Timestamp>)) -> Self {
        Self {
            id: token.id.0,
            name: token.name,
            kind: token.kind.into(),
            role: token.role.map(Role::from),
            principal: token.principal,
            scope: token.scope.into(),
            created_at: rfc3339(token.created_at),
            expires_at: token.expires_at.map(rfc3339),
            last_used_at: last_used_at.map(rfc3339),
        }
    }
}

impl From<bursar_access::NewToken> for NewToken {
    fn from(new: bursar_access::NewToken) -> Self {
        Self { kept: (new.token, None).into(), token: new.text.map(|text| text.expose().to_owned()) }
    }
}
