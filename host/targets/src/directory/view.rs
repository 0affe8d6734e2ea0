//! Reads a directory without changing anything.

use bursar_regions::{Owner, Seen, TargetError};
use rustix::fs::Access;

use super::manifest::{Claim, CredentialPath};
use super::options::DirectoryOptions;
use super::put::not_ours;
use super::root::{is_creator, is_unfinished, no_parent, open_state, read_claim, staged};
use super::tree::{Dir, DirEntry};

/// What is at `path`. An artifact with another mode or owner, or larger than a
/// credential can have, is not listed: it counts as missing, and the next put
/// corrects it. All of them count as missing where a directory has another mode
/// or owner, or an interrupted put left files behind.
pub(super) fn look(options: &DirectoryOptions, path: &CredentialPath, owner: &Owner) -> Result<Seen, TargetError> {
    let Some(top) = Dir::open_top(&options.path)? else { return Ok(Seen::Nothing) };
    match look_below(options, &top, path, owner) {
        Err(TargetError::Foreign(what)) => Ok(Seen::Foreign(what)),
        seen => seen,
    }
}

fn look_below(
    options: &DirectoryOptions,
    top: &Dir,
    path: &CredentialPath,
    owner: &Owner,
) -> Result<Seen, TargetError> {
    let state = open_state(top)?;
    let manifest = match state.as_ref().map(|state| read_claim(state, owner)).transpose()? {
        None | Some(Claim::Unclaimed) => None,
        Some(Claim::Ours(manifest)) => Some(manifest),
        Some(Claim::Foreign(what) | Claim::Invalid(what)) => return Ok(Seen::Foreign(what)),
    };
    let Some(account) = top.directory(&path.account)? else { return Ok(Seen::Nothing) };
    let Some(directory) = account.directory(&path.credential)? else { return Ok(Seen::Nothing) };
    let (Some(state), Some(manifest)) = (state, manifest) else {
        return Err(not_ours(&account, &path.credential));
    };
    let mut manifest = manifest.resolved(&staged(&state, owner)?);
    let Some(contents) = manifest.directories.remove(&path.to_string()) else {
        return Err(not_ours(&account, &path.credential));
    };

    let created_by_us = is_creator(&state, &path.account, owner)?;
    let is_intact = !is_unfinished(&state, owner)?
        && options.directories.match_stat(&directory.stat()?)
        && (!created_by_us || options.directories.match_stat(&account.stat()?));
    let mut artifacts = Vec::new();
    for name in contents.artifacts {
        match directory.entry(&name)? {
            DirEntry::Missing => {}
            DirEntry::File(stat) => {
                if is_intact
                    && options.files.match_stat(&stat)
                    && let Some(content) = directory.read(&name, MAX_ARTIFACT_BYTES)?
                {
                    artifacts.push((name, content));
                }
            }
            DirEntry::Other(_) => return Err(directory.foreign(&name)),
        }
    }
    Ok(Seen::Ours(artifacts))
}

/// Whether the broker may write here.
pub(super) fn check(options: &DirectoryOptions) -> Result<(), TargetError> {
    if let Some(top) = Dir::open_top(&options.path)? {
        top.check_access(Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?;
        return match open_state(&top)? {
            Some(state) => state.check_access(Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK),
            None => Ok(()),
        };
    }
    let parent = match options.path.parent() {
        Some(parent) => Dir::open_top(parent)?,
        None => None,
    };
    parent.ok_or_else(|| no_parent(options))?.check_access(Access::WRITE_OK | Access::EXEC_OK)
}

/// The plugin host's limit on all artifacts of a credential together.
const MAX_ARTIFACT_BYTES: usize = 1 << 20;
