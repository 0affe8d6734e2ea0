//! Whether a file may become a plugin at all: what it is, what contract it was
//! built for, and what it wants to import.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::v0_1;

/// Looks at the bytes, before anything expensive is done with them.
///
/// # Errors
///
/// The reason, for the operator.
pub(crate) fn check_bytes(bytes: &[u8], most_bytes: u64) -> Result<(), String> {
    if bytes.len() as u64 > most_bytes {
        return Err(too_large(bytes.len() as u64, most_bytes));
    }
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(MAGIC), Some(COMPONENT)) => Ok(()),
        (Some(MAGIC), Some(MODULE)) => Err("this is a core module, not a component: turn it into one with \
             wit-component, as the plugin SDK's build does"
            .to_owned()),
        (Some(MAGIC), Some(_)) => Err("this is a WebAssembly binary of a layer that is not known".to_owned()),
        _ => Err("this is not a WebAssembly component".to_owned()),
    }
}

/// The sentence for a file over the limit.
pub(crate) fn too_large(bytes: u64, most_bytes: u64) -> String {
    format!("it is {bytes} bytes; a plugin may have at most {most_bytes}")
}

/// Reads the contract's version from the export names and checks every import
/// against the list of what is offered.
///
/// # Errors
///
/// The reason, for the operator.
pub(crate) fn check_contract(engine: &Engine, component: &Component) -> Result<String, String> {
    let kind = component.component_type();
    let version = kind
        .exports(engine)
        .find_map(|(name, _)| name.strip_prefix(v0_1::FORM).map(str::to_owned))
        .ok_or("it does not export bursar:plugin/form, so it is not a Bursar plugin")?;
    if !version.starts_with(v0_1::SERIES) {
        return Err(format!(
            "it was built for version {} of the plugin contract; this Bursar speaks 0.1",
            crate::text::sentence(&version)
        ));
    }
    match kind.imports(engine).map(|(name, _)| name).find(|name| !is_offered(name)) {
        Some(name) if name.starts_with("wasi:sockets/") || name.starts_with("wasi:http/") => Err(format!(
            "it imports {}: plugins get no network of their own; a JavaScript or Python plugin is built with WASI stubbed out",
            crate::text::sentence(name)
        )),
        Some(name) => Err(format!("it imports {}, which Bursar does not offer", crate::text::sentence(name))),
        None => Ok(version),
    }
}

/// Versions within a series are compatible, which the linker sees to.
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

const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// What guests of other languages import for their runtimes; all of it empty.
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
