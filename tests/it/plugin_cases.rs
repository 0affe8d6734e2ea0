//! Every `tests/*.json` of every plugin and example, replayed against the
//! component that ships, through the sandbox and all of the host's checks. The
//! plugin's language does not matter here.
//!
//! The one place of this binary that links the plugin host: what a case asks is
//! below HTTP. `generate` cases run natively alone until the host calls it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use bursar_domain::Violation;
use bursar_domain::plugin::{Context, PluginError, Plugins};
use bursar_domain::secret::SecretJson;
use bursar_plugin_cases::{Call, Case, Labelled, load};
use bursar_plugin_host::{Approval, PluginHost, PluginHostConfig};
use serde_json::{Map, Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_for_the_component_that_ships() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let components = root.join("target/plugins");
    let config = PluginHostConfig {
        folders: vec![components.clone(), components.join("examples")],
        approval: Approval::Allow,
        ..PluginHostConfig::ephemeral()
    };
    let (host, _) = PluginHost::load(config).await.unwrap();

    let mut failures = Vec::new();
    let mut replayed = 0;
    for folder in folders(&root.join("plugins")).chain(folders(&root.join("examples"))) {
        let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        let id = manifest["id"].as_str().unwrap();
        let cases = load(&folder.join("tests")).unwrap();
        assert!(!cases.is_empty(), "{id} has no cases");
        for Labelled { label, case } in cases.into_iter().filter(|it| it.case.call != Call::Generate) {
            if let Err(why) = case.judge(&told(replay(&host, id, &case).await)) {
                failures.push(format!("{id}: {label}: {why}"));
            }
            replayed += 1;
        }
    }
    assert!(failures.is_empty(), "{} of {replayed} cases failed:\n{}", failures.len(), failures.join("\n"));
    assert!(replayed > 0);
}

async fn replay(host: &PluginHost, id: &str, case: &Case) -> Result<Value, PluginError> {
    let told = case.context();
    let context =
        Context { seed: told.seed(), name: told.name, version: told.version, options: Value::Object(told.options) };
    let data = SecretJson::new(case.data.clone());
    let secrets = || host.validate_form(id, &data).map(|report| report.secret_pointers);
    match case.call {
        Call::Form => match host.validate_form(id, &data)?.violations {
            none if none.is_empty() => Ok(json!({})),
            some => Err(PluginError::Invalid(some)),
        },
        Call::Template => host.template(id, case.variant.as_deref()).await,
        Call::Inspect => {
            let found = host.inspect(id, &case.data, &context).await?;
            Ok(json!({
                "data": found.data, "attributes": found.attributes, "selectors": found.selectors,
                "order": found.order, "notBefore": found.not_before, "notAfter": found.not_after,
            }))
        }
        Call::Check => {
            let rewrites = host.check(id, &data, &secrets()?, &context).await?;
            Ok(rewrites.iter().map(|it| json!({ "pointer": it.pointer, "value": it.value.expose() })).collect())
        }
        Call::Materialize => {
            let format = case.format.as_deref().unwrap_or_default();
            let artifacts: Map<_, _> = host
                .materialize(id, &data, format, &context)
                .await?
                .into_iter()
                .map(|it| {
                    let text = String::from_utf8_lossy(&it.content);
                    (it.name.clone(), json!({ "text": text, "mediaType": it.media_type, "sensitive": it.sensitive }))
                })
                .collect();
            Ok(json!({ "artifacts": artifacts }))
        }
        Call::Generate => unreachable!("left out above"),
        Call::Probe | Call::DnsCheck | Call::Present | Call::Poll | Call::Cleanup => {
            Err(PluginError::Unsupported("there is no network plane yet".into()))
        }
    }
}

fn told(answer: Result<Value, PluginError>) -> Value {
    let kind = match answer {
        Ok(answer) => return json!({ "ok": answer }),
        Err(PluginError::Invalid(violations)) => {
            let violations: Vec<Value> = violations.iter().map(violation).collect();
            return json!({ "error": { "kind": "invalid", "violations": violations } });
        }
        Err(PluginError::Denied(_)) => "denied",
        Err(PluginError::NotFound(_)) => "not-found",
        Err(PluginError::Throttled(_)) => "throttled",
        Err(PluginError::Unavailable(_)) => "unavailable",
        Err(PluginError::Unsupported(_)) => "unsupported",
        Err(PluginError::Failed(_)) => "internal",
    };
    json!({ "error": { "kind": kind } })
}

fn violation(of: &Violation) -> Value {
    json!({ "pointer": of.pointer, "code": of.code, "message": of.message })
}

fn folders(under: &Path) -> impl Iterator<Item = PathBuf> {
    let listed = fs::read_dir(under).unwrap().map(|entry| entry.unwrap().path());
    listed.filter(|folder| folder.join("manifest.json").is_file())
}
