//! Putting a credential's artifacts in place.

use std::collections::BTreeSet;

use bursar_domain::plugin::Artifact;
use bursar_domain::region::{Owner, TargetError};
use rustix::fs::Stat;

use super::manifest::{Contents, Held, Manifest, Place, is_plain};
use super::options::{Options, Rights};
use super::root::Root;
use super::tree::{Dir, Entry};

/// Makes what is at `place` exactly these artifacts, and leaves what is foreign.
/// What is right already is not written again.
pub(super) fn put(options: &Options, place: &Place, owner: &Owner, artifacts: &[Artifact]) -> Result<(), TargetError> {
    check_names(artifacts)?;
    let root = Root::open_or_make(options)?;
    let _turn = root.turn(owner.credential)?;
    let manifest = match root.settle(owner)? {
        Held::Nobody => Manifest::new(owner),
        Held::Us(manifest) => manifest,
        Held::Others(what) | Held::Broken(what) => return Err(TargetError::Foreign(what)),
    };
    let push = Push { root: &root, place, owner, artifacts };
    let outcome = match root.top.directory(&place.account)? {
        None => push.create(manifest),
        Some(account) => match account.directory(&place.credential)? {
            None => push.create(manifest),
            Some(directory) => push.update(&account, &directory, manifest),
        },
    };
    if outcome.is_err() {
        // Frees the room of what did not arrive. If that fails too, the next put does it.
        let _ = root.settle(owner);
    }
    outcome
}

/// Whether what stands at a name is this artifact already, its rights too.
fn is_right(directory: &Dir, artifact: &Artifact, stat: &Stat, rights: Rights) -> Result<bool, TargetError> {
    let size = artifact.content.len();
    if !rights.hold_for(stat) || usize::try_from(stat.st_size) != Ok(size) {
        return Ok(false);
    }
    Ok(directory.read(&artifact.name, size)?.is_some_and(|content| *content == *artifact.content))
}

fn check_names(artifacts: &[Artifact]) -> Result<(), TargetError> {
    if artifacts.is_empty() {
        return Err(TargetError::Invalid("there are no artifacts to be put".into()));
    }
    let mut names = BTreeSet::new();
    for Artifact { name, .. } in artifacts {
        if !is_plain(name) {
            return Err(TargetError::Invalid(format!("an artifact cannot be a file of the name `{name}`")));
        }
        if !names.insert(name) {
            return Err(TargetError::Invalid(format!("there are two artifacts of the name `{name}`")));
        }
    }
    Ok(())
}

struct Push<'a> {
    root: &'a Root<'a>,
    place: &'a Place,
    owner: &'a Owner,
    artifacts: &'a [Artifact],
}

impl Push<'_> {
    /// Where the directory is missing: it is put there as a whole.
    fn create(&self, mut manifest: Manifest) -> Result<(), TargetError> {
        let all: Vec<_> = self.artifacts.iter().collect();
        let staging = self.stage(&all)?;
        staging.set_rights(self.root.options.directories)?;
        staging.sync()?;

        let contents = Contents { artifacts: BTreeSet::new(), arriving: self.wanted() };
        manifest.directories.insert(self.place.to_string(), contents);
        self.root.store(&manifest)?;

        let account = {
            let turn = self.root.turn_at_accounts()?;
            let account = self.root.account(&self.place.account, self.owner, &turn)?;
            if !self.root.place_staging(self.owner, &account, &self.place.credential)? {
                return Err(not_ours(&account, &self.place.credential));
            }
            account
        };
        account.sync()?;
        self.root.store(&manifest.settled(&[]))
    }

    /// Where it is there: file by file, the new before the old goes.
    fn update(&self, account: &Dir, directory: &Dir, mut manifest: Manifest) -> Result<(), TargetError> {
        let place = self.place.to_string();
        let Some(before) = manifest.directories.get(&place).cloned() else {
            return Err(not_ours(account, &self.place.credential));
        };
        let Difference { missing, changed } = self.difference(directory, &before)?;
        self.root.keep_account(&self.place.account, account, self.owner)?;
        directory.set_rights(self.root.options.directories)?;

        if !missing.is_empty() || !changed.is_empty() {
            let staging = self.stage(&[missing.as_slice(), changed.as_slice()].concat())?;
            let arriving: BTreeSet<_> = missing.iter().map(|artifact| artifact.name.clone()).collect();
            let arriving = arriving.difference(&before.artifacts).cloned().collect::<BTreeSet<_>>();
            if !arriving.is_empty() {
                let contents = Contents { artifacts: before.artifacts.clone(), arriving };
                manifest.directories.insert(place.clone(), contents);
                self.root.store(&manifest)?;
            }
            for Artifact { name, .. } in missing {
                if !staging.move_new(name, directory, name)? {
                    return Err(directory.foreign(name));
                }
            }
            for Artifact { name, .. } in changed {
                staging.move_over(name, directory, name)?;
            }
            directory.sync()?;
            self.root.clear_staging(self.owner)?;
        }
        self.remove_unwanted(directory, &before)?;

        let after = Contents { artifacts: self.wanted(), arriving: BTreeSet::new() };
        if after == before {
            return Ok(());
        }
        manifest.directories.insert(place, after);
        self.root.store(&manifest)
    }

    /// What is to be written; an error where something foreign is in the way.
    fn difference(&self, directory: &Dir, before: &Contents) -> Result<Difference<'_>, TargetError> {
        let mut difference = Difference { missing: Vec::new(), changed: Vec::new() };
        for artifact in self.artifacts {
            match directory.entry(&artifact.name)? {
                Entry::Missing => difference.missing.push(artifact),
                Entry::File(stat) if before.artifacts.contains(&artifact.name) => {
                    if !is_right(directory, artifact, &stat, self.root.options.files)? {
                        difference.changed.push(artifact);
                    }
                }
                Entry::File(_) | Entry::Other(_) => return Err(directory.foreign(&artifact.name)),
            }
        }
        Ok(difference)
    }

    /// Writes artifacts down to the disk, where nobody reads them yet.
    fn stage(&self, artifacts: &[&Artifact]) -> Result<Dir, TargetError> {
        let staging = self.root.staging(self.owner)?;
        for artifact in artifacts {
            staging.write_new(&artifact.name, &artifact.content, self.root.options.files)?;
        }
        Ok(staging)
    }

    fn remove_unwanted(&self, directory: &Dir, before: &Contents) -> Result<(), TargetError> {
        let wanted = self.wanted();
        let mut unwanted = before.artifacts.difference(&wanted).peekable();
        if unwanted.peek().is_none() {
            return Ok(());
        }
        for name in unwanted {
            if let Entry::File(_) = directory.entry(name)? {
                directory.remove_file(name)?;
            }
        }
        directory.sync()
    }

    fn wanted(&self) -> BTreeSet<String> {
        self.artifacts.iter().map(|artifact| artifact.name.clone()).collect()
    }
}

/// Artifacts that are to be written.
struct Difference<'a> {
    missing: Vec<&'a Artifact>,
    changed: Vec<&'a Artifact>,
}

/// The error for a directory that no manifest of ours names.
pub(super) fn not_ours(account: &Dir, name: &str) -> TargetError {
    TargetError::Foreign(format!(
        "{} is there and not of this credential's making, so nothing was written; move it away, or rename the \
         credential",
        account.show(name)
    ))
}
