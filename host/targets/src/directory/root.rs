//! A region's directory, and the broker's own state in it:
//!
//! ```text
//! PATH/.bursar/<credential id>.json      its manifest
//! PATH/.bursar/<credential id>.staging/  artifacts that are not in place yet
//! PATH/.bursar/accounts/<name>           the installation that created this account's directory
//! PATH/.bursar/locks/                    one writer at a time
//! ```

use bursar_kernel::id::CredentialId;
use bursar_regions::{Owner, TargetError};
use rustix::fs::Mode;

use super::lock::DirectoryLock;
use super::manifest::{Claim, Manifest};
use super::options::{DirectoryOptions, Permissions};
use super::tree::{Dir, DirEntry};

/// A region's directory, held open with our state.
pub(super) struct Root<'a> {
    pub(super) options: &'a DirectoryOptions,
    pub(super) top: Dir,
    pub(super) state: Dir,
}

impl<'a> Root<'a> {
    /// Opens both, and creates what is missing; the parent must exist.
    pub(super) fn open_or_create(options: &'a DirectoryOptions) -> Result<Self, TargetError> {
        let top = match Dir::open_top(&options.path)? {
            Some(top) => top,
            None => create_top(options)?,
        };
        let (state, created) = top.directory_or_create(STATE)?;
        if created {
            top.sync()?;
        }
        check_state_owner(&top, &state)?;
        state.set_permissions(OWNER_ONLY)?;
        Ok(Self { options, top, state })
    }

    /// Opens both, if they exist.
    pub(super) fn open(options: &'a DirectoryOptions) -> Result<Option<Self>, TargetError> {
        let Some(top) = Dir::open_top(&options.path)? else { return Ok(None) };
        let Some(state) = open_state(&top)? else { return Ok(None) };
        Ok(Some(Self { options, top, state }))
    }

    /// Locks a credential against other writers.
    pub(super) fn lock_credential(&self, credential: CredentialId) -> Result<DirectoryLock, TargetError> {
        let shard = credential.0.as_bytes()[15] % LOCKS;
        self.lock(&format!("{shard:02}"))
    }

    /// Locks the creation and removal of account directories. Always acquired
    /// after the lock of a credential, never before.
    pub(super) fn lock_accounts(&self) -> Result<DirectoryLock, TargetError> {
        self.lock("accounts")
    }

    fn lock(&self, name: &str) -> Result<DirectoryLock, TargetError> {
        let (locks, _) = self.state.directory_or_create("locks")?;
        DirectoryLock::acquire(locks.open_lock(name)?, &locks.show(name))
    }

    /// Cleans up after a crash, and reads which files belong to a credential.
    pub(super) fn recover(&self, owner: &Owner) -> Result<Claim, TargetError> {
        let resolved = match read_claim(&self.state, owner)? {
            Claim::Unclaimed => None,
            Claim::Ours(manifest) => {
                let resolved = manifest.clone().resolved(&staged(&self.state, owner)?);
                // The manifest goes first: staging is what it is resolved from.
                if manifest != resolved {
                    self.store(&resolved)?;
                }
                Some(resolved)
            }
            claim @ (Claim::Foreign(_) | Claim::Invalid(_)) => return Ok(claim),
        };
        self.clear_staging(owner)?;
        self.state.remove_file(&new_name(&manifest_name(owner.credential)))?;
        Ok(resolved.map_or(Claim::Unclaimed, Claim::Ours))
    }

    /// Writes a manifest durably, or removes one that claims nothing.
    pub(super) fn store(&self, manifest: &Manifest) -> Result<(), TargetError> {
        let name = manifest_name(manifest.credential);
        if manifest.directories.is_empty() {
            self.state.remove_file(&name)?;
            return self.state.sync();
        }
        let text = serde_json::to_vec(manifest)
            .map_err(|error| TargetError::Failed(format!("the manifest cannot be written: {error}")))?;
        write(&self.state, &name, &text)
    }

    /// The staging directory of a credential: it exists, and is empty.
    pub(super) fn staging(&self, owner: &Owner) -> Result<Dir, TargetError> {
        self.clear_staging(owner)?;
        Ok(self.state.directory_or_create(&staging_name(owner))?.0)
    }

    /// Removes the staging directory. Links in it are removed, not followed.
    pub(super) fn clear_staging(&self, owner: &Owner) -> Result<(), TargetError> {
        let name = staging_name(owner);
        let Some(staging) = self.state.directory(&name)? else { return Ok(()) };
        for file in staging.names()? {
            staging.remove_file(&file)?;
        }
        if self.state.remove_directory(&name)? { Ok(()) } else { Err(self.state.foreign(&name)) }
    }

    /// Moves the whole staging directory into an account's directory; `false`
    /// where the name is taken.
    pub(super) fn move_staging(&self, owner: &Owner, account: &Dir, name: &str) -> Result<bool, TargetError> {
        self.state.move_new(&staging_name(owner), account, name)
    }

    /// The directory of an account, created where it is missing. The caller holds
    /// the lock on accounts.
    pub(super) fn account(&self, name: &str, owner: &Owner, _lock: &DirectoryLock) -> Result<Dir, TargetError> {
        if let Some(account) = self.top.directory(name)? {
            self.ensure_account_permissions(name, &account, owner)?;
            return Ok(account);
        }
        let accounts = self.state.directory_or_create(ACCOUNTS)?.0;
        write(&accounts, name, owner.installation.to_string().as_bytes())?;
        let (account, created) = self.top.directory_or_create(name)?;
        if created {
            account.set_permissions(self.options.directories)?;
            self.top.sync()?;
        }
        Ok(account)
    }

