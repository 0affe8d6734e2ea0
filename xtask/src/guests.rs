//! Builds the examples in JavaScript and Python.
//!
//! `plugins/examples/<id>` becomes `target/plugins/examples/<id>.wasm`. Their
//! tools are installed by npm and pip, in the versions that the folders pin, into
//! `target/componentize/<id>`. An unchanged example is not built again. Without Node.js
//! or Python an example is skipped, but with `CI=true` that is a failure.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use bursar_plugin_pack::{Folder, Language, python_command};

use crate::plugins::{self, folders, report};
use crate::shell::{Error, root, run};
use crate::system::{is_ci, is_installed};

/// Builds every plugin and example, in all languages.
pub(crate) fn build_with_rust() -> Result<(), Error> {
    plugins::build_all()?;
    for folder in folders(&root().join("plugins/examples"))? {
        build(&folder)?;
    }
    Ok(())
}

/// Tests the SDKs for JavaScript and Python, with the tools of the examples.
pub(crate) fn test_libraries() -> Result<(), Error> {
    let examples = folders(&root().join("plugins/examples"))?;
    let tools = |language| examples.iter().find(|folder| folder.language == language).map(Tools::of);
    // A missing tool was reported when the examples were built.
    if is_installed("node") {
        let mut node = Command::new("node");
        node.current_dir(root().join("sdk/js"));
        run(node.args(["--import", "./tests/host.mjs", "--test", "--test-reporter", "dot", "tests/"]))?;
    }
    match tools(Language::Python) {
        Some(tools) if is_installed("python3") => tools.test_python(),
        _ => Ok(()),
    }
}

fn build(folder: &Folder) -> Result<(), Error> {
    let out = root().join("target/plugins/examples").join(format!("{}.wasm", folder.id));
    let (program, sdk) = match folder.language {
        Language::JavaScript => ("npm", root().join("sdk/js")),
        Language::Python => ("python3", root().join("sdk/python")),
        Language::Rust => return Err(plugins::Error::InRust(folder.path.clone()).into()),
    };
    let tools = Tools::of(folder);
    let inputs = fingerprint(&[&folder.path, &sdk, &root().join("wit/v0.1")])?;
    if tools.built(&out) != Some(inputs) {
        if !is_installed(program) {
            return missing(program, &folder.id);
        }
        fs::create_dir_all(root().join("target/plugins/examples")).map_err(file(&out))?;
        match folder.language {
            Language::JavaScript => tools.javascript(folder, &sdk, &out)?,
            _ => tools.python(folder, &sdk, &out)?,
        }
        tools.remember(inputs)?;
    }
    Ok(report(&folder.id, &out)?)
}

/// The tools that build one example.
struct Tools {
    folder: PathBuf,
}

impl Tools {
    fn of(folder: &Folder) -> Self {
        Self { folder: root().join("target/componentize").join(&folder.id) }
    }

