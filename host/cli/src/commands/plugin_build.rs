//! `bursar plugin build`

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bursar_plugin_pack::{BuildFolders, Folder, Language, admit, encode, named_in, place, python_command, remap_flags};
use clap::Args;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::Output;

/// Build the plugin in a folder with its language's tools (offline)
///
/// Writes `dist/<id>.wasm`: a component that imports only the contract's
/// interfaces. Prints the commands that it runs. Missing packages are fetched as
/// the folder pins them: into `node_modules`, or into a `.venv` unless
/// componentize-py is installed. A Rust plugin contains no path of this machine:
/// the same source has the same digest wherever it is built.
#[derive(Args, Debug)]
pub(crate) struct BuildPlugin {
    /// The folder with manifest.json
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

impl BuildPlugin {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let path = fs::canonicalize(&self.folder)
            .map_err(|error| Failure::io(format!("open {}", self.folder.display()), error))?;
        let folder = Folder::open(&path).map_err(|error| Failure::Usage(error.to_string()))?;
        let out = path.join("dist").join(format!("{}.wasm", folder.id));
        match folder.language {
            Language::Rust => rust(&folder, &out)?,
            Language::JavaScript => javascript(&folder)?,
            Language::Python => python(&folder, &out)?,
        }
        let component = fs::read(&out).map_err(|error| Failure::io(format!("read {}", out.display()), error))?;
        let interfaces = admit(&component).map_err(|error| Failure::Failed(format!("{}: {error}", folder.id)))?;
        output.note(&format!("{} bytes, exports {}", component.len(), interfaces.exports.join(", ")))?;
        output.line(&self.folder.join("dist").join(format!("{}.wasm", folder.id)).display().to_string())
    }
}

fn rust(folder: &Folder, out: &Path) -> Result<(), Failure> {
    let cargo = || Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let folders = build_folders(folder, cargo())?;
    let mut cargo = cargo();
    cargo.current_dir(&folder.path).args(["build", "--lib", "--release", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    let flags = remap_flags(&folders);
    match environment_flags() {
        // Cargo takes flags from one place only, so keep the author's.
        Some(own) => cargo.env("CARGO_ENCODED_RUSTFLAGS", [own, flags].concat().join(&SEPARATOR.to_string())),
        None => cargo.arg("--config").arg(format!("target.{TARGET}.rustflags={}", toml::Value::from(flags))),
    };
    let cure = format!(": if it does not find `core`, run `rustup target add {TARGET}`");
    let messages = run(&mut cargo, Stdio::piped(), &cure)?;
    let module = built_module(&messages, &folder.path).ok_or_else(|| {
        Failure::Failed("cargo built no module: Cargo.toml needs [lib] crate-type = [\"cdylib\", \"rlib\"]".to_owned())
    })?;
    let module = fs::read(&module).map_err(|error| Failure::io(format!("read {}", module.display()), error))?;
    let component = encode(&module).map_err(|error| Failure::Failed(error.to_string()))?;
    for named in named_in(&component, &folders) {
        let what = format!("warning: the component names {}: elsewhere it will have another digest", named.display());
        writeln!(io::stderr(), "{what}").map_err(|error| Failure::io("write to stderr", error))?;
    }
    place(&component, out).map_err(|error| Failure::Failed(error.to_string()))
}

/// The folders of this machine, as the tools report them.
fn build_folders(folder: &Folder, mut cargo: Command) -> Result<BuildFolders, Failure> {
    cargo.current_dir(&folder.path).args(["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_slice(&run(&mut cargo, Stdio::piped(), "")?).unwrap_or_default();
    let reported = |name: &str| metadata[name].as_str().map_or_else(|| folder.path.clone(), PathBuf::from);
    let rustc = |arguments: &[&str]| {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let output = run(rustc.current_dir(&folder.path).args(arguments), Stdio::piped(), "")?;
        Ok::<_, Failure>(String::from_utf8_lossy(&output).trim().to_owned())
    };
    let version = rustc(&["-vV"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    let cargo_home = std::env::var_os("CARGO_HOME").filter(|folder| !folder.is_empty());
    Ok(BuildFolders {
        cargo_home: cargo_home.map_or_else(home, PathBuf::from),
        sysroot: PathBuf::from(rustc(&["--print", "sysroot"])?),
        rustc_commit: commit.unwrap_or("unknown").to_owned(),
        source: reported("workspace_root"),
        target: reported("target_directory"),
    })
}

/// The rustc flags of the environment, which take precedence.
fn environment_flags() -> Option<Vec<String>> {
    let owned = |flags: std::str::Split<'_, char>| flags.filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let encoded = std::env::var("CARGO_ENCODED_RUSTFLAGS").ok().map(|flags| owned(flags.split(SEPARATOR)));
    encoded.or_else(|| std::env::var("RUSTFLAGS").ok().map(|flags| owned(flags.split(' '))))
}

/// The module that cargo built from this folder's crate, by its messages.
fn built_module(messages: &[u8], folder: &Path) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let manifest = folder.join("Cargo.toml");
    let ours = messages.filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(&manifest));
    let files = ours.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    files
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|it| it == "wasm"))
}

/// Runs the folder's build script, which writes the component to `dist`.
fn javascript(folder: &Folder) -> Result<(), Failure> {
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new("npm");
        npm.current_dir(&folder.path).args(arguments);
        run(&mut npm, io::stderr().into(), "").map(drop)
    };
    // npm writes a copy of the lock here when it is done.
    let installed = folder.path.join("node_modules/.package-lock.json");
    let lock = folder.path.join("package-lock.json");
    if !lock.is_file() {
        npm(&["install", "--no-audit", "--no-fund"])?;
    } else if !is_newer(&installed, &lock) {
        npm(&["ci", "--no-audit", "--no-fund"])?;
    }
    npm(&["run", "build"])
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    modified(file).zip(modified(than)).is_some_and(|(file, than)| file >= than)
}

fn python(folder: &Folder, out: &Path) -> Result<(), Failure> {
    let [wit, sdk] = ["wit/v0.1", "sdk"].map(|name| folder.path.join(name));
    for needed in [&wit, &sdk] {
        if !needed.is_dir() {
            let cure = "copy it from a folder made by `bursar plugin new NAME --lang python`";
            return Err(Failure::Usage(format!("{} is missing: {cure}", needed.display())));
        }
    }
    let tool = componentize(folder)?;
    let partial = out.with_extension("partial");
    fs::create_dir_all(folder.path.join("dist")).map_err(|error| Failure::io("create the folder dist", error))?;
    let mut command = python_command(&tool, folder, &wit, &sdk, &partial)
        .map_err(|error| Failure::Usage(format!("{}: {error}", folder.id)))?;
    run(&mut command, io::stderr().into(), "")?;
    fs::rename(&partial, out).map_err(|error| Failure::io(format!("write {}", out.display()), error))
}

/// The tool of the folder's `.venv`, of the `PATH`, or one installed into `.venv`.
fn componentize(folder: &Folder) -> Result<PathBuf, Failure> {
    let venv = folder.path.join(".venv");
    let own = venv.join("bin").join(COMPONENTIZE);
    if own.is_file() {
        return Ok(own);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).map(|folder| folder.join(COMPONENTIZE)).find(|it| it.is_file()) {
        return Ok(found);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv), io::stderr().into(), "")?;
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--disable-pip-version-check", "--requirement"]).arg(folder.path.join("requirements.txt"));
    run(&mut pip, io::stderr().into(), "")?;
    Ok(own)
}

