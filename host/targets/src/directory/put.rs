//! Writes a credential's artifacts.

use std::collections::BTreeSet;

use bursar_kernel::plugin::Artifact;
use bursar_regions::{Owner, TargetError};
use rustix::fs::Stat;

use super::manifest::{Claim, Contents, CredentialPath, Manifest, is_plain};
use super::options::{DirectoryOptions, Permissions};
use super::root::Root;
use super::tree::{Dir, DirEntry};

/// Makes our files at `path` exactly these artifacts, and leaves foreign ones.
/// Files that are already correct are not rewritten.
pub(super) fn put(
    options: &DirectoryOptions,
    path: &CredentialPath,
    owner: &Owner,
    artifacts: &[Artifact],
) -> Result<(), TargetError> {
    check_names(artifacts)?;
    let root = Root::open_or_create(options)?;
    let _lock = root.lock_credential(owner.credential)?;
    let manifest = match root.recover(owner)? {
        Claim::Unclaimed => Manifest::new(owner),
        Claim::Ours(manifest) => manifest,
        Claim::Foreign(what) | Claim::Invalid(what) => return Err(TargetError::Foreign(what)),
    };
    let push = Push { root: &root, path, owner, artifacts };
    let outcome = match root.top.directory(&path.account)? {
        None => push.create(manifest),
        Some(account) => match account.directory(&path.credential)? {
            None => push.create(manifest),
            Some(directory) => push.update(&account, &directory, manifest),
        },
    };
    if outcome.is_err() {
        // Frees the space of staged files. If that fails too, the next put does it.
        let _ = root.recover(owner);
    }
    outcome
}

/// Whether a file already has an artifact's content and permissions.
fn is_current(
    directory: &Dir,
    artifact: &Artifact,
    stat: &Stat,
    permissions: Permissions,
) -> Result<bool, TargetError> {
    let size = artifact.content.len();
    if !permissions.match_stat(stat) || usize::try_from(stat.st_size) != Ok(size) {
        return Ok(false);
    }
    Ok(directory.read(&artifact.name, size)?.is_some_and(|content| *content == *artifact.content))
}

fn check_names(artifacts: &[Artifact]) -> Result<(), TargetError> {
    if artifacts.is_empty() {
        return Err(TargetError::Invalid("there are no artifacts to write".into()));
    }
    let mut names = BTreeSet::new();
    for Artifact { name, .. } in artifacts {
        if !is_plain(name) {
            return Err(TargetError::Invalid(format!("an artifact cannot be a file named `{name}`")));
        }
        if !names.insert(name) {
            return Err(TargetError::Invalid(format!("there are two artifacts named `{name}`")));
        }
    }
    Ok(())
}

struct Push<'a> {
    root: &'a Root<'a>,
    path: &'a CredentialPath,
    owner: &'a Owner,
    artifacts: &'a [Artifact],
}

impl Push<'_> {
    /// Creates a missing directory, with all artifacts at once.
    fn create(&self, mut manifest: Manifest) -> Result<(), TargetError> {
        let all: Vec<_> = self.artifacts.iter().collect();
        let staging = self.stage(&all)?;
        staging.set_permissions(self.root.options.directories)?;
        staging.sync()?;

        let contents = Contents { artifacts: BTreeSet::new(), arriving: self.names() };
        manifest.directories.insert(self.path.to_string(), contents);
        self.root.store(&manifest)?;

        let account = {
            let lock = self.root.lock_accounts()?;
            let account = self.root.account(&self.path.account, self.owner, &lock)?;
            if !self.root.move_staging(self.owner, &account, &self.path.credential)? {
                return Err(not_ours(&account, &self.path.credential));
            }
            account
        };
        account.sync()?;
        self.root.store(&manifest.resolved(&[]))
    }

    /// Updates an existing directory file by file: new files first, then removals.
    fn update(&self, account: &Dir, directory: &Dir, mut manifest: Manifest) -> Result<(), TargetError> {
        let path = self.path.to_string();
        let Some(before) = manifest.directories.get(&path).cloned() else {
            return Err(not_ours(account, &self.path.credential));
        };
        let Difference { missing, changed } = self.difference(directory, &before)?;
        self.root.ensure_account_permissions(&self.path.account, account, self.owner)?;
        directory.set_permissions(self.root.options.directories)?;

        if !missing.is_empty() || !changed.is_empty() {
            let staging = self.stage(&[missing.as_slice(), changed.as_slice()].concat())?;
            let arriving: BTreeSet<_> = missing.iter().map(|artifact| artifact.name.clone()).collect();
            let arriving = arriving.difference(&before.artifacts).cloned().collect::<BTreeSet<_>>();
            if !arriving.is_empty() {
                let contents = Contents { artifacts: before.artifacts.clone(), arriving };
                manifest.directories.insert(path.clone(), contents);
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
        self.remove_obsolete(directory, &before)?;

        let after = Contents { artifacts: self.names(), arriving: BTreeSet::new() };
        if after == before {
            return Ok(());
        }
        manifest.directories.insert(path, after);
        self.root.store(&manifest)
    }

    /// The artifacts to write.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] where a name is taken by a file that is not ours.
    fn difference(&self, directory: &Dir, before: &Contents) -> Result<Difference<'_>, TargetError> {
        let mut difference = Difference { missing: Vec::new(), changed: Vec::new() };
        for artifact in self.artifacts {
            match directory.entry(&artifact.name)? {
                DirEntry::Missing => difference.missing.push(artifact),
                DirEntry::File(stat) if before.artifacts.contains(&artifact.name) => {
                    if !is_current(directory, artifact, &stat, self.root.options.files)? {
                        difference.changed.push(artifact);
                    }
                }
                DirEntry::File(_) | DirEntry::Other(_) => return Err(directory.foreign(&artifact.name)),
            }
        }
        Ok(difference)
    }

    /// Writes artifacts durably to staging, where no reader sees them.
    fn stage(&self, artifacts: &[&Artifact]) -> Result<Dir, TargetError> {
        let staging = self.root.staging(self.owner)?;
        for artifact in artifacts {
            staging.write_new(&artifact.name, &artifact.content, self.root.options.files)?;
        }
        Ok(staging)
    }

    fn remove_obsolete(&self, directory: &Dir, before: &Contents) -> Result<(), TargetError> {
        let names = self.names();
        let mut obsolete = before.artifacts.difference(&names).peekable();
        if obsolete.peek().is_none() {
            return Ok(());
        }
        for name in obsolete {
            if let DirEntry::File(_) = directory.entry(name)? {
                directory.remove_file(name)?;
            }
        }
        directory.sync()
    }

    fn names(&self) -> BTreeSet<String> {
        self.artifacts.iter().map(|artifact| artifact.name.clone()).collect()
    }
}

/// Artifacts to write.
struct Difference<'a> {
    missing: Vec<&'a Artifact>,
    changed: Vec<&'a Artifact>,
}

/// The error for a directory that no manifest of ours lists.
pub(super) fn not_ours(account: &Dir, name: &str) -> TargetError {
    TargetError::Foreign(format!(
        "{} exists and does not belong to this credential, so nothing was written; move it away, or rename the \
         credential",
        account.show(name)
    ))
}
