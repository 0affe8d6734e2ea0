//! Selects the active plugin of each id and the status of every other: a function
//! of the inventory, independent of the order of events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::plugin::{Decision, Pin, PluginStatus, Previous};

use crate::approval::{Approval, Hold, review};
use crate::archive::{ArchivedComponent, PluginHistory};
use crate::inventory::{FileContent, Inventory, PluginFile};
use crate::load::{ComponentOrigin, Loaded, Rejection};
use crate::status;

/// What the operator configured.
pub(crate) struct SelectionPolicy {
    pub(crate) approval: Approval,
    /// Which pointers each type may derive, besides the approved ones.
    pub(crate) granted_derives: BTreeMap<String, Vec<String>>,
}

/// The result of a selection.
#[derive(Default)]
pub(crate) struct Selection {
    /// Active plugins, by id.
    pub(crate) active: BTreeMap<String, Arc<Loaded>>,
    /// Every plugin, by id; of one id the active one first.
    pub(crate) statuses: Vec<PluginStatus>,
    /// Ids whose file is gone, with digest and source of the component that was
    /// active.
    pub(crate) removed: Vec<(String, String, String)>,
    /// Components of the archive that the selection needs, fetched already or not.
    pub(crate) requested: Vec<ArchiveRequest>,
}

/// A component of the archive, and the file it came from.
pub(crate) struct ArchiveRequest {
    pub(crate) kept: ArchivedComponent,
    pub(crate) file: PathBuf,
}

/// Selects the active plugin of each id.
pub(crate) fn select_active(inventory: &Inventory, policy: &SelectionPolicy) -> Selection {
    let mut selection = Selection::default();
    let claimed = inventory.files.iter().filter_map(PluginFile::claims);
    let recorded = inventory.index.plugins.keys().map(String::as_str);
    let ids: BTreeSet<&str> = inventory.built_ins.keys().map(String::as_str).chain(claimed).chain(recorded).collect();
    for id in ids {
        Candidates::of(id, inventory, policy).decide(&mut selection);
    }
    for file in inventory.files.iter().filter(|file| file.claims().is_none()) {
        selection.statuses.extend(status::unclaimed(file));
    }
    selection.statuses.extend(inventory.broken_built_ins.iter().map(status::rejected));
    selection.statuses.sort_by(|a, b| status::order(a).cmp(&status::order(b)));
    selection
}

/// Everything about one id.
struct Candidates<'a> {
    id: &'a str,
    policy: &'a SelectionPolicy,
    inventory: &'a Inventory,
    built_in: Option<&'a Arc<Loaded>>,
    /// The file that provides the plugin.
    installed: Option<&'a PluginFile>,
    /// Further files with the same id.
    others: Vec<&'a PluginFile>,
    decision: Option<&'a Decision>,
    record: Option<&'a PluginHistory>,
}

/// The active component of an id, and why.
struct ActivePlugin {
    loaded: Arc<Loaded>,
    pinned: Option<Pin>,
    /// What an operator should know.
    note: Option<String>,
}

impl<'a> Candidates<'a> {
    fn of(id: &'a str, inventory: &'a Inventory, policy: &'a SelectionPolicy) -> Self {
        let record = inventory.index.plugins.get(id);
        let mut files: Vec<&PluginFile> = inventory.files.iter().filter(|file| file.claims() == Some(id)).collect();
        // The serving file keeps the id; else the first valid one gets it.
        let serving = inventory.serving.get(id).and_then(|loaded| loaded.source.file());
        let incumbent = |file: &&PluginFile| match serving {
            Some(path) => file.path == path,
            None => record.is_some_and(|record| record.active.is_some() && is_from(record, &file.path)),
        };
        let at = files
            .iter()
            .position(incumbent)
            .or_else(|| files.iter().position(|file| matches!(file.content, FileContent::Plugin(_))))
            .or_else(|| (!files.is_empty()).then_some(0));
        let installed = at.map(|at| files.remove(at));
        let (built_in, decision) = (inventory.built_ins.get(id), inventory.decisions.get(id));
        Self { id, policy, inventory, built_in, installed, others: files, decision, record }
    }

    fn decide(self, selection: &mut Selection) {
        let mut waiting = None;
        let mut refused = Vec::new();
        let in_force = match self.installed {
            None => self.fall_back(),
            Some(file) => match &file.content {
                FileContent::Plugin(candidate) => self.validate(file, candidate, &mut waiting, &mut refused, selection),
                FileContent::Nothing(rejection) => {
                    refused.push(Rejection { id: self.named(rejection), ..(**rejection).clone() });
                    self.pinned(file, selection).or_else(|| self.keep(file, selection))
                }
                FileContent::Compiling => {
                    selection.statuses.push(status::compiling(self.id, file));
                    // Its content is not known yet: a rollback stays in effect.
                    let pin = self.decision.and_then(|decision| decision.pin.clone());
                    self.keep(file, selection).map(|kept| ActivePlugin {
                        pinned: pin.filter(|pin| pin.digest == kept.loaded.kind.digest),
                        ..kept
                    })
                }
            },
        };
        for file in &self.others {
            match &file.content {
                FileContent::Plugin(other) => refused.push(self.second(other, in_force.as_ref())),
                FileContent::Nothing(rejection) => {
                    refused.push(Rejection { id: self.named(rejection), ..(**rejection).clone() });
                }
                FileContent::Compiling => selection.statuses.push(status::compiling(self.id, file)),
            }
        }
        self.report(in_force, waiting.as_ref(), &refused, selection);
    }

