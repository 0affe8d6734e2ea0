//! The subject of a check: a component, and the folder that describes it.

use std::fs;
use std::path::{Path, PathBuf};

use bursar_plugin_cases::{Labelled, load};
use serde_json::Value;

use crate::Error;

/// A plugin on its author's machine.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The component.
    pub component: PathBuf,
    /// The folder of its cases, if there is one.
    pub cases: Option<PathBuf>,
    /// The folder it was built from, if it is known.
    pub folder: Option<PathBuf>,
}

/// Why no component was found.
#[derive(Debug, thiserror::Error)]
pub enum Lookup {
    /// There is no manifest.
    #[error("{0} is no plugin's folder: it has no manifest.json")]
    NoManifest(PathBuf),
    /// It cannot be read, or names no id.
    #[error("{0}: {1}")]
    Manifest(PathBuf, String),
    /// It was not found.
    #[error("there is no component; looked for {}", list(.0))]
    NoComponent(Vec<PathBuf>),
}

impl Subject {
    /// A component without a folder.
    #[must_use]
    pub fn of_file(component: PathBuf) -> Self {
        Self { component, cases: None, folder: None }
    }

    /// A plugin's folder: its cases are in `tests/`, its component where
    /// `bursar plugin build` or `cargo xtask plugins` left it.
    ///
    /// # Errors
    ///
    /// See [`Lookup`].
    pub fn of_folder(folder: &Path) -> Result<Self, Lookup> {
        let id = id(folder)?;
        let looked = places(folder, &id);
        let Some(component) = looked.iter().find(|place| place.is_file()).cloned() else {
            return Err(Lookup::NoComponent(looked));
        };
        Ok(Self { component, ..Self::without_component(folder) })
    }

    /// The same with a component elsewhere.
    ///
    /// # Errors
    ///
    /// See [`Lookup`].
    pub fn of_folder_with(folder: &Path, component: PathBuf) -> Result<Self, Lookup> {
        id(folder)?;
        Ok(Self { component, ..Self::without_component(folder) })
    }

    fn without_component(folder: &Path) -> Self {
        let cases = Some(folder.join("tests")).filter(|tests| tests.is_dir());
        Self { component: PathBuf::new(), cases, folder: Some(folder.to_owned()) }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Error> {
        fs::read(&self.component).map_err(|error| Error::Io(self.component.clone(), error))
    }

    pub(crate) fn cases(&self) -> Result<Vec<Labelled>, Error> {
        Ok(self.cases.as_deref().map(load).transpose()?.unwrap_or_default())
    }

    /// A JSON file of the folder, where it has one.
    pub(crate) fn document(&self, name: &str) -> Result<Option<Value>, Error> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(name)).filter(|path| path.is_file()) else {
            return Ok(None);
        };
        let text = fs::read(&path).map_err(|error| Error::Io(path.clone(), error))?;
        serde_json::from_slice(&text).map(Some).map_err(|error| Error::Json(path, error))
    }

    /// Whether it is built with cargo, and could be built without WASI.
    pub(crate) fn is_rust(&self) -> bool {
        self.folder.as_ref().is_some_and(|folder| folder.join("Cargo.toml").is_file())
    }
}

fn id(folder: &Path) -> Result<String, Lookup> {
    let path = folder.join("manifest.json");
    if !path.is_file() {
        return Err(Lookup::NoManifest(folder.to_owned()));
    }
    let broken = |why: String| Lookup::Manifest(path.clone(), why);
    let text = fs::read(&path).map_err(|error| broken(error.to_string()))?;
    let manifest: Value = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    let id = manifest["id"].as_str().filter(|id| !id.is_empty() && !id.contains(['/', '\\', '.']));
    id.map(str::to_owned).ok_or_else(|| broken("it has no `id`".to_owned()))
}

/// Where builds leave components: in the folder's own `dist`, or in the `target`
/// of a checkout above it.
fn places(folder: &Path, id: &str) -> Vec<PathBuf> {
    let file = format!("{id}.wasm");
    let mut places = vec![folder.join("dist").join(&file)];
    let above = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Some(target) = above.ancestors().skip(1).map(|folder| folder.join("target/plugins")).find(|it| it.is_dir()) {
        places.push(target.join(&file));
        places.push(target.join("examples").join(&file));
    }
    places
}

fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_found_where_builds_leave_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("plugins/a");
        fs::create_dir_all(&folder).unwrap();
        assert!(matches!(Subject::of_folder(&folder), Err(Lookup::NoManifest(_))));
        fs::write(folder.join("manifest.json"), r#"{"id": "../a"}"#).unwrap();
        assert!(matches!(Subject::of_folder(&folder), Err(Lookup::Manifest(..))));
        fs::write(folder.join("manifest.json"), r#"{"id": "a"}"#).unwrap();
        let said = Subject::of_folder(&folder).unwrap_err().to_string();
        assert!(said.ends_with("plugins/a/dist/a.wasm"), "{said}");

        let target = root.path().join("target/plugins/examples");
        fs::create_dir_all(&target).unwrap();
        fs::write(target.join("a.wasm"), "").unwrap();
        let found = Subject::of_folder(&folder).unwrap();
        assert!(found.component.ends_with("target/plugins/examples/a.wasm"));
        assert_eq!(found.cases, None);

        fs::create_dir_all(folder.join("dist")).unwrap();
        fs::create_dir_all(folder.join("tests")).unwrap();
        fs::write(folder.join("dist/a.wasm"), "").unwrap();
        let found = Subject::of_folder(&folder).unwrap();
        assert_eq!((found.component, found.cases), (folder.join("dist/a.wasm"), Some(folder.join("tests"))));
    }
}
