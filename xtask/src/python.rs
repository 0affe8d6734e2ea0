//! `lab`: the Python packages of `tests/lab`, in a virtual environment under `target/lab`, and the Node.js package that
//! tests use.
//!
//! Each is reinstalled when `tests/lab/requirements.txt` or `package-lock.json` has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{Error, root, run};

/// Makes sure that the environment exists and matches the requirements.
pub(crate) fn ensure() -> Result<(), Error> {
    let (folder, wanted) = (folder(), root().join("tests/lab/requirements.txt"));
    // Written last: an unfinished environment does not have it.
    let made_from = folder.join("requirements.txt");
    if !same_text(&made_from, &wanted) {
        if !makes_environments() {
            let cure = "install the Debian package `python3-venv`, or its equivalent on your system".to_owned();
            return Err(Error::Missing("python3 -m venv".to_owned(), cure));
        }
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(folder.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&wanted);
        run(&mut install)?;
        run(Command::new("cp").arg(&wanted).arg(&made_from))?;
    }
    eprintln!("Python of the lab: {}", folder.join("bin/python").display());
    ensure_node(&folder)
}

/// The packages of `tests/lab/package.json` in `node_modules`.
fn ensure_node(folder: &Path) -> Result<(), Error> {
    let wanted = root().join("tests/lab");
    // npm writes this file last.
    if same_text(&folder.join("package-lock.json"), &wanted.join("package-lock.json"))
        && folder.join("node_modules/.package-lock.json").is_file()
    {
        return Ok(());
    }
    for file in ["package.json", "package-lock.json"] {
        run(Command::new("cp").arg(wanted.join(file)).arg(folder.join(file)))?;
    }
    run(Command::new("npm").current_dir(folder).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// Whether `python3` can create virtual environments, for which Debian has a separate package.
pub(crate) fn makes_environments() -> bool {
    let mut ask = Command::new("python3");
    ask.args(["-c", "import ensurepip, venv"]).stdout(Stdio::null()).stderr(Stdio::null());
    ask.status().is_ok_and(|status| status.success())
}

fn folder() -> PathBuf {
    root().join("target/lab")
}

fn same_text(left: &Path, right: &Path) -> bool {
    fs::read(left).ok().is_some_and(|left| fs::read(right).is_ok_and(|right| left == right))
}
