//! The author kit inside the binary: what the folder of a new plugin is made of.
//!
//! A folder is put together of layers under `templates/plugin`: what its kind
//! has in common (`credential-type`), what its language has (`rust`), and the
//! logic (`credential-type-rust`). Beside them go the library of that language
//! and the contract, so that the folder needs nothing but its language's own
//! package registry.

mod names;
mod vendor;

use clap::ValueEnum;

pub(crate) use names::Names;

/// What a plugin is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// A credential type
    CredentialType,
    /// An ACME DNS-01 provider
    DnsProvider,
}

/// What it is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Language {
    /// Rust, with cargo
    Rust,
    /// JavaScript, with Node.js and npm
    Js,
    /// Python, with pip
    Python,
}

/// A file of a new folder: its path there, with `/`, and its text.
pub(crate) type File = (String, String);

/// Every file of the folder for a plugin of this kind, language and name.
///
/// # Errors
///
/// A defect of this build: a manifest in the kit that is not what is expected.
pub(crate) fn folder(kind: Kind, language: Language, names: &Names) -> Result<Vec<File>, String> {
    let (kind, language_name) = (kind.name(), language.name());
    let mut files = Vec::new();
    for layer in [kind.to_owned(), language_name.to_owned(), format!("{kind}-{language_name}")] {
        for (path, text) in below(&format!("{TEMPLATES}/{layer}")) {
            // Under its own name it would be git's, of this repository.
            let path = if path == "gitignore" { ".gitignore" } else { path };
            files.push((path.to_owned(), names.fill(text)));
        }
    }
    files.extend(language.library()?);
    files.extend(below("wit/v0.1").map(|(path, text)| (format!("wit/v0.1/{path}"), text.to_owned())));
    Ok(files)
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::CredentialType => "credential-type",
            Self::DnsProvider => "dns-provider",
        }
    }
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }

    /// The library that plugins in this language are written with.
    fn library(self) -> Result<Vec<File>, String> {
        let copied = |folder| {
            let files = below(folder).filter(|(path, _)| !path.starts_with("tests/"));
            files.map(|(path, text)| (format!("sdk/{path}"), text.to_owned())).collect()
        };
        match self {
            Self::Rust => vendor::rust(),
            Self::Js => Ok(copied("sdk/js")),
            Self::Python => Ok(copied("sdk/python")),
        }
    }
}

/// The kit's files below a folder of the checkout, by their paths there.
fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(move |(path, text)| Some((path.strip_prefix(folder)?.strip_prefix('/')?, *text)))
}

/// The kit's file at this path of the checkout.
fn file(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

const TEMPLATES: &str = "host/cli/templates/plugin";
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kit.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: Kind, language: Language) -> Vec<File> {
        folder(kind, language, &Names::new("my-host", kind).expect("a good name")).expect("a whole kit")
    }

    fn is_json(path: &str) -> bool {
        std::path::Path::new(path).extension().is_some_and(|extension| extension == "json")
    }

    const EVERY: [(Kind, Language); 6] = [
        (Kind::CredentialType, Language::Rust),
        (Kind::CredentialType, Language::Js),
        (Kind::CredentialType, Language::Python),
        (Kind::DnsProvider, Language::Rust),
        (Kind::DnsProvider, Language::Js),
        (Kind::DnsProvider, Language::Python),
    ];

    #[test]
    fn every_folder_is_whole() {
        for (kind, language) in EVERY {
            let files = made(kind, language);
            let logic = match language {
                Language::Rust => "src/lib.rs Cargo.toml tests/cases.rs sdk/rust/src/lib.rs sdk/cases/src/lib.rs",
                Language::Js => "plugin.js package.json package-lock.json sdk/bursar.js sdk/build.mjs",
                Language::Python => "plugin.py requirements.txt sdk/bursar/__init__.py sdk/bursar/component.py",
            };
            let data = "manifest.json schema.json template.json README.md .gitignore wit/v0.1/worlds.wit";
            for wanted in logic.split(' ').chain(data.split(' ')) {
                assert!(files.iter().any(|(path, _)| path == wanted), "{kind:?} {language:?} has no {wanted}");
            }
            assert!(files.iter().any(|(path, _)| path.starts_with("tests/") && is_json(path)));
            assert!(!files.iter().any(|(path, _)| path.starts_with("sdk/tests/")), "a library's tests are ours");
            let mut paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
            paths.sort();
            paths.dedup();
            assert_eq!(paths.len(), files.len(), "a path twice in {kind:?} {language:?}");
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for (kind, language) in EVERY {
            for (path, text) in made(kind, language) {
                let is_ours = !path.starts_with("sdk/") && !path.starts_with("wit/");
                assert!(!is_ours || !text.contains("{{"), "{path} of {kind:?} {language:?} holds a placeholder");
            }
        }
    }

    #[test]
    fn data_files_are_json_and_agree_with_the_name() {
        for (kind, language) in EVERY {
            for (path, text) in made(kind, language).iter().filter(|(path, _)| is_json(path)) {
                let value: serde_json::Value =
                    serde_json::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"));
                if path == "manifest.json" {
                    let id = if kind == Kind::DnsProvider { "dns-my-host" } else { "my-host" };
                    assert_eq!((value["id"].as_str(), value["title"].as_str()), (Some(id), Some("My host")));
                }
            }
        }
    }
}
