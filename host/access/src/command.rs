//! What callers ask of accounts, members and tokens.

use std::collections::BTreeMap;

use bursar_credentials::{MAX_LABEL_BYTES, MAX_LABELS};
use bursar_kernel::{Account, Consumer, Error, Role, Scope, Violation, parse_name, validate_title};
use jiff::Timestamp;

/// An account to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateAccount {
    /// Unique in the installation.
    pub name: String,
    /// For people.
    pub title: String,
}

/// Changes to an account: JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default)]
pub struct UpdateAccount {
    /// A new name.
    pub name: Option<String>,
    /// A new title.
    pub title: Option<String>,
}

/// A token to be made in an account: with a role, or with the principal whose role
/// it carries.
#[derive(Clone, Debug, Default)]
pub struct CreateToken {
    /// What it is for; a slug.
    pub name: String,
    /// Its role.
    pub role: Option<Role>,
    /// The member whose role it carries.
    pub principal: Option<String>,
    /// What it is narrowed to.
    pub scope: Scope,
    /// When it stops working: an RFC 3339 time.
    pub expires_at: Option<String>,
}

/// An operator's token to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateOperatorToken {
    /// What it is for; a slug.
    pub name: String,
    /// When it stops working: an RFC 3339 time.
    pub expires_at: Option<String>,
}

/// What a principal is to be in an account.
#[derive(Clone, Debug)]
pub struct PutMember {
    /// Their role.
    pub role: Role,
    /// What they may bind.
    pub bindable: BindableChange,
}

/// What a member is to be allowed to bind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum BindableChange {
    /// As before, so that who only repeats the role widens nothing.
    #[default]
    Keep,
    /// Everything.
    All,
    /// These, by id or name, and what carries all of these labels.
    Only {
        /// Ids or names.
        credentials: Vec<String>,
        /// Labels and their values.
        labels: BTreeMap<String, String>,
    },
}

impl Default for PutMember {
    /// The role with the fewest rights.
    fn default() -> Self {
        Self { role: Role::Workload, bindable: BindableChange::Keep }
    }
}

impl CreateAccount {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        parse_name(&self.name, "/name").err().into_iter().chain(validate_title(&self.title)).collect()
    }
}

impl UpdateAccount {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        let name = self.name.as_deref().and_then(|name| parse_name(name, "/name").err());
        name.into_iter().chain(self.title.as_deref().and_then(validate_title)).collect()
    }

    /// The account with the changes.
    pub(crate) fn applied_to(&self, account: &Account) -> Result<Account, Error> {
        let mut account = account.clone();
        if let Some(name) = &self.name {
            account.name = parse_name(name, "/name").map_err(|violation| Error::invalid(vec![violation]))?;
        }
        if let Some(title) = &self.title {
            account.title.clone_from(title);
        }
        Ok(account)
    }
}

impl CreateToken {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self, now: Timestamp) -> Vec<Violation> {
        let mut violations: Vec<Violation> = parse_name(&self.name, "/name").err().into_iter().collect();
        if self.role.is_none() && self.principal.is_none() {
            violations.push(Violation::new("/role", "required", roles_sentence()));
        }
        if self.role.is_some() && self.principal.is_some() {
            let message = "A principal's token carries the member's own role: leave the role out.";
            violations.push(Violation::new("/role", "conflict", message));
        }
        violations.extend(parse_expiry(self.expires_at.as_deref(), now).err());
        violations.extend(scope_bounds(&self.scope));
        for (index, consumer) in self.scope.consumers.iter().enumerate() {
            let wrong = Consumer::parse(consumer).err();
            violations.extend(wrong.map(|rule| Violation::new(format!("/scope/consumers/{index}"), "format", rule)));
        }
        violations
    }
}

impl CreateOperatorToken {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self, now: Timestamp) -> Vec<Violation> {
        parse_name(&self.name, "/name")
            .err()
            .into_iter()
            .chain(parse_expiry(self.expires_at.as_deref(), now).err())
            .collect()
    }
}

/// Reads when a token stops working.
pub(crate) fn parse_expiry(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Violation> {
    let wrong = |message| Violation::new("/expiresAt", "format", message);
    match text.map(str::parse::<Timestamp>) {
        None => Ok(None),
        Some(Ok(at)) if at > now => Ok(Some(at)),
        Some(Ok(_)) => Err(wrong("This time is past: give one to come.")),
        Some(Err(_)) => Err(wrong("This must be an RFC 3339 time such as 2027-01-31T00:00:00Z.")),
    }
}

fn roles_sentence() -> String {
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    format!("Choose one of {}, or name a principal.", roles.join(", "))
}

/// What is too much about a scope: it is read with each request of the token.
fn scope_bounds(scope: &Scope) -> Vec<Violation> {
    let Scope { credentials, labels, regions, consumers } = scope;
    let mut violations = Vec::new();
    for (part, texts) in [("credentials", credentials), ("regions", regions), ("consumers", consumers)] {
        if texts.len() > MAX_SCOPE_ITEMS {
            let message = format!("At most {MAX_SCOPE_ITEMS}: narrow by labels instead, or make several tokens.");
            violations.push(Violation::new(format!("/scope/{part}"), "too-long", message));
        } else if texts.iter().any(|text| text.len() > MAX_SCOPE_TEXT_BYTES) {
            let message = format!("At most {MAX_SCOPE_TEXT_BYTES} bytes each.");
            violations.push(Violation::new(format!("/scope/{part}"), "too-long", message));
        }
    }
    let too_long = |text: &String| text.len() > MAX_LABEL_BYTES;
    if labels.len() > MAX_LABELS || labels.iter().any(|(key, value)| too_long(key) || too_long(value)) {
        let message = format!("At most {MAX_LABELS} labels of {MAX_LABEL_BYTES} bytes each.");
        violations.push(Violation::new("/scope/labels", "too-long", message));
    }
    violations
}

const MAX_SCOPE_ITEMS: usize = 100;
/// Longer than any name, id or consumer.
const MAX_SCOPE_TEXT_BYTES: usize = 512;