/// Prints and runs a command. Returns its output if `stdout` is piped.
fn run(command: &mut Command, stdout: Stdio, cure: &str) -> Result<Vec<u8>, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let shown = std::iter::once(program.clone()).chain(arguments).collect::<Vec<_>>().join(" ");
    writeln!(io::stderr(), "$ {shown}").map_err(|error| Failure::io("write to stderr", error))?;
    let child = command.stdout(stdout).stderr(Stdio::inherit()).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Failed(format!("`{program}` is not installed, or not on the PATH")),
        _ => Failure::io(format!("start {program}"), error),
    })?;
    let done = child.wait_with_output().map_err(|error| Failure::io(format!("run {program}"), error))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(Failure::Failed(format!("`{shown}` failed; its output above says why{cure}")))
}

/// Separates the flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: char = '\u{1f}';
const TARGET: &str = "wasm32-unknown-unknown";
const COMPONENTIZE: &str = "componentize-py";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    #[test]
    fn cargos_messages_name_the_module() {
        let messages =
            br#"{"reason":"compiler-artifact","manifest_path":"/p/sdk/Cargo.toml","filenames":["/t/sdk.wasm"]}
not a message
{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/libx.rlib","/t/x.wasm"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(built_module(messages, Path::new("/p")), Some(PathBuf::from("/t/x.wasm")));
        assert_eq!(built_module(messages, Path::new("/q")), None);
        assert_eq!(built_module(b"", Path::new("/p")), None);
    }

    #[test]
    fn a_folder_without_a_plugin_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let build = || BuildPlugin { folder: folder.path().to_owned() }.run(Output::new(Format::Json, true));
        assert!(matches!(build(), Err(Failure::Usage(why)) if why.contains("manifest.json")));
        fs::write(folder.path().join("manifest.json"), r#"{"id": "x"}"#).expect("a file");
        assert!(matches!(build(), Err(Failure::Usage(why)) if why.contains("plugin.py")));
        fs::write(folder.path().join("plugin.py"), "").expect("a file");
        assert!(matches!(build(), Err(Failure::Usage(why)) if why.contains("bursar plugin new")));
    }

    #[test]
    fn a_missing_or_failing_tool_is_named() {
        let missing = run(&mut Command::new("no-such-tool-of-bursar"), Stdio::null(), "");
        assert!(matches!(missing, Err(Failure::Failed(why)) if why.contains("not installed")));
        let failed = run(&mut Command::new("false"), Stdio::null(), ": try again");
        assert!(
            matches!(failed, Err(Failure::Failed(why)) if why.contains("`false` failed") && why.ends_with("try again"))
        );
        let said = run(Command::new("echo").arg("hello"), Stdio::piped(), "").expect("echo runs");
        assert_eq!(said, b"hello\n");
    }
}
