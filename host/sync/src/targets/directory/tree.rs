//! Directories held open, and what can be done in them by a plain name: no
//! path of several components is ever given to the system, and no link followed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use bursar_domain::region::TargetError;
use rustix::fs::{Access, AtFlags, Dir as Entries, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::fault::{fault, io_fault};
use super::options::Rights;

/// An open directory.
pub(super) struct Dir {
    fd: OwnedFd,
    /// Its path, for messages.
    shown: String,
}

/// What stands at a name.
pub(super) enum Entry {
    Missing,
    File(Stat),
    /// Neither; what it is, for a person.
    Other(&'static str),
}

impl Dir {
    /// Opens the top, through links if there are any: that is the operator's word.
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

    /// A directory in it, made with mode 0700 where there is none; and whether it was.
    pub(super) fn directory_or_make(&self, name: &str) -> Result<(Self, bool), TargetError> {
        let made = match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(fault(errno, "make", &self.show(name))),
        };
        let directory = self.directory(name)?.ok_or_else(|| fault(Errno::NOENT, "open", &self.show(name)))?;
        Ok((directory, made))
    }

    /// What stands at a name.
    pub(super) fn entry(&self, name: &str) -> Result<Entry, TargetError> {
        let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Entry::Missing),
            Err(errno) => return Err(fault(errno, "look at", &self.show(name))),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Entry::File(stat),
            FileType::Directory => Entry::Other("a directory"),
            FileType::Symlink => Entry::Other("a symbolic link"),
            _ => Entry::Other("a special file"),
        })
    }

    /// The error for something that is not of the kind it should be.
    pub(super) fn foreign(&self, name: &str) -> TargetError {
        let what = match self.entry(name) {
            Ok(Entry::File(_)) => "a file",
            Ok(Entry::Other(what)) => what,
            Ok(Entry::Missing) | Err(_) => "of another kind",
        };
        TargetError::Foreign(format!(
            "{} is {what}, and not of the broker's making; it is left alone and not followed: move it away",
            self.show(name)
        ))
    }

    /// A file's content, or `None` where it is missing or longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] for anything but a regular file.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, TargetError> {
        // Not blocking, since opening a named pipe would wait for a writer.
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
        // With its final size from the start, so that no copy is left behind by growing.
        let mut content = Zeroizing::new(Vec::with_capacity(size + 1));
        let longest = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
        File::from(fd)
            .take(longest)
            .read_to_end(&mut content)
            .map_err(|error| io_fault(&error, "read", &self.show(name)))?;
        Ok((content.len() <= size).then_some(content))
    }

    /// Writes a file that is not there yet, with its rights, down to the disk.
    pub(super) fn write_new(&self, name: &str, content: &[u8], rights: Rights) -> Result<(), TargetError> {
        let shown = self.show(name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| fault(errno, "make", &shown))?;
        let mut file = File::from(fd);
        file.write_all(content).map_err(|error| io_fault(&error, "write", &shown))?;
        let fd = OwnedFd::from(file);
        set_rights(&fd, rights, &shown)?;
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

    /// Moves something to a name of another directory where nothing is yet;
    /// `false` where something is.
    pub(super) fn move_new(&self, name: &str, to: &Self, to_name: &str) -> Result<bool, TargetError> {
        let failed = |errno| fault(errno, "make", &to.show(to_name));
        match rustix::fs::renameat_with(&self.fd, name, &to.fd, to_name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // Some network file systems know only the plain rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match to.entry(to_name)? {
                Entry::Missing => {
                    rustix::fs::renameat(&self.fd, name, &to.fd, to_name).map_err(failed)?;
                    Ok(true)
                }
                Entry::File(_) | Entry::Other(_) => Ok(false),
            },
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Moves a file over one of another directory: readers see the old or the new.
    pub(super) fn move_over(&self, name: &str, to: &Self, to_name: &str) -> Result<(), TargetError> {
        rustix::fs::renameat(&self.fd, name, &to.fd, to_name)
            .map_err(|errno| fault(errno, "replace", &to.show(to_name)))
    }

    /// Removes a file, or a link itself; that it is missing is success.
    pub(super) fn remove_file(&self, name: &str) -> Result<(), TargetError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(fault(errno, "remove", &self.show(name))),
        }
    }

    /// Removes a directory; `false` where it is not empty, or none.
    pub(super) fn remove_directory(&self, name: &str) -> Result<bool, TargetError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::BUSY) => Ok(false),
            Err(errno) => Err(fault(errno, "remove", &self.show(name))),
        }
    }

    /// The names in it; those that are not UTF-8 with their odd bytes replaced.
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

    /// Makes it as wanted, where it is not.
    pub(super) fn set_rights(&self, rights: Rights) -> Result<(), TargetError> {
        if rights.hold_for(&self.stat()?) { Ok(()) } else { set_rights(&self.fd, rights, &self.shown) }
    }

    /// What the system says of it.
    pub(super) fn stat(&self) -> Result<Stat, TargetError> {
        rustix::fs::fstat(&self.fd).map_err(|errno| fault(errno, "look at", &self.shown))
    }

    /// Whether we may do this in it.
    pub(super) fn check_access(&self, access: Access) -> Result<(), TargetError> {
        rustix::fs::accessat(&self.fd, ".", access, AtFlags::EACCESS)
            .map_err(|errno| fault(errno, "write in", &self.shown))
    }

    /// Brings its names down to the disk.
    pub(super) fn sync(&self) -> Result<(), TargetError> {
        match rustix::fs::fsync(&self.fd) {
            // Some file systems cannot, and need not.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(fault(errno, "write", &self.shown)),
        }
    }
}

/// Sets rights on something open, whatever the umask is, and looks whether they took.
fn set_rights(fd: &OwnedFd, rights: Rights, shown: &str) -> Result<(), TargetError> {
    // The mode first: what is given away can no longer be changed by who may only give.
    rustix::fs::fchmod(fd, rights.mode).map_err(|errno| fault(errno, "change the mode of", shown))?;
    if rights.uid.is_some() || rights.gid.is_some() {
        rustix::fs::fchown(fd, rights.uid, rights.gid).map_err(|errno| match errno {
            Errno::PERM => TargetError::Refused(format!(
                "cannot give {shown} to the region's `owner`: the broker's user may not; run the broker as root or \
                 with CAP_CHOWN, or leave `owner` out"
            )),
            errno => fault(errno, "change the owner of", shown),
        })?;
    }
    let stat = rustix::fs::fstat(fd).map_err(|errno| fault(errno, "look at", shown))?;
    if rights.hold_for(&stat) {
        return Ok(());
    }
    Err(TargetError::Invalid(format!(
        "the file system of {shown} does not keep modes and owners, so that secrets would be open there; take another"
    )))
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
