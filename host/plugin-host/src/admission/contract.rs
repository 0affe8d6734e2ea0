//! What a component may import, and the version of the contract it implements.

use crate::text::sentence;
use crate::v0_1;

/// Reads the contract's version from the exports' names and checks every import
/// against the list of those offered.
///
/// # Errors
///
/// The reason, for the operator.
pub(super) fn check(imports: &[String], exports: &[String]) -> Result<String, String> {
    let version = exports
        .iter()
        .find_map(|name| name.strip_prefix(v0_1::FORM))
        .ok_or("it does not export bursar:plugin/form, so it is not a Bursar plugin")?;
    if !version.starts_with(v0_1::SERIES) {
        return Err(format!(
            "it was built for version {} of the plugin contract; this Bursar speaks 0.1",
            sentence(version)
        ));
    }
    match imports.iter().find(|name| !is_offered(name)) {
        Some(name) if name.starts_with("wasi:sockets/") || name.starts_with("wasi:http/") => Err(format!(
            "it imports {}: plugins get no network of their own; a JavaScript or Python plugin is built with WASI stubbed out",
            sentence(name)
        )),
        Some(name) => Err(format!("it imports {}, which Bursar does not offer", sentence(name))),
        None => Ok(version.to_owned()),
    }
}

/// Versions within a series are compatible; the linker checks that.
fn is_offered(import: &str) -> bool {
    let Some((name, version)) = import.split_once('@') else {
        return false;
    };
    match name.strip_prefix("bursar:plugin/") {
        Some(interface) => {
            version.starts_with(v0_1::SERIES) && ["types", "log", "clock", "http", "signing"].contains(&interface)
        }
        None => version.starts_with("0.2.") && INERT_WASI.contains(&name),
    }
}

/// Imported by the runtimes of other guest languages; all of them are inert.
const INERT_WASI: [&str; 20] = [
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:cli/exit",
    "wasi:cli/environment",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
];
