//! What a selection chooses from: built-in components, files of the folders,
//! operators' decisions, and the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::plugin::Decision;

use crate::archive::{ArchivedComponent, Index, PluginHistory};
use crate::load::{Loaded, Rejection};
use crate::selection::Selection;

/// The input of [`select_active`](crate::selection::select_active).
#[derive(Default)]
pub(crate) struct Inventory {
    /// By id.
    pub(crate) built_ins: BTreeMap<String, Arc<Loaded>>,
    /// Built-in components that failed, which is a defect of the build.
    pub(crate) broken_built_ins: Vec<Rejection>,
    /// In the order of folders, then of names.
    pub(crate) files: Vec<PluginFile>,
    /// By id.
    pub(crate) decisions: BTreeMap<String, Decision>,
    /// The history of each id.
    pub(crate) index: Index,
    /// The active plugins, by id.
    pub(crate) serving: BTreeMap<String, Arc<Loaded>>,
    /// Components fetched from the archive, by digest; `Err` where it failed.
    pub(crate) fetched: BTreeMap<String, Result<Arc<Loaded>, String>>,
}

/// A file of a folder.
pub(crate) struct PluginFile {
    /// Index of its folder.
    pub(crate) folder: usize,
    pub(crate) path: PathBuf,
    /// The plugin that it last held.
    pub(crate) id: Option<String>,
    pub(crate) content: FileContent,
}

/// What a file holds.
pub(crate) enum FileContent {
    /// Not known yet.
    Compiling,
    /// A plugin that passed.
    Plugin(Arc<Loaded>),
    /// No valid plugin.
    Nothing(Box<Rejection>),
}

impl PluginFile {
    /// `sha256:<hex>` of what it holds; empty where it could not be read.
    pub(crate) fn digest(&self) -> &str {
        match &self.content {
            FileContent::Compiling => "",
            FileContent::Plugin(loaded) => &loaded.kind.digest,
            FileContent::Nothing(rejection) => &rejection.digest,
        }
    }

    /// The id that this file provides.
    pub(crate) fn claims(&self) -> Option<&str> {
        match &self.content {
            FileContent::Plugin(loaded) => Some(&loaded.kind.manifest.id),
            FileContent::Compiling | FileContent::Nothing(_) => self.id.as_deref(),
        }
    }
}

impl Inventory {
    /// Adds a built-in plugin; the first of an id keeps it.
    pub(crate) fn build_in(&mut self, loaded: Loaded) {
        let id = loaded.kind.manifest.id.clone();
        if let Some(present) = self.built_ins.get(&id) {
            let reason = format!("{id} {} is already loaded from {}", present.kind.manifest.version, present.source);
            self.broken_built_ins.push(crate::status::rejection(&loaded, reason));
        } else {
            self.built_ins.insert(id, Arc::new(loaded));
        }
    }

    /// Notes that a file is being examined. Its old content is no longer a
    /// candidate; the active component stays active.
    pub(crate) fn compiling(&mut self, folder: usize, path: &Path) {
        self.place(folder, path).content = FileContent::Compiling;
    }

    /// Notes what a file holds.
    pub(crate) fn holds(&mut self, folder: usize, path: &Path, outcome: Result<Loaded, Box<Rejection>>) {
        let file = self.place(folder, path);
        file.content = match outcome {
            Ok(loaded) => {
                file.id = Some(loaded.kind.manifest.id.clone());
                FileContent::Plugin(Arc::new(loaded))
            }
            Err(rejection) => FileContent::Nothing(rejection),
        };
    }

    /// Forgets a file that is gone.
    pub(crate) fn gone(&mut self, folder: usize, path: &Path) {
        self.files.retain(|file| (file.folder, file.path.as_path()) != (folder, path));
    }

    /// Adopts a selection; true if the index changed.
    pub(crate) fn adopt(&mut self, selection: &Selection) -> bool {
        let before = self.index.clone();
        for (id, loaded) in &selection.active {
            let Some(file) = loaded.source.file() else { continue };
            let now = kept(loaded);
            let first = self.built_ins.get(id).map(|built_in| kept(built_in));
            let record = self.index.plugins.entry(id.clone()).or_insert_with(|| PluginHistory {
                source: String::new(),
                active: None,
                previous: first,
            });
            record.source = file.display().to_string();
            let changed = record.active.as_ref().is_none_or(|active| active.digest != now.digest);
            if let Some(old) = record.active.replace(now).filter(|_| changed) {
                record.previous = Some(old);
            }
        }
        for (id, _, _) in &selection.removed {
            if let Some(record) = self.index.plugins.get_mut(id)
                && let Some(old) = record.active.take()
            {
                record.previous = Some(old);
            }
        }
        self.serving.clone_from(&selection.active);
        let used: BTreeSet<&str> = selection.requested.iter().map(|requested| requested.kept.digest.as_str()).collect();
        self.fetched.retain(|digest, _| used.contains(digest.as_str()));
        self.index != before
    }

    /// Digests of what the files hold.
    pub(crate) fn present(&self) -> BTreeSet<String> {
        self.files.iter().map(|file| file.digest().to_owned()).filter(|digest| !digest.is_empty()).collect()
    }

    fn place(&mut self, folder: usize, path: &Path) -> &mut PluginFile {
        let at = match self.files.binary_search_by(|file| (file.folder, file.path.as_path()).cmp(&(folder, path))) {
            Ok(at) => at,
            Err(at) => {
                let shown = path.display().to_string();
                let known = self.index.plugins.iter().find(|(_, record)| record.source == shown);
                let id = known.map(|(id, _)| id.clone());
                self.files
                    .insert(at, PluginFile { folder, path: path.to_owned(), id, content: FileContent::Compiling });
                at
            }
        };
        &mut self.files[at]
    }
}

fn kept(loaded: &Loaded) -> ArchivedComponent {
    ArchivedComponent {
        digest: loaded.kind.digest.clone(),
        version: loaded.kind.manifest.version.clone(),
        signature: loaded.signature.clone(),
        permissions: loaded.permissions.clone(),
    }
}