    /// Sets the permissions of an account's directory, if this installation created it.
    pub(super) fn ensure_account_permissions(
        &self,
        name: &str,
        account: &Dir,
        owner: &Owner,
    ) -> Result<(), TargetError> {
        if is_creator(&self.state, name, owner)? { account.set_permissions(self.options.directories) } else { Ok(()) }
    }

    /// Removes the directory of an account, if a broker created it and it is empty.
    pub(super) fn remove_empty_account(&self, name: &str, _lock: &DirectoryLock) -> Result<(), TargetError> {
        if creator(&self.state, name)?.is_none() || !self.top.remove_directory(name)? {
            return Ok(());
        }
        self.top.sync()?;
        self.state.directory(ACCOUNTS)?.map_or(Ok(()), |accounts| accounts.remove_file(name))
    }
}

/// Our state, if it exists.
pub(super) fn open_state(top: &Dir) -> Result<Option<Dir>, TargetError> {
    let Some(state) = top.directory(STATE)? else { return Ok(None) };
    check_state_owner(top, &state)?;
    Ok(Some(state))
}

/// Reads who owns a credential's manifest. Changes nothing.
pub(super) fn read_claim(state: &Dir, owner: &Owner) -> Result<Claim, TargetError> {
    let name = manifest_name(owner.credential);
    if matches!(state.entry(&name)?, DirEntry::Missing) {
        return Ok(Claim::Unclaimed);
    }
    let bytes = state.read(&name, MAX_MANIFEST_BYTES)?;
    Ok(Manifest::parse(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice()), &state.show(&name), owner))
}

/// The names of a credential's staged artifacts. Changes nothing.
pub(super) fn staged(state: &Dir, owner: &Owner) -> Result<Vec<String>, TargetError> {
    state.directory(&staging_name(owner))?.map_or_else(|| Ok(Vec::new()), |staging| staging.names())
}

/// Whether an interrupted put left files behind, which the next put removes.
/// Changes nothing.
pub(super) fn is_unfinished(state: &Dir, owner: &Owner) -> Result<bool, TargetError> {
    for name in [staging_name(owner), new_name(&manifest_name(owner.credential))] {
        if !matches!(state.entry(&name)?, DirEntry::Missing) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The installation that created the directory of an account, if one did.
fn creator(state: &Dir, account: &str) -> Result<Option<String>, TargetError> {
    let Some(accounts) = state.directory(ACCOUNTS)? else { return Ok(None) };
    let creator = accounts.read(account, MAX_MANIFEST_BYTES)?;
    Ok(creator.map(|creator| String::from_utf8_lossy(&creator).into_owned()))
}

/// Whether this installation created the directory of an account.
pub(super) fn is_creator(state: &Dir, account: &str, owner: &Owner) -> Result<bool, TargetError> {
    Ok(creator(state, account)?.is_some_and(|creator| creator == owner.installation.to_string()))
}

fn create_top(options: &DirectoryOptions) -> Result<Dir, TargetError> {
    let (Some(parent), Some(name)) = (options.path.parent(), options.path.file_name().and_then(|name| name.to_str()))
    else {
        return Err(TargetError::Invalid(format!(
            "{} has no parent directory to create it in",
            options.path.display()
        )));
    };
    let parent = Dir::open_top(parent)?.ok_or_else(|| no_parent(options))?;
    let (top, created) = parent.directory_or_create(name)?;
    if created {
        top.set_permissions(options.directories)?;
        parent.sync()?;
    }
    Ok(top)
}

/// The error for a path that can neither be opened nor created.
pub(super) fn no_parent(options: &DirectoryOptions) -> TargetError {
    let path = options.path.display();
    TargetError::Unreachable(format!("neither {path} nor its parent exists; create it, or mount its file system"))
}

/// Manifests are trusted, so their directory must belong to the broker's user,
/// to root, or to the owner of the region's directory.
fn check_state_owner(top: &Dir, state: &Dir) -> Result<(), TargetError> {
    let owner = state.stat()?.st_uid;
    if owner == 0 || owner == rustix::process::geteuid().as_raw() || owner == top.stat()?.st_uid {
        return Ok(());
    }
    Err(TargetError::Refused(format!(
        "{} belongs to the user {owner}, so its manifests cannot be trusted; change its owner to the broker's user",
        state.shown()
    )))
}

/// Replaces one of our own files atomically and durably.
fn write(to: &Dir, name: &str, content: &[u8]) -> Result<(), TargetError> {
    let new = new_name(name);
    to.remove_file(&new)?;
    to.write_new(&new, content, PRIVATE_FILE)?;
    to.move_over(&new, to, name)?;
    to.sync()
}

fn manifest_name(credential: CredentialId) -> String {
    format!("{credential}.json")
}

/// The name under which a file is written before it replaces the old one.
fn new_name(name: &str) -> String {
    format!("{name}.new")
}

fn staging_name(owner: &Owner) -> String {
    format!("{}.staging", owner.credential)
}

/// No account can have this name.
const STATE: &str = ".bursar";
const ACCOUNTS: &str = "accounts";
const PRIVATE_FILE: Permissions = Permissions { mode: Mode::RUSR.union(Mode::WUSR), uid: None, gid: None };
const OWNER_ONLY: Permissions = Permissions { mode: Mode::RWXU, uid: None, gid: None };
const MAX_MANIFEST_BYTES: usize = 1 << 20;
const LOCKS: u8 = 64;