    /// Considers a file's component that passed every check.
    fn validate(
        &self,
        file: &PluginFile,
        candidate: &Arc<Loaded>,
        waiting: &mut Option<(Arc<Loaded>, Hold)>,
        refused: &mut Vec<Rejection>,
        selection: &mut Selection,
    ) -> Option<ActivePlugin> {
        if let Some(built_in) = self.built_in.filter(|built_in| !is_higher(candidate, built_in)) {
            let (version, present) = (&candidate.kind.manifest.version, &built_in.kind.manifest.version);
            let reason = format!("version {version} is not higher than the built-in {present}");
            refused.push(status::rejection(candidate, reason));
            return self.keep(file, selection);
        }
        if let Some(pinned) = self.pinned(file, selection) {
            *waiting = Some((
                Arc::clone(candidate),
                Hold::pending("was set aside by a rollback: approve it to put it back in force".to_owned()),
            ));
            return Some(pinned);
        }
        let old =
            self.incumbent(file, selection).filter(|old| self.may(old).is_ok()).or_else(|| self.built_in.cloned());
        let verdict = self.may(candidate).and_then(|()| match &old {
            Some(old) if old.kind.digest != candidate.kind.digest => {
                review((&old.form, &old.templates), &candidate.form, &candidate.kind.digest, self.decision)
            }
            _ => Ok(()),
        });
        match verdict {
            Ok(()) => {
                let note = self.pin(file).map(|pin| {
                    let at = bursar_kernel::clock::rfc3339(pin.at);
                    format!("{} rolled back to {} at {at}, which is not kept on this node", pin.by, pin.digest)
                });
                Some(ActivePlugin { loaded: Arc::clone(candidate), pinned: None, note })
            }
            Err(hold) => {
                *waiting = Some((Arc::clone(candidate), hold));
                self.keep(file, selection)
            }
        }
    }

    /// The target of a rollback, while the file still holds what was set aside.
    fn pinned(&self, file: &PluginFile, selection: &mut Selection) -> Option<ActivePlugin> {
        let pin = self.pin(file)?;
        let loaded = match self.built_in.filter(|built_in| built_in.kind.digest == pin.digest) {
            Some(built_in) => Arc::clone(built_in),
            None => self.component(file, &pin.digest, selection)?,
        };
        self.may(&loaded).ok()?;
        Some(ActivePlugin { loaded, pinned: Some(pin.clone()), note: None })
    }

