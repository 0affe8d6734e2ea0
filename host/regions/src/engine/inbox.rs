//! Collects changes until they are walked. Reporting a change never waits, and
//! repeated reports are kept once.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::Extent;
use bursar_kernel::id::AccountId;
use bursar_kernel::{Notice, Notices};
use tokio::sync::Notify;

/// What has changed since it was last walked.
#[derive(Default)]
pub struct Inbox {
    changed: Mutex<HashSet<Extent>>,
    news: Notify,
}

impl Inbox {
    /// Requests a walk of a part.
    pub fn hint(&self, extent: Extent) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(extent);
        self.news.notify_one();
    }

    /// Waits for changes and takes all of them, many merged into few.
    pub(super) async fn take(&self) -> Vec<Extent> {
        loop {
            let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
            if !changed.is_empty() {
                return gather(changed);
            }
            self.news.notified().await;
        }
    }
}

impl Notices for Inbox {
    fn tell(&self, notice: &Notice) {
        match notice {
            Notice::Credential { account, credential, .. } => self.hint(Extent::Credential(*account, *credential)),
            Notice::Account(account) => self.hint(Extent::Account(*account)),
            Notice::Region { region, .. } => self.hint(Extent::Region(*region)),
            Notice::Plugins => self.hint(Extent::Everything),
            // The panic itself was logged when it happened.
            Notice::Defect { region } => tracing::error!(region, "a target or one of its libraries panicked"),
            // Our own work.
            Notice::Placement(_) | Notice::Walked(_) => {}
        }
    }
}

/// Drops parts that a larger one covers, and merges many changes of an account
/// into one walk of it.
fn gather(changed: HashSet<Extent>) -> Vec<Extent> {
    if changed.contains(&Extent::Everything) {
        return vec![Extent::Everything];
    }
    let mut of_account: HashMap<AccountId, usize> = HashMap::new();
    for extent in &changed {
        if let Extent::Credential(account, _) = extent {
            *of_account.entry(*account).or_default() += 1;
        }
    }
    let whole: HashSet<AccountId> = of_account
        .into_iter()
        .filter(|(account, changes)| *changes > MANY || changed.contains(&Extent::Account(*account)))
        .map(|(account, _)| account)
        .collect();
    let rest = changed.into_iter().filter(|extent| match extent {
        Extent::Credential(account, _) | Extent::Account(account) => !whole.contains(account),
        Extent::Everything | Extent::Region(_) => true,
    });
    rest.chain(whole.iter().map(|account| Extent::Account(*account))).collect()
}

const MANY: usize = 32;

#[cfg(test)]
mod tests {
    use bursar_kernel::id::CredentialId;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn many_changes_of_one_account_are_one_walk() {
        let inbox = Inbox::default();
        let account = AccountId(Uuid::from_u128(1));
        let credential = |number| Extent::Credential(account, CredentialId(Uuid::from_u128(number)));
        for _ in 0..2 {
            inbox.hint(credential(7));
        }
        assert_eq!(inbox.take().await, [credential(7)]);
        for number in 0..1_000 {
            inbox.hint(credential(number));
        }
        assert_eq!(inbox.take().await, [Extent::Account(account)]);
        inbox.hint(credential(1));
        inbox.hint(Extent::Everything);
        assert_eq!(inbox.take().await, [Extent::Everything]);
    }
}