    /// A program in the folder's virtual environment.
    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("venv/bin").join(name)
    }

    fn javascript(&self, folder: &Folder, sdk: &Path, out: &Path) -> Result<(), Error> {
        let pinned = ["package.json", "package-lock.json"];
        if self.renew(folder, &pinned)? {
            run(Command::new("npm").current_dir(&self.folder).args(["ci", "--no-audit", "--no-fund"]))?;
            self.renewed()?;
        }
        let mut node = Command::new("node");
        node.current_dir(&folder.path).arg(sdk.join("build.mjs"));
        node.arg("--wit").arg(root().join("wit/v0.1")).arg("--out").arg(out).arg("--modules").arg(&self.folder);
        run(&mut node)
    }

    fn python(&self, folder: &Folder, sdk: &Path, out: &Path) -> Result<(), Error> {
        if self.renew(folder, &["requirements.txt"])? {
            run(Command::new("python3").args(["-m", "venv"]).arg(self.folder.join("venv")))?;
            let mut pip = Command::new(self.program("pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
            run(pip.arg(self.folder.join("requirements.txt")))?;
            self.renewed()?;
        }
        let partial = out.with_extension("partial");
        let tool = self.program("componentize-py");
        let mut componentize = python_command(&tool, folder, &root().join("wit/v0.1"), sdk, &partial)
            .map_err(|error| plugins::Error::Plugin(folder.id.clone(), error))?;
        // The packages of an active environment would get into the component.
        run(componentize.env_remove("VIRTUAL_ENV"))?;
        Ok(fs::rename(&partial, out).map_err(file(out))?)
    }

    fn test_python(&self) -> Result<(), Error> {
        let bindings = self.folder.join("bindings");
        if bindings.is_dir() {
            // componentize-py does not overwrite its own files.
            fs::remove_dir_all(&bindings).map_err(file(&bindings))?;
        }
        let mut componentize = Command::new(self.program("componentize-py"));
        componentize.arg("--quiet").arg("--wit-path").arg(root().join("wit/v0.1"));
        run(componentize.args(["--world", "dns-provider", "bindings"]).arg(&bindings))?;
        let modules = [bindings, root().join("sdk/python")];
        let mut python = Command::new(self.program("python"));
        python.env("PYTHONPATH", std::env::join_paths(modules).unwrap_or_default()).env("PYTHONDONTWRITEBYTECODE", "1");
        python.args(["-m", "unittest", "discover", "--start-directory"]);
        run(python.arg(root().join("sdk/python/tests")))
    }

    /// Copies the files that pin the tools; returns whether these must be installed again.
    fn renew(&self, folder: &Folder, pinned: &[&str]) -> Result<bool, Error> {
        let mut is_new = !self.folder.join(INSTALLED).is_file();
        fs::create_dir_all(&self.folder).map_err(file(&self.folder))?;
        for name in pinned {
            let (from, to) = (folder.path.join(name), self.folder.join(name));
            let content = fs::read(&from).map_err(file(&from))?;
            if !fs::read(&to).is_ok_and(|known| known == content) {
                is_new = true;
                fs::write(&to, content).map_err(file(&to))?;
            }
        }
        if is_new {
            // It may not exist.
            let _ = fs::remove_file(self.folder.join(INSTALLED));
        }
        Ok(is_new)
    }

    fn renewed(&self) -> Result<(), Error> {
        Ok(fs::write(self.folder.join(INSTALLED), "").map_err(file(&self.folder))?)
    }

    /// The fingerprint of the inputs of `out`, if that exists.
    fn built(&self, out: &Path) -> Option<u64> {
        let stamp = fs::read_to_string(self.folder.join(BUILT)).ok()?;
        out.is_file().then(|| stamp.trim().parse().ok())?
    }

    fn remember(&self, inputs: u64) -> Result<(), Error> {
        Ok(fs::write(self.folder.join(BUILT), inputs.to_string()).map_err(file(&self.folder))?)
    }
}

fn missing(program: &str, id: &str) -> Result<(), Error> {
    let cure = "install Node.js 20 or later with npm, or Python 3.10 or later with its venv";
    if is_ci() {
        return Err(Error::Missing(program.to_owned(), cure.to_owned()));
    }
    eprintln!("`{program}` is not installed, so the example {id} is not built: {cure}.");
    Ok(())
}

/// A hash of the names and contents of all files below the folders.
fn fingerprint(parents: &[&Path]) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    for parent in parents {
        for path in files(parent)? {
            path.strip_prefix(parent).unwrap_or(&path).hash(&mut hasher);
            fs::read(&path).map_err(file(&path))?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(file(folder))? {
        let path = entry.map_err(file(folder))?.path();
        let is_product = PRODUCTS.iter().any(|name| path.ends_with(name));
        if path.is_dir() && !is_product {
            found.extend(files(&path)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> plugins::Error {
    let path = path.to_owned();
    |error| plugins::Error::File(path, error)
}

/// Folders without inputs of a component.
const PRODUCTS: &[&str] = &["tests", "dist", "node_modules", ".venv", "__pycache__"];
/// Written when npm or pip has finished.
const INSTALLED: &str = "installed";
/// Holds the fingerprint of the last build's inputs.
const BUILT: &str = "built";
