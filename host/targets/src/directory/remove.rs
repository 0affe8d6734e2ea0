//! Removes a credential's artifacts.

use bursar_regions::{Owner, TargetError};

use super::manifest::{Claim, Contents, CredentialPath};
use super::options::DirectoryOptions;
use super::root::Root;
use super::tree::DirEntry;

/// Removes our files at `path`, and leaves foreign ones.
///
/// # Errors
///
/// [`TargetError::Foreign`] where a link or file has replaced one of our
/// directories: our files may be behind it, which only a person can decide.
pub(super) fn remove(options: &DirectoryOptions, path: &CredentialPath, owner: &Owner) -> Result<(), TargetError> {
    let Some(root) = Root::open(options)? else { return Ok(()) };
    let _lock = root.lock_credential(owner.credential)?;
    match root.recover(owner)? {
        Claim::Ours(mut manifest) => {
            if let Some(contents) = manifest.directories.remove(&path.to_string()) {
                remove_files(&root, path, &contents)?;
                root.store(&manifest)?;
            }
        }
        Claim::Unclaimed => {}
        Claim::Foreign(_) => return Ok(()),
        Claim::Invalid(what) => return Err(TargetError::Foreign(what)),
    }
    // Also where nothing was ours: a crash may have left an account's directory without files.
    root.remove_empty_account(&path.account, &root.lock_accounts()?)
}

fn remove_files(root: &Root<'_>, path: &CredentialPath, contents: &Contents) -> Result<(), TargetError> {
    let Some(account) = root.top.directory(&path.account)? else { return Ok(()) };
    let Some(directory) = account.directory(&path.credential)? else { return Ok(()) };
    for name in &contents.artifacts {
        if let DirEntry::File(_) = directory.entry(name)? {
            directory.remove_file(name)?;
        }
    }
    directory.sync()?;
    if account.remove_directory(&path.credential)? { account.sync() } else { Ok(()) }
}
