//! From a notice to the event that watchers receive.

use std::collections::BTreeSet;

use bursar_api::{CredentialEvent, RegionEvent, SyncEvent};
use bursar_kernel::clock::rfc3339;
use bursar_kernel::id::AccountId;
use bursar_kernel::{Notice, PlacementNotice};
use serde::Serialize;
use serde_json::{Value, json};

/// Something that changed.
pub(crate) struct Event {
    concerns: Audience,
    about: About,
}

/// Who receives it.
enum Audience {
    Everybody,
    One(AccountId),
    Some(BTreeSet<AccountId>),
}

enum About {
    Sync(SyncEvent),
    Credential(CredentialEvent),
    Region(RegionEvent),
    Plugins,
}

impl Event {
    /// `None` for notices that are not for watchers.
    pub(super) fn of(notice: &Notice) -> Option<Self> {
        let (concerns, about) = match notice {
            Notice::Credential { account, credential, name, change } => {
                let event = CredentialEvent { id: credential.0, name: name.clone(), change: (*change).to_owned() };
                (Audience::One(*account), About::Credential(event))
            }
            Notice::Account(account) => (Audience::One(*account), About::Region(RegionEvent { region: None })),
            // For other accounts the region does not exist.
            Notice::Region { region, accounts } => {
                let concerns = accounts.clone().map_or(Audience::Everybody, Audience::Some);
                (concerns, About::Region(RegionEvent { region: Some(region.0) }))
            }
            Notice::Plugins => (Audience::Everybody, About::Plugins),
            Notice::Placement(placement) => (Audience::One(placement.account), About::Sync(sync(placement))),
            Notice::Walked(_) | Notice::Defect { .. } => return None,
        };
        Some(Self { concerns, about })
    }

    pub(super) fn concerns(&self, account: AccountId) -> bool {
        match &self.concerns {
            Audience::Everybody => true,
            Audience::One(of) => *of == account,
            Audience::Some(those) => those.contains(&account),
        }
    }

    /// The event's name.
    pub(super) fn name(&self) -> &'static str {
        match self.about {
            About::Sync(_) => "sync",
            About::Credential(_) => "credential",
            About::Region(_) => "region",
            About::Plugins => "plugins",
        }
    }

    /// The event's data. The target's error is only for those who may read credentials,
    /// as in the credential itself.
    pub(super) fn data(&self, may_read: bool) -> Value {
        match &self.about {
            About::Sync(event) if !may_read => json(&SyncEvent { error: None, ..event.clone() }),
            About::Sync(event) => json(event),
            About::Credential(event) => json(event),
            About::Region(event) => json(event),
            About::Plugins => json!({}),
        }
    }
}

fn sync(notice: &PlacementNotice) -> SyncEvent {
    SyncEvent {
        account: notice.account.0,
        credential: notice.credential.0,
        name: notice.credential_name.clone(),
        region: notice.region.clone(),
        state: notice.state.map(Into::into),
        version: notice.version,
        synced_at: notice.synced_at.map(rfc3339),
        error: notice.error.clone(),
    }
}

fn json(event: &impl Serialize) -> Value {
    serde_json::to_value(event).unwrap_or_default()
}
