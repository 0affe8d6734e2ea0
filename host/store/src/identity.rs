//! Which node this is, and what its own disk remembers of its chain.
//!
//! On redb the store keeps the node's id. On `PostgreSQL` a file beside the
//! configuration does, written once the node's chain has begun: whoever has the
//! file has a chain. A second file, `<name>.head`, holds the newest checkpoint
//! that this node signed, which nobody can reach who has the database alone.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bursar_domain::audit::Checkpoint;
use uuid::Uuid;

/// Who opens a store.
pub(crate) enum Identity {
    /// Whoever the store says.
    InStore,
    /// A node whose chain must be there.
    Known(Uuid, NodeFile),
    /// A node that begins now, and the file that is to keep its id.
    New(Uuid, Option<NodeFile>),
    /// A node that begins unless its chain is there.
    Given(Uuid),
}

/// The file that keeps a node's id.
#[derive(Clone, Debug)]
pub(crate) struct NodeFile(PathBuf);

impl NodeFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The id, where there is a file.
    pub(crate) fn read(&self) -> io::Result<Option<Uuid>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => text.trim().parse().map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes `node` beside the file, so that keeping it later cannot fail for
    /// want of space or right.
    pub(crate) fn stage(&self, node: Uuid) -> io::Result<()> {
        let mut file = File::create(self.staged())?;
        file.write_all(format!("{node}\n").as_bytes())?;
        file.sync_all()
    }

    /// Puts what was staged in place.
    pub(crate) fn commit(&self) -> io::Result<()> {
        // A checkpoint of an earlier id says nothing of this one.
        remove(&self.checkpoint_path())?;
        fs::rename(self.staged(), &self.0)?;
        sync_folder(&self.0)
    }

    /// The newest checkpoint that was kept; `None` where there is none that can
    /// be read, which is less than a witness and no more.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        serde_json::from_slice(&fs::read(self.checkpoint_path()).ok()?).ok()
    }

    /// Replaces the checkpoint in one step.
    pub(crate) fn save_checkpoint(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        let path = self.checkpoint_path();
        let staged = with_suffix(&path, ".new");
        let mut file = File::create(&staged)?;
        serde_json::to_writer(&mut file, checkpoint)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(staged, path)
    }

    /// Forgets who this node was: its next start begins a chain of its own.
    pub(crate) fn delete(&self) -> io::Result<()> {
        remove(&self.0)?;
        remove(&self.checkpoint_path())?;
        sync_folder(&self.0)
    }

    fn staged(&self) -> PathBuf {
        with_suffix(&self.0, ".new")
    }

    fn checkpoint_path(&self) -> PathBuf {
        with_suffix(&self.0, ".head")
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
