//! This node's id, and its newest checkpoint on its own disk.
//!
//! With redb the store holds the node's id. With `PostgreSQL` a file in the data folder
//! does; it is written once the node's chain has begun, so that a node with a file has
//! a chain. A second file, `<name>.head`, holds the newest checkpoint that this node
//! signed, out of reach of anyone who controls only the database.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bursar_kernel::audit::Checkpoint;
use uuid::Uuid;

/// The identity of the node that opens a store.
pub(crate) enum Identity {
    /// The store holds the node's id.
    InStore,
    /// A node whose chain must exist.
    Known(Uuid, NodeFile),
    /// A new node, and the file that is to hold its id.
    New(Uuid, Option<NodeFile>),
    /// A node that begins a chain unless it has one.
    Given(Uuid),
}

/// The file with a node's id.
#[derive(Clone, Debug)]
pub(crate) struct NodeFile(PathBuf);

impl NodeFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The id; `None` if there is no file.
    pub(crate) fn read(&self) -> io::Result<Option<Uuid>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => text.trim().parse().map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes `node` beside the file, so that [`Self::commit`] cannot fail for lack of
    /// space or permission.
    pub(crate) fn stage(&self, node: Uuid) -> io::Result<()> {
        let mut file = File::create(self.staged())?;
        file.write_all(format!("{node}\n").as_bytes())?;
        file.sync_all()
    }

    /// Moves the staged id into place.
    pub(crate) fn commit(&self) -> io::Result<()> {
        // A checkpoint of an earlier id does not apply to this one.
        remove(&self.checkpoint_path())?;
        fs::rename(self.staged(), &self.0)?;
        sync_folder(&self.0)
    }

    /// The newest saved checkpoint; `None` if there is none that can be read, which
    /// only weakens the detection of a rollback.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        serde_json::from_slice(&fs::read(self.checkpoint_path()).ok()?).ok()
    }

    /// Replaces the checkpoint atomically.
    pub(crate) fn save_checkpoint(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        let path = self.checkpoint_path();
        let staged = with_suffix(&path, ".new");
        let mut file = File::create(&staged)?;
        serde_json::to_writer(&mut file, checkpoint)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(staged, path)
    }

    /// Deletes the id and the checkpoint: the next start begins a new chain.
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
