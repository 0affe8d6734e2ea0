//! Turns selections into events, each reported once.

use std::collections::BTreeMap;

use bursar_kernel::plugin::{PluginStatus, State};

use crate::PluginEvent;
use crate::inventory::Inventory;
use crate::selection::Selection;

#[derive(Default)]
pub(crate) struct Reported {
    /// Digests of active plugins, by id.
    active: BTreeMap<String, String>,
    /// Digest, state and reason of the others, by id and source.
    idle: BTreeMap<(String, String), (String, State, Option<String>)>,
}

impl Reported {
    /// The events of `selection`, which is about to replace what `inventory`
    /// serves.
    pub(crate) fn news(&mut self, selection: &Selection, inventory: &Inventory) -> Vec<PluginEvent> {
        let mut news: Vec<PluginEvent> = selection
            .removed
            .iter()
            .map(|(id, digest, source)| PluginEvent::Removed {
                id: id.clone(),
                digest: digest.clone(),
                source: source.clone(),
            })
            .collect();
        for status in &selection.statuses {
            news.extend(match status.state {
                State::Active => self.loaded(status, inventory),
                State::Pending | State::NeedsReview | State::Rejected => self.idle(status),
                State::Compiling | State::Removed => None,
            });
        }
        self.forget(selection);
        news
    }

    fn loaded(&mut self, status: &PluginStatus, inventory: &Inventory) -> Option<PluginEvent> {
        let before = self.active.insert(status.id.clone(), status.digest.clone());
        if before.as_ref() == Some(&status.digest) {
            return None;
        }
        let replaced = inventory.serving.get(&status.id).or_else(|| inventory.built_ins.get(&status.id));
        let replaced = replaced.filter(|replaced| replaced.kind.digest != status.digest);
        Some(PluginEvent::Loaded {
            id: status.id.clone(),
            version: status.version.clone(),
            digest: status.digest.clone(),
            source: status.source.clone(),
            replaces: replaced.map(|replaced| replaced.kind.manifest.version.clone()),
        })
    }

    fn idle(&mut self, status: &PluginStatus) -> Option<PluginEvent> {
        let facts = (status.digest.clone(), status.state, status.reason.clone());
        let key = (status.id.clone(), status.source.clone());
        if self.idle.insert(key, facts.clone()).as_ref() == Some(&facts) {
            return None;
        }
        let (id, digest, source) = (status.id.clone(), status.digest.clone(), status.source.clone());
        let reason = status.reason.clone().unwrap_or_default();
        Some(match status.state {
            State::Rejected => PluginEvent::Rejected { id, digest, source, reason },
            state => PluginEvent::Waiting { id, version: status.version.clone(), digest, source, state, reason },
        })
    }

    /// Forgets what no longer holds, to report it again if it returns. A file that
    /// is being examined may turn out unchanged.
    fn forget(&mut self, selection: &Selection) {
        let statuses = &selection.statuses;
        self.active.retain(|id, _| selection.active.contains_key(id));
        self.idle.retain(|(id, source), _| {
            statuses.iter().any(|status| {
                status.source == *source
                    && (status.state == State::Compiling || (status.id == *id && status.state != State::Active))
            })
        });
    }
}
