//! The folder of a plugin.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;

/// A folder with a plugin's sources: `manifest.json` and what its language
/// needs.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// The manifest's id, `^[a-z][a-z0-9-]{0,63}$`.
    pub id: String,
    /// How to build it.
    pub language: Language,
    /// The manifest's abilities, such as `dns01`.
    pub abilities: Vec<String>,
}

/// A language that plugins are written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// Built by cargo.
    Rust,
    /// Built by npm.
    JavaScript,
    /// Built by componentize-py.
    Python,
}

impl Folder {
    /// Reads the manifest and detects the language.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Manifest`] or [`Error::Id`] for the manifest;
    /// [`Error::Language`] if there is nothing to build.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.join("manifest.json");
        let text = fs::read(&file).map_err(|error| Error::File(file.clone(), error))?;
        let manifest: Value = serde_json::from_slice(&text).map_err(|error| Error::Manifest(file.clone(), error))?;
        let id = manifest["id"].as_str().filter(|id| is_id(id)).ok_or(Error::Id(file))?;
        let abilities = manifest["abilities"].as_array().into_iter().flatten();
        Ok(Self {
            path: path.to_owned(),
            id: id.to_owned(),
            language: Language::of(path).ok_or_else(|| Error::Language(path.to_owned()))?,
            abilities: abilities.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// The world of the contract with the interfaces that the abilities need,
    /// for binding generators that require one.
    ///
    /// # Errors
    ///
    /// [`Error::World`] if no world has them all.
    pub fn world(&self) -> Result<&'static str, Error> {
        let able = |ability: &str| self.abilities.iter().any(|it| it == ability);
        let needed: Vec<_> = INTERFACES.iter().filter(|(ability, _)| able(ability)).map(|(_, it)| *it).collect();
        let fits = WORLDS.iter().find(|(_, exported)| needed.iter().all(|it| exported.contains(it)));
        fits.map(|(world, _)| *world).ok_or_else(|| Error::World(needed.join(" and ")))
    }
}

impl Language {
    fn of(folder: &Path) -> Option<Self> {
        let marks = [("Cargo.toml", Self::Rust), ("package.json", Self::JavaScript), ("plugin.py", Self::Python)];
        marks.into_iter().find(|(mark, _)| folder.join(mark).is_file()).map(|(_, language)| language)
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The interface that each ability needs.
const INTERFACES: &[(&str, &str)] =
    &[("dns01", "dns01"), ("probe", "prober"), ("mint", "minter"), ("generate", "generator")];

/// `wit/v0.1/worlds.wit`: what each world exports besides `form` and
/// `materializer`.
const WORLDS: &[(&str, &[&str])] = &[
    ("credential-type", &[]),
    ("generating-type", &["generator"]),
    ("probing-type", &["prober"]),
    ("minting-type", &["prober", "minter"]),
    ("dns-provider", &["dns01"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(manifest: &str, files: &[&str]) -> (tempfile::TempDir, Result<Folder, String>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("manifest.json"), manifest).expect("a file");
        for file in files {
            fs::write(folder.path().join(file), "").expect("a file");
        }
        let opened = Folder::open(folder.path()).map_err(|error| error.to_string());
        (folder, opened)
    }

    #[test]
    fn the_language_shows_in_the_files() {
        let manifest = r#"{"id": "x", "abilities": ["dns01"]}"#;
        for (file, language) in
            [("Cargo.toml", Language::Rust), ("package.json", Language::JavaScript), ("plugin.py", Language::Python)]
        {
            let (_kept, opened) = folder(manifest, &[file]);
            let opened = opened.expect("a plugin's folder");
            assert_eq!(
                (opened.language, opened.id.as_str(), opened.abilities),
                (language, "x", vec!["dns01".to_owned()])
            );
        }
    }

    #[test]
    fn what_is_no_plugin_says_why() {
        for (manifest, files, why) in [
            (r#"{"id": "x"}"#, &[][..], "has neither Cargo.toml"),
            (r#"{"id": "../x"}"#, &["plugin.py"], "`id` must match"),
            (r#"{"title": "x"}"#, &["plugin.py"], "`id` must match"),
            ("{", &["plugin.py"], "manifest.json: EOF"),
        ] {
            let (_kept, opened) = folder(manifest, files);
            let error = opened.expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_world_has_every_ability() {
        let world = |abilities: &[&str]| {
            let manifest = serde_json::json!({ "id": "x", "abilities": abilities }).to_string();
            folder(&manifest, &["plugin.py"]).1.expect("a plugin's folder").world().map_err(|error| error.to_string())
        };
        assert_eq!(world(&[]), Ok("credential-type"));
        assert_eq!(world(&["defaultable"]), Ok("credential-type"));
        assert_eq!(world(&["generate"]), Ok("generating-type"));
        assert_eq!(world(&["defaultable", "probe"]), Ok("probing-type"));
        assert_eq!(world(&["mint", "probe"]), Ok("minting-type"));
        assert_eq!(world(&["dns01"]), Ok("dns-provider"));
        let refused = world(&["dns01", "generate"]);
        assert!(refused.expect_err("no such world").contains("dns01 and generator"));
    }
}
