//! The status of each plugin, as operators read it.

use bursar_kernel::plugin::{
    Ability, Decision, Derived, PermissionDiff, Permissions, Pin, PluginStatus, Previous, State,
};

use crate::approval::{Approval, Hold, grant};
use crate::archive::{ArchivedComponent, PluginHistory};
use crate::inventory::{FileContent, PluginFile};
use crate::load::{Loaded, Rejection};
use crate::signature::Signed;

/// What all entries of one id share.
pub(crate) struct About<'a> {
    pub(crate) decision: Option<&'a Decision>,
    pub(crate) approval: Approval,
    /// By the configuration.
    pub(crate) configured_derives: &'a [String],
    pub(crate) previous: Option<Previous>,
}

/// Sorts by id; within an id the active one first, rejected ones last.
pub(crate) fn order(status: &PluginStatus) -> (&str, u8, &str) {
    let rank = match status.state {
        State::Active => 0,
        State::Pending => 1,
        State::NeedsReview => 2,
        State::Compiling => 3,
        State::Removed => 4,
        State::Rejected => 5,
    };
    (&status.id, rank, &status.source)
}

pub(crate) fn active(loaded: &Loaded, about: &About<'_>, note: Option<String>, pinned: bool) -> PluginStatus {
    PluginStatus {
        reason: note,
        granted_hosts: loaded.permissions.hosts.iter().map(|wish| wish.host.clone()).collect(),
        pinned,
        ..described(loaded, about, State::Active)
    }
}

pub(crate) fn waiting(loaded: &Loaded, about: &About<'_>, hold: &Hold) -> PluginStatus {
    let reason = format!("it {}", hold.reason);
    PluginStatus { reason: Some(reason), ..described(loaded, about, hold.state) }
}

pub(crate) fn rejected(rejection: &Rejection) -> PluginStatus {
    PluginStatus {
        version: rejection.version.clone(),
        digest: rejection.digest.clone(),
        contract_version: rejection.contract_version.clone(),
        reason: Some(rejection.reason.clone()),
        ..blank(rejection.id.clone(), rejection.source.to_string(), State::Rejected)
    }
}

pub(crate) fn compiling(id: &str, file: &PluginFile) -> PluginStatus {
    blank(id.to_owned(), file.path.display().to_string(), State::Compiling)
}

pub(crate) fn removed(id: &str, record: &PluginHistory, last: &ArchivedComponent, about: &About<'_>) -> PluginStatus {
    let reason = format!(
        "its file {} is gone: its credentials can be read, not changed or used, until it is put back",
        record.source
    );
    PluginStatus {
        version: last.version.clone(),
        digest: last.digest.clone(),
        reason: Some(reason),
        permissions: last.permissions.clone(),
        grant: grant(about.decision).cloned(),
        ..blank(id.to_owned(), record.source.clone(), State::Removed)
    }
}

/// A file that never held a plugin.
pub(crate) fn unclaimed(file: &PluginFile) -> Option<PluginStatus> {
    match &file.content {
        FileContent::Plugin(_) => None,
        FileContent::Nothing(rejection) => Some(rejected(rejection)),
        FileContent::Compiling => {
            let stem = file.path.file_stem().unwrap_or_default().to_string_lossy();
            Some(compiling(&stem, file))
        }
    }
}

/// Rejects a plugin that passed every check.
pub(crate) fn rejection(loaded: &Loaded, reason: String) -> Rejection {
    Rejection {
        id: loaded.kind.manifest.id.clone(),
        version: loaded.kind.manifest.version.clone(),
        digest: loaded.kind.digest.clone(),
        contract_version: loaded.kind.contract_version.clone(),
        source: loaded.source.clone(),
        reason,
    }
}

/// What an operator should know about an active plugin.
pub(crate) fn note(
    loaded: &Loaded,
    pin: Option<&Pin>,
    installed: Option<&PluginFile>,
    hold: Option<&Hold>,
) -> Option<String> {
    let goes_on = format!("{} keeps serving", short(&loaded.kind.digest));
    if let Some(pin) = pin {
        let at = bursar_kernel::clock::rfc3339(pin.at);
        return Some(format!("{} rolled back to it at {at}; {} is set aside", pin.by, short(&pin.set_aside)));
    }
    if let Some(file) = installed {
        let path = file.path.display();
        match (&file.content, hold) {
            (FileContent::Nothing(rejection), _) => {
                return Some(format!("{path} was refused ({}); {goes_on}", rejection.reason));
            }
            (FileContent::Plugin(candidate), Some(hold)) => {
                let version = &candidate.kind.manifest.version;
                return Some(format!("version {version} in {path} {}; {goes_on}", hold.reason));
            }
            _ => {}
        }
    }
    (loaded.signed == Signed::Unknown)
        .then(|| "it is signed by a key that is not among plugins.trusted_keys".to_owned())
}

fn described(loaded: &Loaded, about: &About<'_>, state: State) -> PluginStatus {
    let manifest = &loaded.kind.manifest;
    let built_in = loaded.source.is_built_in();
    let mut granted = about.approval.granted(&loaded.permissions, about.decision);
    let configured = |one: &&Derived| about.configured_derives.contains(&one.to_string());
    granted.derives.extend(loaded.permissions.derives.iter().filter(configured).cloned());
    let diff = if built_in { None } else { PermissionDiff::between(&granted, &loaded.permissions) };
    PluginStatus {
        kind: if manifest.has(Ability::Dns01) { "dns-provider" } else { "credential-type" }.to_owned(),
        version: manifest.version.clone(),
        digest: loaded.kind.digest.clone(),
        contract_version: loaded.kind.contract_version.clone(),
        signed_by: loaded.signed.by().map(str::to_owned),
        permissions: loaded.permissions.clone(),
        grant: if built_in { None } else { grant(about.decision).cloned() },
        permission_diff: diff,
        previous: about.previous.clone(),
        ..blank(manifest.id.clone(), loaded.source.to_string(), state)
    }
}

fn blank(id: String, source: String, state: State) -> PluginStatus {
    PluginStatus {
        id,
        kind: "credential-type".to_owned(),
        version: String::new(),
        digest: String::new(),
        contract_version: String::new(),
        state,
        reason: None,
        source,
        signed_by: None,
        permissions: Permissions::default(),
        granted_hosts: Vec::new(),
        grant: None,
        permission_diff: None,
        previous: None,
        pinned: false,
    }
}

/// A digest shortened for a sentence.
fn short(digest: &str) -> &str {
    if digest.is_empty() { UNREADABLE } else { digest.get(..SHORT).unwrap_or(digest) }
}

const UNREADABLE: &str = "what cannot be read";
/// `sha256:` and twelve digits.
const SHORT: usize = 19;