    fn pin(&self, file: &PluginFile) -> Option<&'a Pin> {
        let pin = self.decision.and_then(|decision| decision.pin.as_ref())?;
        (file.digest() == pin.set_aside && pin.set_aside != pin.digest).then_some(pin)
    }

    /// Keeps what served before this file's present content.
    fn keep(&self, file: &PluginFile, selection: &mut Selection) -> Option<ActivePlugin> {
        let serves = self
            .incumbent(file, selection)
            .filter(|old| self.may(old).is_ok() && self.built_in.is_none_or(|built_in| is_higher(old, built_in)));
        match serves {
            Some(loaded) => Some(ActivePlugin { loaded, pinned: None, note: None }),
            None => self.fall_back(),
        }
    }

    fn fall_back(&self) -> Option<ActivePlugin> {
        self.built_in.map(|built_in| ActivePlugin { loaded: Arc::clone(built_in), pinned: None, note: None })
    }

    /// The component of this file that is active, or was when last recorded.
    fn incumbent(&self, file: &PluginFile, selection: &mut Selection) -> Option<Arc<Loaded>> {
        if let Some(serving) = self.inventory.serving.get(self.id)
            && serving.source.file() == Some(file.path.as_path())
        {
            return Some(Arc::clone(serving));
        }
        let active = self.record.filter(|record| is_from(record, &file.path))?.active.as_ref()?;
        self.component(file, &active.digest, selection)
    }

    /// A component of this id by digest: in the file, active, or archived.
    fn component(&self, file: &PluginFile, digest: &str, selection: &mut Selection) -> Option<Arc<Loaded>> {
        let held = match &file.content {
            FileContent::Plugin(loaded) => Some(loaded),
            FileContent::Compiling | FileContent::Nothing(_) => None,
        };
        let at_hand = [held, self.inventory.serving.get(self.id)].into_iter().flatten();
        if let Some(loaded) = at_hand.into_iter().find(|loaded| loaded.kind.digest == digest) {
            return Some(Arc::clone(loaded));
        }
        let record = self.record?;
        let kept = [&record.active, &record.previous].into_iter().flatten().find(|kept| kept.digest == digest)?;
        selection.requested.push(ArchiveRequest { kept: kept.clone(), file: file.path.clone() });
        self.inventory.fetched.get(digest)?.as_ref().ok().cloned()
    }

    fn may(&self, loaded: &Loaded) -> Result<(), Hold> {
        if loaded.source.is_built_in() {
            return Ok(());
        }
        self.policy.approval.validate(&loaded.permissions, self.decision)
    }

    /// Adds the entries of this id.
    fn report(
        &self,
        in_force: Option<ActivePlugin>,
        waiting: Option<&(Arc<Loaded>, Hold)>,
        refused: &[Rejection],
        selection: &mut Selection,
    ) {
        let about = status::About {
            decision: self.decision,
            approval: self.policy.approval,
            configured_derives: self.configured_derives(),
            previous: self.previous(in_force.as_ref()),
        };
        let serves_on = in_force.is_some();
        if let Some(ActivePlugin { loaded, pinned, note }) = in_force {
            let loaded = self.with_derives(loaded);
            let note =
                note.or_else(|| status::note(&loaded, pinned.as_ref(), self.installed, waiting.map(|(_, hold)| hold)));
            selection.statuses.push(status::active(&loaded, &about, note, pinned.is_some()));
            selection.active.insert(self.id.to_owned(), loaded);
        }
        if let Some((loaded, hold)) = waiting {
            selection.statuses.push(status::waiting(loaded, &about, hold));
        }
        selection.statuses.extend(refused.iter().map(status::rejected));
        if self.installed.is_none()
            && let Some(record) = self.record
            && let Some(last) = record.active.as_ref().or(record.previous.as_ref())
        {
            if record.active.is_some() {
                selection.removed.push((self.id.to_owned(), last.digest.clone(), record.source.clone()));
            }
            if !serves_on {
                selection.statuses.push(status::removed(self.id, record, last, &about));
            }
        }
    }

    fn previous(&self, in_force: Option<&ActivePlugin>) -> Option<Previous> {
        let (file, previous) = (self.installed?, self.record?.previous.as_ref()?);
        let present = in_force.map(|in_force| in_force.loaded.kind.digest.as_str());
        (present != Some(previous.digest.as_str()) && file.digest() != previous.digest).then(|| Previous {
            digest: previous.digest.clone(),
            version: previous.version.clone(),
            permissions: previous.permissions.clone(),
            sets_aside: file.digest().to_owned(),
        })
    }

    /// Adds the derived fields that were granted.
    fn with_derives(&self, loaded: Arc<Loaded>) -> Arc<Loaded> {
        if loaded.source.is_built_in() {
            return loaded;
        }
        let configured = self.configured_derives();
        let granted = self.policy.approval.granted(&loaded.permissions, self.decision).derives;
        let asked = loaded.permissions.derives.iter();
        let derives: Vec<String> = asked
            .filter(|one| configured.contains(&one.to_string()) || granted.contains(one))
            .map(|one| one.field().to_owned())
            .collect();
        if derives == loaded.derives { loaded } else { Arc::new(Loaded { derives, ..(*loaded).clone() }) }
    }

    fn configured_derives(&self) -> &'a [String] {
        self.policy.granted_derives.get(self.id).map_or(&[], Vec::as_slice)
    }

    /// Rejects a second file with the id.
    fn second(&self, other: &Loaded, in_force: Option<&ActivePlugin>) -> Rejection {
        let taken = match (in_force, self.installed) {
            (Some(in_force), _) if !in_force.loaded.source.is_built_in() => {
                format!("{} is already loaded from {}", named(&in_force.loaded), in_force.loaded.source)
            }
            (_, Some(file)) => format!("{} is already claimed by {}", self.id, file.path.display()),
            (_, None) => format!("{} is already loaded", self.id),
        };
        status::rejection(other, taken)
    }

    /// The id of a rejected file: the one it described, else the one it had before.
    fn named(&self, rejection: &Rejection) -> String {
        let described = !rejection.version.is_empty();
        if described { rejection.id.clone() } else { self.id.to_owned() }
    }
}

fn named(loaded: &Loaded) -> String {
    format!("{} {}", loaded.kind.manifest.id, loaded.kind.manifest.version)
}

fn is_from(record: &PluginHistory, path: &Path) -> bool {
    record.source == path.display().to_string()
}

/// Semantic precedence; a manifest's version is known to parse.
fn is_higher(one: &Loaded, than: &Loaded) -> bool {
    let version = |loaded: &Loaded| semver::Version::parse(&loaded.kind.manifest.version);
    match (version(one), version(than)) {
        (Ok(one), Ok(than)) => one.cmp_precedence(&than).is_gt(),
        _ => false,
    }
}

impl ArchiveRequest {
    /// The origin it is loaded with.
    pub(crate) fn source(&self) -> ComponentOrigin {
        ComponentOrigin::Archive(self.file.clone())
    }
}
