//! `bursar plugin inspect`

use std::path::{Path, PathBuf};

use bursar_plugin_host::{Examined, Signed, TrustedKey, examine};
use clap::Args;
use serde_json::{Value, json};

use crate::broker::chain;
use crate::failure::Failure;
use crate::output::Format;
use crate::session::{GlobalArgs, Session};

/// Look at a plugin's file as a broker would, or at a broker's plugin by its id
///
/// A file is loaded in this process and no broker is asked: what it says of
/// itself, what it asks for and why, what it imports, who signed it. One that a
/// broker would refuse is refused with the same reason.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// A `.wasm` file, or an id
    plugin: String,
    /// Whose signature to look for: a minisign public key, `RW...`. Repeatable
    #[arg(long = "trusted-key", value_name = "KEY")]
    trusted_keys: Vec<TrustedKey>,
}

impl Inspect {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let path = PathBuf::from(&self.plugin);
        if path.exists() || path.extension().is_some_and(|extension| extension == "wasm") {
            return file(&path, self.trusted_keys, global).await;
        }
        let session = Session::open(global)?;
        let plugin = session.client.get(&["v1", "plugins", &self.plugin], &[]).await?;
        if session.output.is_quiet() || session.output.format() != Format::Table {
            return session.output.one(&plugin, "/id");
        }
        tell(session.output, &plugin)
    }
}

async fn file(path: &Path, trusted_keys: Vec<TrustedKey>, global: &GlobalArgs) -> Result<(), Failure> {
    let examined = examine(path, trusted_keys).await.map_err(|error| Failure::Failed(chain(&error)))?;
    let examined = examined.map_err(|reason| Failure::Failed(format!("{}: {reason}", path.display())))?;
    let (output, value) = (global.output(), described(&examined));
    if output.is_quiet() || output.format() != Format::Table {
        return output.one(&value, "/id");
    }
    tell(output, &value)
}

fn described(examined: &Examined) -> Value {
    let Examined { manifest, info, permissions, signed } = examined;
    let signature = match signed {
        Signed::Not => "none".to_owned(),
        Signed::Unchecked => "there is one: give --trusted-key to check it".to_owned(),
        Signed::Unknown => "by another key than those given".to_owned(),
        Signed::By(key) => format!("good, by {key}"),
    };
    json!({
        "id": manifest.id, "title": manifest.title, "summary": manifest.summary, "version": manifest.version,
        "publisher": manifest.publisher, "category": manifest.category, "abilities": manifest.abilities,
        "formats": manifest.formats.iter().map(|format| &format.id).collect::<Vec<_>>(),
        "source": info.source, "digest": info.digest, "sizeBytes": info.size_bytes,
        "contractVersion": info.contract_version, "exports": info.interfaces, "imports": info.imports,
        "signature": signature, "signedBy": signed.by(), "permissions": permissions.words(),
        "wantedHosts": permissions.hosts, "placements": permissions.placements,
        "tokenEndpoints": permissions.token_endpoints, "derives": permissions.derives.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Facts first, then what it asks for in words instead of structures.
fn tell(output: crate::output::Output, plugin: &Value) -> Result<(), Failure> {
    let mut facts = plugin.clone();
    let structures =
        ["permissions", "wantedHosts", "placements", "tokenEndpoints", "derives", "grant", "permissionDiff"];
    if let Some(members) = facts.as_object_mut() {
        members.retain(|name, _| !structures.contains(&name.as_str()));
    }
    output.one(&facts, "/id")?;
    let mut lines = super::listed("It asks to:", &plugin["permissions"]);
    if lines.is_empty() {
        lines.push("It asks for nothing beyond computing.".to_owned());
    }
    if !plugin["grant"].is_null() {
        lines.extend(super::listed("Not granted of this:", &plugin["permissionDiff"]["added"]));
        lines.extend(super::listed("Granted and not asked for:", &plugin["permissionDiff"]["removed"]));
    }
    lines.iter().try_for_each(|line| output.line(line))
}

const EXAMPLES: &str = "Examples:
  bursar plugin inspect ./dns-example.wasm
  bursar plugin inspect ./dns-example.wasm --trusted-key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
  bursar plugin inspect dns-example";
