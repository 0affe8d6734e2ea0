use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Artifacts, Contents, Site};

/// A directory of the broker's machine.
pub(in super::super) struct Directory {
    folder: tempfile::TempDir,
}

impl Directory {
    pub(in super::super) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The path that the region has.
    pub(in super::super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a credential goes.
    pub(in super::super) fn of(&self, account: &str, name: &str) -> PathBuf {
        self.path().join(account).join(name)
    }

    /// Inode, time and content of every artifact of an account.
    pub(in super::super) fn stamps(&self, account: &str) -> Vec<String> {
        let held = names(&self.path().join(account));
        held.iter().flat_map(|name| names(&self.of(account, name)).into_iter().map(move |file| (name, file))).fold(
            Vec::new(),
            |mut stamps, (name, file)| {
                stamps.push(stamp(&self.of(account, name).join(file)));
                stamps
            },
        )
    }

    /// Everything in the broker's own corner but its locks, as paths below it.
    pub(in super::super) fn corner(&self) -> BTreeSet<String> {
        let corner = self.path().join(".bursar");
        let mut all: BTreeSet<String> = names(&corner).into_iter().filter(|name| name != "locks").collect();
        if all.remove("accounts") {
            all.extend(names(&corner.join("accounts")).into_iter().map(|name| format!("accounts/{name}")));
        }
        all
    }
}

#[async_trait]
impl Site for Directory {
    fn target(&self) -> &'static str {
        "directory"
    }

    fn settings(&self) -> Value {
        json!({ "path": self.path() })
    }

    async fn held(&self, account: &str) -> Contents {
        let mut held = Contents::new();
        for name in names(&self.path().join(account)) {
            let folder = self.of(account, &name);
            // What is removed meanwhile is not held.
            let files = names(&folder).into_iter().filter(|file| file != THEIRS);
            let files: Artifacts =
                files.filter_map(|file| fs::read(folder.join(&file)).ok().map(|content| (file, content))).collect();
            if !files.is_empty() {
                held.insert(name, files);
            }
        }
        held
    }

    async fn plant(&self, account: &str, name: &str) {
        let folder = self.of(account, name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(THEIRS), "theirs").expect("a file");
    }

    async fn uproot(&self, account: &str, name: &str) {
        fs::remove_dir_all(self.of(account, name)).expect("it stands");
    }

    async fn trace(&self, account: &str, name: &str) -> String {
        let folder = self.of(account, name);
        names(&folder).iter().map(|file| stamp(&folder.join(file))).collect::<Vec<_>>().join("\n")
    }

    async fn tamper(&self, account: &str, name: &str) {
        fs::write(self.of(account, name).join("password"), "tampered").expect("it is there");
    }

    async fn take(&self, account: &str, name: &str) {
        fs::remove_file(self.of(account, name).join("password")).expect("it is there");
    }
}

/// Names in a folder; none where it is not there.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

fn stamp(file: &Path) -> String {
    let metadata = fs::symlink_metadata(file).expect("it is there");
    let content = fs::read(file).expect("it is there");
    let time = (metadata.mtime(), metadata.mtime_nsec());
    format!("{} {} {time:?} {:o} {}", file.display(), metadata.ino(), metadata.mode(), hex::encode(content))
}

/// No artifact has this name.
const THEIRS: &str = "theirs";
