//! A plugin's `tests/*.json`: reading them, running them, judging the outcome.
//!
//! `plugins/README.md` documents the format. The cases say nothing of how the
//! plugin is run: [`replay`] calls the functions natively, and a host's tests
//! replay the same files against the component by [`load`] and [`Case::judge`].

mod judge;
mod native;

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::Context;
use crate::json::{self, Value, json};

pub use native::{replay, replay_generating};

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// What the case shows; for people.
    pub about: String,
    /// What is called.
    pub call: Call,
    /// The data: public for `inspect`, whole for the others.
    #[serde(default)]
    pub data: Value,
    /// For `template`.
    #[serde(default)]
    pub variant: Option<String>,
    /// For `materialize`.
    #[serde(default)]
    pub format: Option<String>,
    /// For `generate`: 64 bytes, hexadecimal.
    #[serde(default)]
    pub entropy: Option<String>,
    #[serde(default)]
    context: CaseContext,
    /// The expected answer.
    #[serde(default)]
    ok: Option<Value>,
    /// The expected failure.
    #[serde(default)]
    error: Option<Value>,
}

/// The call of a [`Case`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Validation against the schema, before any plugin code runs.
    Form,
    /// `form.template`.
    Template,
    /// `form.inspect`.
    Inspect,
    /// `form.check`.
    Check,
    /// `materializer.materialize`.
    Materialize,
    /// `generator.generate`.
    Generate,
}

impl Case {
    /// What to tell the plugin beside the data.
    #[must_use]
    pub fn context(&self) -> Context {
        let CaseContext { name, version, seed, options } = &self.context;
        Context { name: name.clone(), version: *version, seed: vec![*seed; 32], options: options.to_string() }
    }
}

/// Every case of `folder/tests`, each with a label for messages: file name,
/// number in the file and what it shows.
///
/// # Errors
///
/// The file that cannot be read, or is no case or list of cases.
pub fn load(folder: &Path) -> Result<Vec<(String, Case)>, String> {
    let tests = folder.join("tests");
    let listed = fs::read_dir(&tests).map_err(|error| format!("{}: {error}", tests.display()))?;
    let mut files: Vec<_> = listed.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let broken = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| broken(&error))?;
        let content: Value = json::from_str(&text).map_err(|error| broken(&error))?;
        let list = if content.is_array() { content } else { json!([content]) };
        let list: Vec<Case> = json::from_value(list).map_err(|error| broken(&error))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (number, case) in list.into_iter().enumerate() {
            cases.push((format!("{name} #{}: {}", number + 1, case.about), case));
        }
    }
    Ok(cases)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CaseContext {
    name: String,
    version: u32,
    /// One byte, repeated.
    seed: u8,
    options: Value,
}

impl Default for CaseContext {
    fn default() -> Self {
        Self { name: "example".into(), version: 1, seed: 7, options: json!({}) }
    }
}
