//! The top of a region's directory, and the broker's own corner of it:
//!
//! ```text
//! PATH/.bursar/<credential id>.json      its manifest
//! PATH/.bursar/<credential id>.staging/  what is on its way
//! PATH/.bursar/accounts/<name>           the installation that made this account's directory
//! PATH/.bursar/locks/                    who is at it
//! ```

use bursar_domain::id::CredentialId;
use bursar_domain::region::{Owner, TargetError};
use rustix::fs::Mode;

use super::lock::Turn;
use super::manifest::{Held, Manifest};
use super::options::{Options, Rights};
use super::tree::{Dir, Entry};

/// The top, with our corner.
pub(super) struct Root<'a> {
    pub(super) options: &'a Options,
    pub(super) top: Dir,
    pub(super) corner: Dir,
}

impl<'a> Root<'a> {
    /// Opens both, and makes what is missing; the parent must be there.
    pub(super) fn open_or_make(options: &'a Options) -> Result<Self, TargetError> {
        let top = match Dir::open_top(&options.path)? {
            Some(top) => top,
            None => make_top(options)?,
        };
        let (corner, made) = top.directory_or_make(CORNER)?;
        if made {
            top.sync()?;
        }
        check_corner(&top, &corner)?;
        corner.set_rights(OURS_ALONE)?;
        Ok(Self { options, top, corner })
    }

    /// Opens both, if they are there.
    pub(super) fn open(options: &'a Options) -> Result<Option<Self>, TargetError> {
        let Some(top) = Dir::open_top(&options.path)? else { return Ok(None) };
        let Some(corner) = open_corner(&top)? else { return Ok(None) };
        Ok(Some(Self { options, top, corner }))
    }

    /// Waits until nobody else is at this credential.
    pub(super) fn turn(&self, credential: CredentialId) -> Result<Turn, TargetError> {
        let shard = credential.0.as_bytes()[15] % LOCKS;
        self.lock(&format!("{shard:02}"))
    }

    /// Waits until nobody else makes or removes an account's directory. Taken
    /// after a credential's turn, never before.
    pub(super) fn turn_at_accounts(&self) -> Result<Turn, TargetError> {
        self.lock("accounts")
    }

    fn lock(&self, name: &str) -> Result<Turn, TargetError> {
        let (locks, _) = self.corner.directory_or_make("locks")?;
        Turn::take(locks.open_lock(name)?, &locks.show(name))
    }

    /// What is ours of a credential, after whatever a crash left was put in order.
    pub(super) fn settle(&self, owner: &Owner) -> Result<Held, TargetError> {
        let held = held(&self.corner, owner)?;
        let (written, staged) = match held {
            Held::Nobody => (None, None),
            Held::Us(manifest) => {
                let staged = staged(&self.corner, owner)?;
                (Some(manifest.clone()), Some(manifest.settled(&staged)))
            }
            Held::Others(_) | Held::Broken(_) => return Ok(held),
        };
        // First what is known, then what it is known from.
        if let Some(settled) = &staged
            && written.as_ref() != Some(settled)
        {
            self.store(settled)?;
        }
        self.clear_staging(owner)?;
        self.corner.remove_file(&new_name(&manifest_name(owner.credential)))?;
        Ok(staged.map_or(Held::Nobody, Held::Us))
    }

    /// Writes a manifest down to the disk, or removes one that claims nothing.
    pub(super) fn store(&self, manifest: &Manifest) -> Result<(), TargetError> {
        let name = manifest_name(manifest.credential);
        if manifest.directories.is_empty() {
            self.corner.remove_file(&name)?;
            return self.corner.sync();
        }
        let text = serde_json::to_vec(manifest)
            .map_err(|error| TargetError::Failed(format!("the manifest cannot be written: {error}")))?;
        write(&self.corner, &name, &text)
    }

    /// Where a credential's artifacts wait; made, and empty.
    pub(super) fn staging(&self, owner: &Owner) -> Result<Dir, TargetError> {
        self.clear_staging(owner)?;
        Ok(self.corner.directory_or_make(&staging_name(owner))?.0)
    }

    /// Removes what waits. Links in it are removed themselves, and not followed.
    pub(super) fn clear_staging(&self, owner: &Owner) -> Result<(), TargetError> {
        let name = staging_name(owner);
        let Some(staging) = self.corner.directory(&name)? else { return Ok(()) };
        for file in staging.names()? {
            staging.remove_file(&file)?;
        }
        if self.corner.remove_directory(&name)? { Ok(()) } else { Err(self.corner.foreign(&name)) }
    }

    /// Puts the whole staging directory at a name of an account's directory
    /// where nothing is yet; `false` where something is.
    pub(super) fn place_staging(&self, owner: &Owner, account: &Dir, name: &str) -> Result<bool, TargetError> {
        self.corner.move_new(&staging_name(owner), account, name)
    }

    /// The directory of an account, made where it is missing. Asks for the turn at accounts.
    pub(super) fn account(&self, name: &str, owner: &Owner, _turn: &Turn) -> Result<Dir, TargetError> {
        if let Some(account) = self.top.directory(name)? {
            self.keep_account(name, &account, owner)?;
            return Ok(account);
        }
        let accounts = self.corner.directory_or_make(ACCOUNTS)?.0;
        write(&accounts, name, owner.installation.to_string().as_bytes())?;
        let (account, made) = self.top.directory_or_make(name)?;
        if made {
            account.set_rights(self.options.directories)?;
            self.top.sync()?;
        }
        Ok(account)
    }

