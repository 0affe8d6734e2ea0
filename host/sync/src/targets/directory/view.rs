//! Looking, without changing anything.

use bursar_domain::region::{Owner, Seen, TargetError};
use rustix::fs::Access;

use super::manifest::{Held, Place};
use super::options::Options;
use super::put::not_ours;
use super::root::{held, is_maker, is_unfinished, no_parent, open_corner, staged};
use super::tree::{Dir, Entry};

/// What is at `place`. An artifact whose mode or owner is not as wanted, or
/// that grew beyond what a credential can have, is not told among ours: it is
/// not in place, and a put makes it right. The same for all of them, where it
/// is a directory's mode or owner, or where a put that was cut off left something
/// to be cleared.
pub(super) fn look(options: &Options, place: &Place, owner: &Owner) -> Result<Seen, TargetError> {
    let Some(top) = Dir::open_top(&options.path)? else { return Ok(Seen::Nothing) };
    foreign_as_seen(look_below(options, &top, place, owner))
}

fn look_below(options: &Options, top: &Dir, place: &Place, owner: &Owner) -> Result<Seen, TargetError> {
    let corner = open_corner(top)?;
    let manifest = match corner.as_ref().map(|corner| held(corner, owner)).transpose()? {
        None | Some(Held::Nobody) => None,
        Some(Held::Us(manifest)) => Some(manifest),
        Some(Held::Others(what) | Held::Broken(what)) => return Ok(Seen::Foreign(what)),
    };
    let Some(account) = top.directory(&place.account)? else { return Ok(Seen::Nothing) };
    let Some(directory) = account.directory(&place.credential)? else { return Ok(Seen::Nothing) };
    let (Some(corner), Some(manifest)) = (corner, manifest) else {
        return Err(not_ours(&account, &place.credential));
    };
    let mut manifest = manifest.settled(&staged(&corner, owner)?);
    let Some(contents) = manifest.directories.remove(&place.to_string()) else {
        return Err(not_ours(&account, &place.credential));
    };

    let ours = is_maker(&corner, &place.account, owner)?;
    let all_is_right = !is_unfinished(&corner, owner)?
        && options.directories.hold_for(&directory.stat()?)
        && (!ours || options.directories.hold_for(&account.stat()?));
    let mut artifacts = Vec::new();
    for name in contents.artifacts {
        match directory.entry(&name)? {
            Entry::Missing => {}
            Entry::File(stat) => {
                if all_is_right
                    && options.files.hold_for(&stat)
                    && let Some(content) = directory.read(&name, MAX_ARTIFACT_BYTES)?
                {
                    artifacts.push((name, content));
                }
            }
            Entry::Other(_) => return Err(directory.foreign(&name)),
        }
    }
    Ok(Seen::Ours(artifacts))
}

fn foreign_as_seen(looked: Result<Seen, TargetError>) -> Result<Seen, TargetError> {
    match looked {
        Err(TargetError::Foreign(what)) => Ok(Seen::Foreign(what)),
        looked => looked,
    }
}

/// Whether credentials could be put here.
pub(super) fn check(options: &Options) -> Result<(), TargetError> {
    if let Some(top) = Dir::open_top(&options.path)? {
        top.check_access(Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?;
        return match open_corner(&top)? {
            Some(corner) => corner.check_access(Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK),
            None => Ok(()),
        };
    }
    let parent = match options.path.parent() {
        Some(parent) => Dir::open_top(parent)?,
        None => None,
    };
    parent.ok_or_else(|| no_parent(options))?.check_access(Access::WRITE_OK | Access::EXEC_OK)
}

/// What the plugin host lets all artifacts of a credential have together.
const MAX_ARTIFACT_BYTES: usize = 1 << 20;
