//! From a notice to what a watcher is told.

use bursar_domain::clock::rfc3339;
use bursar_domain::id::AccountId;
use bursar_domain::region::{Notice, PlacementNotice};
use serde::Serialize;
use serde_json::{Value, json};

use crate::schema::{CredentialEvent, RegionEvent, SyncEvent};

/// Something that changed.
pub(crate) struct Event {
    /// Whose; `None` for what concerns every account.
    account: Option<AccountId>,
    about: About,
}

enum About {
    Sync(SyncEvent),
    Credential(CredentialEvent),
    Region(RegionEvent),
    Plugins,
}

impl Event {
    /// `None` for what no watcher is told.
    pub(super) fn of(notice: &Notice) -> Option<Self> {
        let (account, about) = match notice {
            Notice::Credential { account, credential, name, change } => {
                let event = CredentialEvent { id: credential.0, name: name.clone(), change: (*change).to_owned() };
                (Some(*account), About::Credential(event))
            }
            Notice::Account(account) => (Some(*account), About::Region(RegionEvent { region: None })),
            Notice::Region(region) => (None, About::Region(RegionEvent { region: Some(region.0) })),
            Notice::Plugins => (None, About::Plugins),
            Notice::Placement(placement) => (Some(placement.account), About::Sync(sync(placement))),
            Notice::Walked(_) => return None,
        };
        Some(Self { account, about })
    }

    pub(super) fn concerns(&self, account: AccountId) -> bool {
        self.account.is_none_or(|of| of == account)
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

    /// The event's data. What a target said is for those who may read
    /// credentials, here as in the credential itself.
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
