//! Taking a credential's artifacts away.

use bursar_domain::region::{Owner, TargetError};

use super::manifest::{Contents, Held, Place};
use super::options::Options;
use super::root::Root;
use super::tree::Entry;

/// Removes what is ours at `place`, and leaves what is foreign.
///
/// # Errors
///
/// [`TargetError::Foreign`] where a link or file stands for one of our
/// directories: what we put there may be behind it, and only a person can say.
pub(super) fn remove(options: &Options, place: &Place, owner: &Owner) -> Result<(), TargetError> {
    let Some(root) = Root::open(options)? else { return Ok(()) };
    let _turn = root.turn(owner.credential)?;
    match root.settle(owner)? {
        Held::Us(mut manifest) => {
            if let Some(contents) = manifest.directories.remove(&place.to_string()) {
                remove_files(&root, place, &contents)?;
                root.store(&manifest)?;
            }
        }
        Held::Nobody => {}
        Held::Others(_) => return Ok(()),
        Held::Broken(what) => return Err(TargetError::Foreign(what)),
    }
    // Also where nothing was ours: a crash may have come between it and the first file.
    root.release_account(&place.account, &root.turn_at_accounts()?)
}

fn remove_files(root: &Root<'_>, place: &Place, contents: &Contents) -> Result<(), TargetError> {
    let Some(account) = root.top.directory(&place.account)? else { return Ok(()) };
    let Some(directory) = account.directory(&place.credential)? else { return Ok(()) };
    for name in &contents.artifacts {
        if let Entry::File(_) = directory.entry(name)? {
            directory.remove_file(name)?;
        }
    }
    directory.sync()?;
    if account.remove_directory(&place.credential)? { account.sync() } else { Ok(()) }
}
