//! Which certificates cover a host (S0-43, S0-44).

use std::cmp::Reverse;

use bursar_credentials::selector::{Host, Term};
use bursar_credentials::{Credential, Match, Status, View};
use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::{Caller, Error, Page, Right, Violation};

use crate::Bindings;

impl Bindings {
    /// A page of the credentials that serve as certificates and cover `host`
    /// now: those that name it before wildcards, then the longest-lived first.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Invalid`] for what is no host, or a cursor that is not
    /// ours; the caller lacks the right.
    pub async fn certificates(
        &self,
        caller: &Caller,
        account: &Reference,
        host: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<View>, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::List, Action::CredentialRead).await?;
        let invalid = |pointer, rule: &str| Error::invalid(vec![Violation::new(pointer, "format", rule)]);
        let host = Host::parse(host).map_err(|rule| invalid("?host", rule))?;
        let after = match cursor {
            None => None,
            Some(text) => {
                let foreign = || invalid("?cursor", "This cursor is not one of ours: start over without.");
                Some(Rank::parse(text).ok_or_else(foreign)?)
            }
        };
        let types = self.credentials.forms().types_in_slot(SLOT);
        let now = self.kernel.ports.now();
        let mut ranked: Vec<(Rank, Match)> = Vec::new();
        for (distance, pattern) in (0..).zip(host.patterns()) {
            for one in self.credentials.found_by(caller, &account, &Term::host(pattern), usize::MAX).await? {
                let credential = &one.found.credential;
                let is_usable = matches!(credential.status(now), Status::Valid | Status::Expiring);
                let is_known = ranked.iter().any(|(rank, _)| rank.id == credential.id.0);
                if is_usable && !is_known && types.contains(&credential.type_id) {
                    ranked.push((Rank::of(distance, credential), one));
                }
            }
        }
        ranked.retain(|(rank, _)| after.as_ref().is_none_or(|after| rank > after));
        ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
        let more = ranked.len() > limit;
        ranked.truncate(limit);
        let next_cursor = ranked.last().filter(|_| more).map(|(rank, _)| rank.to_string());
        let mut items = Vec::with_capacity(ranked.len());
        for (_, one) in ranked {
            items.push(self.credentials.view(caller, &account, one.found).await?);
        }
        Ok(Page { items, next_cursor })
    }
}

/// The place of a certificate among those that cover a host; also the cursor.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Rank {
    /// 0 where it names the host, 1 for a wildcard.
    distance: u8,
    /// Unix seconds.
    not_after: Reverse<i64>,
    id: uuid::Uuid,
}

impl Rank {
    fn of(distance: u8, credential: &Credential) -> Self {
        Self { distance, not_after: Reverse(credential.not_after.unwrap_or(i64::MAX)), id: credential.id.0 }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        Some(Self {
            distance: parts.next()?.parse().ok()?,
            not_after: Reverse(parts.next()?.parse().ok()?),
            id: parts.next()?.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Rank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.distance, self.not_after.0, self.id)
    }
}

/// Where certificates are used.
const SLOT: &str = "certificate";