    /// Keeps the rights of an account's directory, if this installation made it.
    pub(super) fn keep_account(&self, name: &str, account: &Dir, owner: &Owner) -> Result<(), TargetError> {
        if is_maker(&self.corner, name, owner)? { account.set_rights(self.options.directories) } else { Ok(()) }
    }

    /// Removes the directory of an account, if a broker made it and it is empty.
    pub(super) fn release_account(&self, name: &str, _turn: &Turn) -> Result<(), TargetError> {
        if maker(&self.corner, name)?.is_none() || !self.top.remove_directory(name)? {
            return Ok(());
        }
        self.top.sync()?;
        self.corner.directory(ACCOUNTS)?.map_or(Ok(()), |accounts| accounts.remove_file(name))
    }
}

/// Our corner, if it is there.
pub(super) fn open_corner(top: &Dir) -> Result<Option<Dir>, TargetError> {
    let Some(corner) = top.directory(CORNER)? else { return Ok(None) };
    check_corner(top, &corner)?;
    Ok(Some(corner))
}

/// Whose a credential's manifest is. Changes nothing.
pub(super) fn held(corner: &Dir, owner: &Owner) -> Result<Held, TargetError> {
    let name = manifest_name(owner.credential);
    if matches!(corner.entry(&name)?, Entry::Missing) {
        return Ok(Held::Nobody);
    }
    let bytes = corner.read(&name, MAX_MANIFEST_BYTES)?;
    Ok(Manifest::read(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice()), &corner.show(&name), owner))
}

/// The names of a credential's artifacts that wait. Changes nothing.
pub(super) fn staged(corner: &Dir, owner: &Owner) -> Result<Vec<String>, TargetError> {
    corner.directory(&staging_name(owner))?.map_or_else(|| Ok(Vec::new()), |staging| staging.names())
}

/// Whether something of a credential's was cut off: what it left is cleared by
/// the next put. Changes nothing.
pub(super) fn is_unfinished(corner: &Dir, owner: &Owner) -> Result<bool, TargetError> {
    for name in [staging_name(owner), new_name(&manifest_name(owner.credential))] {
        if !matches!(corner.entry(&name)?, Entry::Missing) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The installation that made the directory of an account, if one did.
fn maker(corner: &Dir, account: &str) -> Result<Option<String>, TargetError> {
    let Some(accounts) = corner.directory(ACCOUNTS)? else { return Ok(None) };
    let maker = accounts.read(account, MAX_MANIFEST_BYTES)?;
    Ok(maker.map(|maker| String::from_utf8_lossy(&maker).into_owned()))
}

/// Whether this installation made the directory of an account.
pub(super) fn is_maker(corner: &Dir, account: &str, owner: &Owner) -> Result<bool, TargetError> {
    Ok(maker(corner, account)?.is_some_and(|maker| maker == owner.installation.to_string()))
}

fn make_top(options: &Options) -> Result<Dir, TargetError> {
    let (Some(parent), Some(name)) = (options.path.parent(), options.path.file_name().and_then(|name| name.to_str()))
    else {
        return Err(TargetError::Invalid(format!("{} has no parent to be made in", options.path.display())));
    };
    let parent = Dir::open_top(parent)?.ok_or_else(|| no_parent(options))?;
    let (top, made) = parent.directory_or_make(name)?;
    if made {
        top.set_rights(options.directories)?;
        parent.sync()?;
    }
    Ok(top)
}

/// The error for a path that can neither be opened nor made.
pub(super) fn no_parent(options: &Options) -> TargetError {
    let path = options.path.display();
    TargetError::Unreachable(format!("{path} is not there, nor its parent; make it, or mount what it is on"))
}

/// What a manifest says is believed, so it must come from us, the system or
/// whose directory it is.
fn check_corner(top: &Dir, corner: &Dir) -> Result<(), TargetError> {
    let owner = corner.stat()?.st_uid;
    if owner == 0 || owner == rustix::process::geteuid().as_raw() || owner == top.stat()?.st_uid {
        return Ok(());
    }
    Err(TargetError::Refused(format!(
        "{} belongs to the user {owner}, so its manifests cannot be believed; give it to the broker's user",
        corner.shown()
    )))
}

/// Writes one of our own files as a whole, down to the disk.
fn write(to: &Dir, name: &str, content: &[u8]) -> Result<(), TargetError> {
    let new = new_name(name);
    to.remove_file(&new)?;
    to.write_new(&new, content, OUR_FILE)?;
    to.move_over(&new, to, name)?;
    to.sync()
}

fn manifest_name(credential: CredentialId) -> String {
    format!("{credential}.json")
}

/// Where it is written before it is moved over the old one.
fn new_name(name: &str) -> String {
    format!("{name}.new")
}

fn staging_name(owner: &Owner) -> String {
    format!("{}.staging", owner.credential)
}

/// No account can have this name.
const CORNER: &str = ".bursar";
const ACCOUNTS: &str = "accounts";
const OUR_FILE: Rights = Rights { mode: Mode::RUSR.union(Mode::WUSR), uid: None, gid: None };
const OURS_ALONE: Rights = Rights { mode: Mode::RWXU, uid: None, gid: None };
const MAX_MANIFEST_BYTES: usize = 1 << 20;
const LOCKS: u8 = 64;
