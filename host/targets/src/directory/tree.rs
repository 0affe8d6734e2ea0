//! Open directories, and operations in them by a plain name. The system never
//! gets a path of several components, and no link is followed.
//!
//! `cap-std` would not shorten this. It opens directories with `O_PATH`, which can
//! be neither synced nor given a mode or owner, follows links that stay inside
//! unless told otherwise, and has no rename without replacement, no `chown` and no
//! access check for the effective user.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use bursar_regions::TargetError;
use rustix::fs::{Access, AtFlags, Dir as Entries, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::fault::{fault, io_fault};
use super::options::Permissions;

/// An open directory.
pub(super) struct Dir {
    fd: OwnedFd,
    /// Its path, for messages.
    shown: String,
}

/// What a name refers to.
pub(super) enum DirEntry {
    Missing,
    File(Stat),
    /// Something else; what it is, for people.
    Other(&'static str),
}

impl Dir {
    /// Opens a region's directory. Links in its path are followed: the operator chose it.
    pub(super) fn open_top(path: &Path) -> Result<Option<Self>, TargetError> {
        let shown = path.display().to_string();
        match rustix::fs::open(path, DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, shown })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR) => Err(TargetError::Foreign(format!("{shown} is not a directory"))),
            Err(errno) => Err(fault(errno, "open", &shown)),
        }
    }

    /// Its path, for messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The path of something in it, for messages.
    pub(super) fn show(&self, name: &str) -> String {
        format!("{}/{name}", self.shown)
    }

    /// A directory in it, or `None`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] for a link and anything else that is no directory.
    pub(super) fn directory(&self, name: &str) -> Result<Option<Self>, TargetError> {
        let shown = self.show(name);
        match rustix::fs::openat(&self.fd, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, shown })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::MLINK) => Err(self.foreign(name)),
            Err(errno) => Err(fault(errno, "open", &shown)),
        }
    }

    /// A directory in it, created with mode 0700 where it is missing; and whether it was.
    pub(super) fn directory_or_create(&self, name: &str) -> Result<(Self, bool), TargetError> {
        let created = match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(fault(errno, "create", &self.show(name))),
        };
        let directory = self.directory(name)?.ok_or_else(|| fault(Errno::NOENT, "open", &self.show(name)))?;
        Ok((directory, created))
    }

    /// What a name refers to.
    pub(super) fn entry(&self, name: &str) -> Result<DirEntry, TargetError> {
        let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(DirEntry::Missing),
            Err(errno) => return Err(fault(errno, "look at", &self.show(name))),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => DirEntry::File(stat),
            FileType::Directory => DirEntry::Other("a directory"),
            FileType::Symlink => DirEntry::Other("a symbolic link"),
            _ => DirEntry::Other("a special file"),
        })
    }

    /// The error for an entry of an unexpected type.
    pub(super) fn foreign(&self, name: &str) -> TargetError {
        let what = match self.entry(name) {
            Ok(DirEntry::File(_)) => "a file",
            Ok(DirEntry::Other(what)) => what,
            Ok(DirEntry::Missing) | Err(_) => "of another type",
        };
        TargetError::Foreign(format!(
            "{} is {what} that the broker did not create, so it is neither followed nor changed; move it away",
            self.show(name)
        ))
    }

    /// A file's content, or `None` where it is missing or longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] for anything but a regular file.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, TargetError> {
        // Non-blocking: opening a named pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK | Errno::NXIO) => return Err(self.foreign(name)),
            Err(errno) => return Err(fault(errno, "read", &self.show(name))),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| fault(errno, "read", &self.show(name)))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.foreign(name));
        }
        let Some(size) = usize::try_from(stat.st_size).ok().filter(|size| *size <= limit) else { return Ok(None) };
        // Allocated at its final size: growing would leave copies behind.
        let mut content = Zeroizing::new(Vec::with_capacity(size + 1));
        let longest = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
        File::from(fd)
            .take(longest)
            .read_to_end(&mut content)
            .map_err(|error| io_fault(&error, "read", &self.show(name)))?;
        Ok((content.len() <= size).then_some(content))
    }

    /// Creates a file durably, with its permissions; it must not exist.
    pub(super) fn write_new(&self, name: &str, content: &[u8], permissions: Permissions) -> Result<(), TargetError> {
        let shown = self.show(name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| fault(errno, "create", &shown))?;
        let mut file = File::from(fd);
        file.write_all(content).map_err(|error| io_fault(&error, "write", &shown))?;
        let fd = OwnedFd::from(file);
        set_permissions(&fd, permissions, &shown)?;
        rustix::fs::fsync(&fd).map_err(|errno| fault(errno, "write", &shown))
    }

    /// Opens a file to lock it.
    pub(super) fn open_lock(&self, name: &str) -> Result<OwnedFd, TargetError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => Ok(fd),
            Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO) => Err(self.foreign(name)),
            Err(errno) => Err(fault(errno, "open", &self.show(name))),
        }
    }

    /// Moves an entry to another directory without replacing anything; `false`
    /// where the name is taken.
    pub(super) fn move_new(&self, name: &str, to: &Self, to_name: &str) -> Result<bool, TargetError> {
        let failed = |errno| fault(errno, "create", &to.show(to_name));
        match rustix::fs::renameat_with(&self.fd, name, &to.fd, to_name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // Some network file systems support only the plain rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match to.entry(to_name)? {
                DirEntry::Missing => {
                    rustix::fs::renameat(&self.fd, name, &to.fd, to_name).map_err(failed)?;
                    Ok(true)
                }
                DirEntry::File(_) | DirEntry::Other(_) => Ok(false),
            },
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Replaces a file of another directory atomically: readers see the old or the new one.
    pub(super) fn move_over(&self, name: &str, to: &Self, to_name: &str) -> Result<(), TargetError> {
        rustix::fs::renameat(&self.fd, name, &to.fd, to_name)
            .map_err(|errno| fault(errno, "replace", &to.show(to_name)))
    }

    /// Removes a file, or a link itself. A missing one is success.
    pub(super) fn remove_file(&self, name: &str) -> Result<(), TargetError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(fault(errno, "remove", &self.show(name))),
        }
    }

    /// Removes a directory; `false` where it is not empty, or not a directory.
    pub(super) fn remove_directory(&self, name: &str) -> Result<bool, TargetError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::BUSY) => Ok(false),
            Err(errno) => Err(fault(errno, "remove", &self.show(name))),
        }
    }

    /// The names in it, with invalid UTF-8 replaced.
    pub(super) fn names(&self) -> Result<Vec<String>, TargetError> {
        let failed = |errno| fault(errno, "list", &self.shown);
        let mut names = Vec::new();
        for entry in Entries::read_from(&self.fd).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Sets its permissions, unless it has them.
    pub(super) fn set_permissions(&self, permissions: Permissions) -> Result<(), TargetError> {
        if permissions.match_stat(&self.stat()?) {
            return Ok(());
        }
        set_permissions(&self.fd, permissions, &self.shown)
    }

    /// Its metadata.
    pub(super) fn stat(&self) -> Result<Stat, TargetError> {
        rustix::fs::fstat(&self.fd).map_err(|errno| fault(errno, "look at", &self.shown))
    }

    /// Checks our effective access to it.
    pub(super) fn check_access(&self, access: Access) -> Result<(), TargetError> {
        rustix::fs::accessat(&self.fd, ".", access, AtFlags::EACCESS)
            .map_err(|errno| fault(errno, "write in", &self.shown))
    }

    /// Makes changes of its entries durable.
    pub(super) fn sync(&self) -> Result<(), TargetError> {
        match rustix::fs::fsync(&self.fd) {
            // Not supported, and not needed, on some file systems.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(fault(errno, "write", &self.shown)),
        }
    }
}

/// Sets permissions regardless of the umask, and verifies that the file system
/// keeps them.
fn set_permissions(fd: &OwnedFd, permissions: Permissions, shown: &str) -> Result<(), TargetError> {
    // The mode first: with CAP_CHOWN alone it cannot be changed after the owner.
    rustix::fs::fchmod(fd, permissions.mode).map_err(|errno| fault(errno, "change the mode of", shown))?;
    if permissions.uid.is_some() || permissions.gid.is_some() {
        rustix::fs::fchown(fd, permissions.uid, permissions.gid).map_err(|errno| match errno {
            Errno::PERM => TargetError::Refused(format!(
                "cannot give {shown} to the region's `owner`: the broker's user lacks permission; run the broker as root \
                 or with CAP_CHOWN, or leave `owner` out"
            )),
            errno => fault(errno, "change the owner of", shown),
        })?;
    }
    let stat = rustix::fs::fstat(fd).map_err(|errno| fault(errno, "look at", shown))?;
    if permissions.match_stat(&stat) {
        return Ok(());
    }
    Err(TargetError::Invalid(format!(
        "the file system of {shown} does not keep modes and owners, so secrets would be readable there; use another one"
    )))
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
