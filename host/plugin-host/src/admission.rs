//! Decides whether a file may become a plugin, before any of it is compiled.
//!
//! Compiling is expensive and happens before anybody has approved the file. A
//! parser therefore reads it first: its kind, its imports, the contract it was
//! built for, and the amount of everything in it. The parser allocates almost
//! nothing, stops at the first limit that is exceeded, and holds counts that the
//! file merely states to the same limits.

mod census;
mod contract;
mod measure;

use wasmparser::{Parser, Payload};

pub use self::measure::{ComponentLimits, Measure};

use self::census::Census;
use crate::text::sentence;

/// What is known about a component that may be compiled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Admitted {
    /// The contract it was built for: `0.1.0`.
    pub(crate) contract_version: String,
    /// The interfaces it imports, with their versions, in the file's order.
    pub(crate) imports: Vec<String>,
}

/// Reads a file within `limits`. The initial sizes of its memories may add up to
/// `memory_bytes`.
///
/// # Errors
///
/// The reason, for the operator: what exceeds which limit, by how much, and the
/// limit's key.
pub(crate) fn admit(bytes: &[u8], limits: &ComponentLimits, memory_bytes: u64) -> Result<Admitted, String> {
    check_kind(bytes)?;
    let mut census = Census::new(limits, memory_bytes);
    census.whole_file(bytes.len() as u64)?;
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let unreadable =
        |error: wasmparser::BinaryReaderError| format!("it is not a whole component: {}", sentence(&error.to_string()));
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(unreadable)?;
        census.take(&payload)?;
        match payload {
            // The parser takes the end of the file for the end of a part.
            Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. }
                if unchecked_range.end > bytes.len() =>
            {
                return Err("it is not a whole component: a part of it is cut off".to_owned());
            }
            // Inner parts import from one another; depth 1 is the component itself.
            Payload::ComponentImportSection(section) if census.depth() == 1 => {
                for import in section {
                    imports.push(import.map_err(unreadable)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if census.depth() == 1 => {
                for export in section {
                    exports.push(export.map_err(unreadable)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let contract_version = contract::check(&imports, &exports)?;
    Ok(Admitted { contract_version, imports })
}

/// The sentence for a file over the limit.
pub(crate) fn too_large(bytes: u64, most_bytes: u64) -> String {
    format!("it is {bytes} bytes; a plugin may have at most {most_bytes} ({})", Measure::Bytes.key())
}

fn check_kind(bytes: &[u8]) -> Result<(), String> {
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(MAGIC), Some(COMPONENT)) => Ok(()),
        (Some(MAGIC), Some(MODULE)) => Err("this is a core module, not a component: turn it into one with \
             wit-component, as the plugin SDK's build does"
            .to_owned()),
        (Some(MAGIC), Some(_)) => Err("this is a WebAssembly binary of a layer that is not known".to_owned()),
        _ => Err("this is not a WebAssembly component".to_owned()),
    }
}

const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

#[cfg(test)]
mod tests;
