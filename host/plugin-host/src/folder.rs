//! Reads the operator's folders: which plugin files exist, whether they changed,
//! and whether they may be trusted.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::admission::too_large;

/// The state of a file and the signature beside it: equal stamps at two scans
/// mean that nobody is writing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    component: Option<FileStamp>,
    signature: Option<FileStamp>,
}

/// Includes the time of status change, which covers owner and mode.
#[derive(Clone, Debug, Eq, PartialEq)]
struct FileStamp {
    device: u64,
    inode: u64,
    len_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file's content, read whole.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// The text of `NAME.wasm.minisig`.
    pub(crate) signature: Option<String>,
}

/// The plugin files of a folder, in order of name: `*.wasm`, no dot-files.
///
/// # Errors
///
/// Those of the file system, when the folder cannot be read.
pub(crate) fn scan(folder: &Path) -> io::Result<Vec<(PathBuf, Stamp)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "wasm") {
            let stamp = stamp(&path);
            files.push((path, stamp));
        }
    }
    files.sort_by(|(one, _), (two, _)| one.cmp(two));
    Ok(files)
}

/// Reads a regular file of at most `most_bytes`, and its signature, if both are
/// unchanged since the last scan; `None` otherwise.
///
/// # Errors
///
/// The reason, for the operator.
pub(crate) fn read(path: &Path, expected: &Stamp, most_bytes: u64) -> Result<Option<Content>, String> {
    if stamp(path) != *expected {
        return Ok(None);
    }
    // A link's own owner counts: whoever can replace it chooses the content.
    let unreadable = |error: io::Error| format!("it cannot be read: {}", error.kind());
    check_owner(&fs::symlink_metadata(path).map_err(unreadable)?)?;
    let Some(bytes) = read_file(path, expected.component.as_ref(), most_bytes, "")? else { return Ok(None) };
    let signature = if expected.signature.is_some() {
        let path = signature_path(path);
        match read_file(&path, expected.signature.as_ref(), MAX_SIGNATURE_BYTES, "its signature: ")? {
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| "its signature is not text".to_owned())?),
            None => return Ok(None),
        }
    } else {
        None
    };
    Ok((stamp(path) == *expected).then_some(Content { bytes, signature }))
}

/// The path of a component's signature.
pub(crate) fn signature_path(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

/// The current state of a file and its signature.
pub(crate) fn stamp(path: &Path) -> Stamp {
    Stamp { component: file_stamp(path), signature: file_stamp(&signature_path(path)) }
}

fn file_stamp(path: &Path) -> Option<FileStamp> {
    fs::metadata(path).ok().map(|facts| FileStamp::of(&facts))
}

impl FileStamp {
    fn of(facts: &Metadata) -> Self {
        Self {
            device: facts.dev(),
            inode: facts.ino(),
            len_bytes: facts.len(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        }
    }
}

fn read_file(
    path: &Path,
    expected: Option<&FileStamp>,
    most_bytes: u64,
    whose: &str,
) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error: io::Error| format!("{whose}it cannot be read: {}", error.kind());
    // Before opening, since a pipe would block.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{whose}it is not a regular file"));
    }
    let opened = File::open(path).map_err(unreadable)?;
    let facts = opened.metadata().map_err(unreadable)?;
    if Some(&FileStamp::of(&facts)) != expected {
        return Ok(None);
    }
    check_owner(&facts).map_err(|reason| format!("{whose}{reason}"))?;
    if facts.len() > most_bytes {
        return Err(format!("{whose}{}", too_large(facts.len(), most_bytes)));
    }
    let mut bytes = Vec::new();
    opened.take(most_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}

/// Refuses files that others than the operator can write.
fn check_owner(facts: &Metadata) -> Result<(), String> {
    let us = rustix::process::geteuid().as_raw();
    if facts.uid() != us && facts.uid() != 0 {
        return Err(format!(
            "it belongs to user {}: a plugin's file must belong to root or to the user that runs Bursar",
            facts.uid()
        ));
    }
    // A link has no mode of its own.
    if !facts.is_symlink() && facts.mode() & 0o002 != 0 {
        return Err("everybody may write to it: run `chmod o-w` on it".to_owned());
    }
    Ok(())
}

/// Some four lines of text.
const MAX_SIGNATURE_BYTES: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const MOST_BYTES: u64 = 1 << 10;

    fn stamped(folder: &Path, name: &str) -> (PathBuf, Stamp) {
        scan(folder).unwrap().into_iter().find(|(path, _)| path.ends_with(name)).expect("it is seen")
    }

    fn refusal(path: &Path) -> String {
        read(path, &stamp(path), MOST_BYTES).unwrap_err()
    }

    #[test]
    fn only_visible_wasm_files_are_seen_in_order_of_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", ".c.wasm", "d.txt", "a.wasm.minisig", "wasm"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        let names: Vec<_> = scan(folder.path()).unwrap().into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, [folder.path().join("a.wasm"), folder.path().join("b.wasm")]);
    }

    #[test]
    fn a_stamp_follows_content_mode_and_signature() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        fs::write(&file, b"one").unwrap();
        let (_, first) = stamped(folder.path(), "a.wasm");
        assert_eq!(first, stamp(&file));
        assert_eq!(read(&file, &first, MOST_BYTES).unwrap().unwrap().bytes, b"one");

        fs::write(signature_path(&file), b"signature").unwrap();
        let signed = stamp(&file);
        assert_ne!(first, signed);
        assert!(read(&file, &first, MOST_BYTES).unwrap().is_none(), "something changed since the look");
        assert_eq!(read(&file, &signed, MOST_BYTES).unwrap().unwrap().signature.as_deref(), Some("signature"));

        fs::write(folder.path().join("new"), b"two").unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
        assert_ne!(stamp(&file), signed);
        assert!(read(&file, &signed, MOST_BYTES).unwrap().is_none());

        let before = stamp(&file);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_ne!(stamp(&file), before);
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        fs::write(&file, b"one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(refusal(&file).contains("chmod o-w"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        assert!(read(&file, &stamp(&file), MOST_BYTES).unwrap().is_some());
        // Only root can give a file away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
            assert!(refusal(&file).contains("it belongs to user 12345"));
            let link = folder.path().join("b.wasm");
            symlink("/nowhere", &link).unwrap();
            std::os::unix::fs::lchown(&link, Some(12_345), None).unwrap();
            assert!(refusal(&link).contains("it belongs to user 12345"));
        }
    }

    #[test]
    fn only_regular_files_are_read_also_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("target"), folder.path().join("a.wasm"));
        fs::write(&file, b"one").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(read(&link, &stamp(&link), MOST_BYTES).unwrap().unwrap().bytes, b"one");

        let directory = folder.path().join("b.wasm");
        fs::create_dir(&directory).unwrap();
        assert_eq!(refusal(&directory), "it is not a regular file");
        let pipe = folder.path().join("c.wasm");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(refusal(&pipe), "it is not a regular file");
        let nowhere = folder.path().join("d.wasm");
        symlink("/no/such/file", &nowhere).unwrap();
        assert!(refusal(&nowhere).contains("it cannot be read"));

        fs::write(&file, vec![0; 2000]).unwrap();
        assert!(refusal(&link).contains("may have at most 1024"));
    }
}
