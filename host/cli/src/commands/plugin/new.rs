//! `bursar plugin new`

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::kit::{self, Kind, Language, Names};
use crate::output::Output;

/// Make a folder with a plugin that builds, to start from (offline)
///
/// It has a manifest, a form, logic and cases, and its own copy of the library
/// and of the contract: beside `bursar` it takes the language's tools and its
/// package registry, and nothing of this project.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    /// Its id, such as mqtt-login; a provider's gets the prefix dns-
    name: String,
    /// What it is
    #[arg(long, value_enum, default_value = "credential-type")]
    kind: Kind,
    /// What it is written in
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The folder to make [default: the id]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

impl New {
    pub(crate) fn run(self, output: Output) -> Result<(), Failure> {
        let names = Names::new(&self.name, self.kind).map_err(Failure::Usage)?;
        let folder = self.path.unwrap_or_else(|| PathBuf::from(&names.id));
        if folder.symlink_metadata().is_ok() {
            let taken = folder.display();
            return Err(Failure::Conflict(format!("{taken} exists: choose another name, or a folder by --path")));
        }
        let files = kit::folder(self.kind, self.lang, &names).map_err(Failure::Failed)?;
        for (path, text) in files {
            let file = folder.join(path);
            let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, text));
            written.map_err(|error| Failure::io(format!("write {}", file.display()), error))?;
        }
        output.line(&folder.display().to_string())?;
        for line in next_steps(&folder.display().to_string(), &names.id) {
            output.note(&line)?;
        }
        Ok(())
    }
}

fn next_steps(folder: &str, id: &str) -> [String; 4] {
    [
        "next:".to_owned(),
        format!("  bursar plugin build {folder}"),
        format!("  bursar plugin check {folder}"),
        format!("  put {folder}/dist/{id}.wasm into a plugin folder of the broker; {folder}/README.md says more"),
    ]
}

const EXAMPLES: &str = "Examples:
  bursar plugin new mqtt-login
  bursar plugin new my-host --kind dns-provider --lang python";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    fn new(name: &str, path: PathBuf) -> Result<(), Failure> {
        let new = New { name: name.to_owned(), kind: Kind::CredentialType, lang: Language::Js, path: Some(path) };
        new.run(Output::new(Format::Json, true))
    }

    #[test]
    fn a_folder_is_made_once() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("deep/mqtt");
        new("mqtt-login", folder.clone()).expect("a new folder");
        let manifest = fs::read_to_string(folder.join("manifest.json")).expect("its manifest");
        assert!(manifest.contains("\"id\": \"mqtt-login\""), "{manifest}");

        fs::write(folder.join("plugin.js"), "mine").expect("a file");
        let refused = new("mqtt-login", folder.clone()).expect_err("the folder is there");
        assert!(matches!(&refused, Failure::Conflict(why) if why.contains("--path")), "{refused:?}");
        assert_eq!(fs::read_to_string(folder.join("plugin.js")).expect("a file"), "mine");
    }

    #[test]
    fn a_bad_name_makes_nothing() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let refused = new("Mqtt", parent.path().join("x")).expect_err("not a name");
        assert!(matches!(refused, Failure::Usage(_)));
        assert!(!parent.path().join("x").exists());
    }
}
