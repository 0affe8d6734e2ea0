//! Makes components, and reads what they import and export.

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::Error;

/// What a component imports and exports, by the names of the interfaces without
/// package and version: `http`, `dns01`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Interfaces {
    /// The interfaces it calls.
    pub imports: Vec<String>,
    /// The interfaces it implements.
    pub exports: Vec<String>,
}

/// Makes a component of a core module that carries wit-bindgen's sections, such
/// as a Rust guest for `wasm32-unknown-unknown`.
///
/// # Errors
///
/// [`Error::Component`] if it has no such sections, or does not match them.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Component(format!("{error:#}"));
    ComponentEncoder::default().validate(true).module(module).map_err(failed)?.encode().map_err(failed)
}

/// Reads a component and refuses one that no host would load. Its imports are
/// all it can do, so they are checked where the file is built and not only
/// where it is loaded.
///
/// # Errors
///
/// [`Error::Import`] for an import that is not the contract's,
/// [`Error::NoForm`] when it does not export `form`, and [`Error::Component`]
/// for anything but a component.
pub fn admit(component: &[u8]) -> Result<Interfaces, Error> {
    let failed = |error: wasmparser::BinaryReaderError| Error::Component(error.to_string());
    if !Parser::is_component(component) {
        return Err(Error::Component("it is a core module or not WebAssembly at all".to_owned()));
    }
    let mut interfaces = Interfaces::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(failed)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            // Nested components import from one another; depth 1 is the
            // outermost.
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let name = import.map_err(failed)?.name.name;
                    let hint = if name.starts_with("wasi:") { STUB_WASI } else { "" };
                    let interface = interface(name).ok_or_else(|| Error::Import(name.to_owned(), hint))?;
                    interfaces.imports.push(interface);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    interfaces.exports.extend(interface(export.map_err(failed)?.name.name));
                }
            }
            _ => {}
        }
    }
    if !interfaces.exports.iter().any(|interface| interface == "form") {
        return Err(Error::NoForm);
    }
    Ok(interfaces)
}

fn interface(name: &str) -> Option<String> {
    let interface = name.strip_prefix(PACKAGE)?.split('@').next()?;
    Some(interface.to_owned())
}

const PACKAGE: &str = "bursar:plugin/";
const STUB_WASI: &str = ": build for `wasm32-unknown-unknown` in Rust, with `--stub-wasi` in JavaScript and Python";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_component_is_named() {
        let core_module = *b"\0asm\x01\0\0\0";
        for bytes in [&core_module[..], b"", b"<html>"] {
            let refused = admit(bytes).map_err(|error| error.to_string());
            assert_eq!(refused, Err("not a component: it is a core module or not WebAssembly at all".to_owned()));
        }
        assert!(matches!(encode(b"<html>"), Err(Error::Component(_))));
    }

    #[test]
    fn a_module_that_exports_nothing_makes_no_plugin() {
        let component = encode(b"\0asm\x01\0\0\0").expect("an empty component");
        assert!(matches!(admit(&component), Err(Error::NoForm)));
    }

    #[test]
    fn an_import_of_another_package_is_refused_with_the_cure() {
        // (component (import "wasi:x/y" (instance)))
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        component.extend([0x07, 0x03, 0x01, 0x42, 0x00]);
        component.extend([0x0a, 0x0d, 0x01, 0x00, 0x08]);
        component.extend(b"wasi:x/y");
        component.extend([0x05, 0x00]);
        let refused = admit(&component).map_err(|error| error.to_string());
        let why = refused.expect_err("wasi is not the contract's");
        assert!(why.contains("`wasi:x/y`") && why.contains("--stub-wasi"), "{why}");
    }
}
