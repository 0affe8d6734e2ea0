//! Decides whether a plugin of a folder may be called: by the operator's policy,
//! the grants, and whether a new form still marks the secrets of the old one.

use bursar_kernel::plugin::{Decision, Grant, Permissions, State};
use bursar_schema::pointer::is_within;
use serde_json::Value;

use crate::form::Form;

/// Which plugins of the folders need an operator's approval. Built-in ones never
/// do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Approval {
    /// Those that ask for a host, a placement or a token endpoint.
    #[default]
    Ask,
    /// None: a plugin in the folder gets what it asks for.
    Allow,
    /// None, but only files signed by a trusted key are accepted.
    SignedOnly,
}

/// Why a plugin is not called yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hold {
    pub(crate) state: State,
    /// For the operator; follows "it".
    pub(crate) reason: String,
}

impl Approval {
    /// Validates what a plugin asks for against the policy and the decision.
    pub(crate) fn validate(self, asked: &Permissions, decision: Option<&Decision>) -> Result<(), Hold> {
        if let Some(revoked) = decision.and_then(|decision| decision.revoked.as_ref()) {
            return Err(Hold::pending(format!("was revoked by {}", revoked.by)));
        }
        let granted = self.granted(asked, decision);
        if granted.cover(asked) {
            return Ok(());
        }
        let missing = granted.missing(asked);
        let missing = Permissions { derives: Vec::new(), ..missing };
        let first = missing.words();
        let more = match first.len() {
            0 | 1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        Err(Hold::pending(format!(
            "asks for what nobody granted: to {}{more}",
            first.first().map_or("", String::as_str)
        )))
    }

    /// What a plugin that asks for `asked` was granted, by policy or by an
    /// operator.
    pub(crate) fn granted(self, asked: &Permissions, decision: Option<&Decision>) -> Permissions {
        match self {
            Self::Ask => grant(decision).map(|grant| grant.permissions.clone()).unwrap_or_default(),
            Self::Allow | Self::SignedOnly => asked.clone(),
        }
    }
}

impl Hold {
    pub(crate) fn pending(reason: String) -> Self {
        Self { state: State::Pending, reason }
    }
}

/// The grant in force.
pub(crate) fn grant(decision: Option<&Decision>) -> Option<&Grant> {
    decision.and_then(|decision| decision.grant.as_ref())
}

/// Holds back a component whose form no longer marks a secret that its
/// predecessor's form marked, as seen in the predecessor's templates. An approval
/// of exactly this component overrides that.
pub(crate) fn review(
    old: (&Form, &[Value]),
    new: &Form,
    digest: &str,
    decision: Option<&Decision>,
) -> Result<(), Hold> {
    if grant(decision).is_some_and(|grant| grant.digest == digest) {
        return Ok(());
    }
    let (old, templates) = old;
    let secrets = |form: &Form, template| form.secret_pointers(template).unwrap_or_default();
    for template in templates {
        let kept = secrets(new, template);
        if let Some(lost) =
            secrets(old, template).iter().find(|secret| !kept.iter().any(|kept| is_within(secret, kept)))
        {
            return Err(Hold {
                state: State::NeedsReview,
                reason: format!(
                    "no longer calls the field {} a secret, as the version before it does",
                    crate::text::sentence(lost)
                ),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bursar_kernel::plugin::{HostWish, Revocation};
    use serde_json::json;

    use super::*;

    fn asking(host: &str) -> Permissions {
        let hosts = vec![HostWish { host: host.to_owned(), reason: "Because.".to_owned() }];
        Permissions { hosts, ..Permissions::default() }
    }

    fn granting(permissions: Permissions, digest: &str) -> Decision {
        let grant = Grant { permissions, digest: digest.to_owned(), by: "operator:x".to_owned(), at: jiff_epoch() };
        Decision { grant: Some(grant), ..Decision::default() }
    }

    fn jiff_epoch() -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    #[test]
    fn what_asks_for_nothing_outside_needs_no_word() {
        let derives = Permissions {
            derives: vec![bursar_kernel::plugin::Derived::Computed("/x".to_owned())],
            ..Permissions::default()
        };
        for policy in [Approval::Ask, Approval::Allow, Approval::SignedOnly] {
            assert_eq!(policy.validate(&Permissions::default(), None), Ok(()));
            assert_eq!(policy.validate(&derives, None), Ok(()));
        }
        assert!(Approval::Ask.granted(&derives, None).derives.is_empty());
        assert_eq!(Approval::Allow.granted(&derives, None), derives);
    }

    #[test]
    fn a_host_waits_for_a_grant_that_covers_it() {
        let asked = asking("a.example");
        let hold = Approval::Ask.validate(&asked, None).unwrap_err();
        assert_eq!(hold.state, State::Pending);
        assert_eq!(hold.reason, "asks for what nobody granted: to reach a.example: Because.");
        assert!(Approval::Ask.validate(&asked, Some(&granting(asking("b.example"), ""))).is_err());
        assert_eq!(Approval::Ask.validate(&asked, Some(&granting(asked.clone(), ""))), Ok(()));
        assert_eq!(Approval::Allow.validate(&asked, None), Ok(()));
    }

    #[test]
    fn what_is_revoked_waits_under_every_policy() {
        let revoked = Some(Revocation { by: "operator:x".to_owned(), at: jiff_epoch() });
        let decision = Decision { revoked, ..Decision::default() };
        for policy in [Approval::Ask, Approval::Allow, Approval::SignedOnly] {
            let hold = policy.validate(&Permissions::default(), Some(&decision)).unwrap_err();
            assert_eq!(hold, Hold::pending("was revoked by operator:x".to_owned()));
        }
    }

    #[test]
    fn a_form_that_forgets_a_secret_is_to_be_reviewed() {
        let form = |secret: bool, more: Value| {
            let mut schema = json!({"type": "object", "properties": {
                "user": {"type": "string"}, "key": {"type": "string", "writeOnly": secret}}});
            for (name, part) in more.as_object().unwrap() {
                schema["properties"][name] = part.clone();
            }
            Form::compile(schema).unwrap()
        };
        let templates = [json!({"user": "", "key": ""})];
        let (marked, unmarked) = (form(true, json!({})), form(false, json!({})));
        let wider = form(true, json!({"user": {"type": "string", "writeOnly": true}}));
        assert_eq!(review((&marked, &templates), &marked, "d", None), Ok(()));
        assert_eq!(review((&marked, &templates), &wider, "d", None), Ok(()), "more is secret");
        assert_eq!(review((&unmarked, &templates), &unmarked, "d", None), Ok(()));
        let hold = review((&marked, &templates), &unmarked, "d", None).unwrap_err();
        assert_eq!((hold.state, hold.reason.contains("/key")), (State::NeedsReview, true), "{hold:?}");
        let approved = granting(Permissions::default(), "d");
        assert_eq!(review((&marked, &templates), &unmarked, "d", Some(&approved)), Ok(()));
        assert!(review((&marked, &templates), &unmarked, "other", Some(&approved)).is_err());
    }
}
