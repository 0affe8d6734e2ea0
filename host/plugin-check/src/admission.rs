//! Checks whether a broker would accept the component, and whether it matches its
//! folder.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::plugin::{Ability, CredentialType, Plugins as _};
use bursar_plugin_cases::Labelled;
use bursar_plugin_host::{AddressRule, NetworkConfig, PluginHost, PluginHostConfig, parse_manifest};
use serde_json::Value;

use crate::Error;
use crate::bench::Bench;
use crate::limits::Recording;
use crate::report::{Area, Level, Plugin, Report};
use crate::subject::Subject;
use crate::wire::Wire;

/// Loads the component as a broker does. `None` if a broker would refuse it.
///
/// # Errors
///
/// When a file cannot be read, or the host cannot run.
pub(crate) async fn admit(
    subject: &Subject,
    cases: &[Labelled],
    cache_dir: Option<PathBuf>,
    report: &mut Report,
) -> Result<Option<Bench>, Error> {
    let bytes = subject.bytes()?;
    // A plugin that needs plain HTTP in its cases is loaded twice.
    let temporary = tempfile::tempdir().map_err(|error| Error::Io(std::env::temp_dir(), error))?;
    let cache_dir = cache_dir.unwrap_or_else(|| temporary.path().to_owned());
    let (wire, recording) = (Arc::new(Wire::default()), Arc::new(Recording::default()));

    let host = load(&bytes, &cache_dir, &wire, NetworkConfig::default()).await?;
    let [kind] = &host.types()[..] else {
        for status in host.status() {
            let reason = status.reason.unwrap_or_else(|| "it does not say why".to_owned());
            report.add(Level::Fail, Area::Admission, format!("a broker refuses the component: {reason}"));
        }
        return Ok(None);
    };
    let kind = Arc::clone(kind);
    let (plain, addresses) = granted_by_operators(cases);
    let host = if plain.is_empty() && addresses.is_empty() {
        host
    } else {
        for host in &plain {
            let what = format!("the cases use http://{host}: an operator has to grant the plugin that");
            report.add(Level::Info, Area::Admission, what);
        }
        let id = &kind.manifest.id;
        let rules = addresses.iter().filter_map(|address| address.parse::<AddressRule>().ok());
        let granted = NetworkConfig {
            granted_plain_http: BTreeMap::from([(id.clone(), plain.into_iter().collect())]),
            granted_addresses: BTreeMap::from([(id.clone(), rules.collect())]),
            ..NetworkConfig::default()
        };
        load(&bytes, &cache_dir, &wire, granted).await?
    };
    host.observe(Arc::clone(&recording) as _);

    let info = host.info(&kind.manifest.id);
    report.plugin = info.as_ref().map(|info| Plugin {
        id: info.id.clone(),
        version: kind.manifest.version.clone(),
        kind: if kind.manifest.has(Ability::Dns01) { "dns-provider" } else { "credential-type" },
        digest: info.digest.clone(),
        contract_version: info.contract_version.clone(),
        size_bytes: info.size_bytes,
    });
    report_imports(&info.map(|info| info.imports).unwrap_or_default(), subject.is_rust(), report);
    compare(subject, &kind, &host, report).await?;
    Ok(Some(Bench { plugins: Box::new(host), kind, wire, recording }))
}

/// Loads it as a built-in plugin, which grants all it asks for: that decision is
/// up to operators.
async fn load(bytes: &[u8], cache_dir: &Path, wire: &Arc<Wire>, granted: NetworkConfig) -> Result<PluginHost, Error> {
    let network = NetworkConfig { transport: Some(Arc::clone(wire) as _), ..granted };
    let config = PluginHostConfig {
        built_ins: vec![("component", Cow::Owned(bytes.to_vec()))],
        cache_dir: Some(cache_dir.to_owned()),
        cache_key: CACHE_KEY,
        network,
        ..PluginHostConfig::ephemeral()
    };
    Ok(PluginHost::load(config).await?.0)
}

/// `host:port` of what the cases need and only an operator can grant: plain HTTP,
/// and hosts given as addresses.
fn granted_by_operators(cases: &[Labelled]) -> (BTreeSet<String>, BTreeSet<String>) {
    let exchanges = cases.iter().flat_map(|it| it.case.exchanges());
    let mut plain = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for url in exchanges.map(|exchange| &exchange.request.url) {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { continue };
        if url.scheme() == "http" {
            plain.insert(format!("{host}:{port}"));
        }
        if url.domain().is_none() {
            addresses.insert(format!("{host}:{port}"));
        }
    }
    (plain, addresses)
}

fn report_imports(imports: &[String], is_rust: bool, report: &mut Report) {
    let (wasi, ours): (Vec<_>, Vec<_>) = imports.iter().partition(|name| name.starts_with("wasi:"));
    let mut ours: Vec<_> =
        ours.iter().filter_map(|name| name.strip_prefix("bursar:plugin/")?.split('@').next()).collect();
    // Only types, no functions.
    ours.retain(|name| *name != "types");
    ours.sort_unstable();
    let ours = if ours.is_empty() { "nothing".to_owned() } else { ours.join(", ") };
    if wasi.is_empty() {
        report.add(Level::Ok, Area::Admission, format!("a broker takes it; it imports {ours}, and nothing else"));
        return;
    }
    report.add(Level::Ok, Area::Admission, format!("a broker takes it; it imports {ours}, and WASI, which is empty"));
    let wasi = wasi.into_iter().cloned().collect();
    if is_rust {
        let what = "a Rust component needs no WASI: build it for wasm32-unknown-unknown";
        report.explain(Level::Warn, Area::Admission, what, wasi);
    } else {
        report.explain(Level::Info, Area::Admission, "files, sockets, environment and time lead nowhere", wasi);
    }
}

/// Whether the component matches the folder's files; if not, it is outdated.
async fn compare(
    subject: &Subject,
    kind: &CredentialType,
    host: &PluginHost,
    report: &mut Report,
) -> Result<(), Error> {
    let mut stale = Vec::new();
    if let Some(manifest) = subject.document("manifest.json")? {
        match parse_manifest(&manifest.to_string()) {
            Ok(manifest) if manifest == kind.manifest => {}
            Ok(_) => stale.push("manifest.json"),
            Err(why) => report.add(Level::Fail, Area::Admission, format!("manifest.json: {why}")),
        }
    }
    if subject.document("schema.json")?.is_some_and(|schema| schema != kind.schema) {
        stale.push("schema.json");
    }
    if let Some(templates) = subject.document("template.json")? {
        let variants = &kind.manifest.variants;
        let wanted: Vec<(Option<&str>, Option<&Value>)> = if variants.is_empty() {
            vec![(None, Some(&templates))]
        } else {
            variants.iter().map(|it| (Some(it.id.as_str()), templates.get(&it.id))).collect()
        };
        for (variant, wanted) in wanted {
            if host.template(&kind.manifest.id, variant).await.ok().as_ref() != wanted {
                stale.push("template.json");
                break;
            }
        }
    }
    for file in stale {
        report.add(
            Level::Fail,
            Area::Admission,
            format!("the component was built from another {file}: build it again"),
        );
    }
    Ok(())
}

/// The cache holds a component that the author has anyway.
const CACHE_KEY: [u8; 32] = [7; 32];
