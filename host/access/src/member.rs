//! Members, as stored.

use bursar_kernel::{Bindable, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a principal is in an account.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who: a person's or workload's name, 1-255 printable characters.
    pub principal: String,
    /// What they are.
    pub role: Role,
    /// Which credentials a `member` may bind; `None` for all (S0-08).
    #[serde(default)]
    pub bindable: Option<Bindable>,
    /// Since when.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub created_at: Timestamp,
    /// Since when in this role.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_before_binds_everything() {
        let stored = r#"{"principal":"ann","role":"member","createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}"#;
        let member: Member = serde_json::from_str(stored).unwrap();
        assert_eq!((member.role, member.bindable), (Role::Member, None));
    }
}
