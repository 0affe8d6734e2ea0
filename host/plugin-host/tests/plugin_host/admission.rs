//! What may become a plugin, and which of two wins.

use std::borrow::Cow;

use bursar_kernel::plugin::{Plugins as _, State};
use bursar_plugin_host::{Error, PluginEvent, PluginHost, PluginHostConfig};
use serde_json::json;

use crate::support::{Guest, component, config, core_module, load, rejection};

#[tokio::test]
async fn files_that_are_no_plugins_are_told_what_they_are() {
    let truncated = component()[..component().len() / 2].to_vec();
    let large = [component(), &vec![0; 33 << 20]].concat();
    for (bytes, why) in [
        (std::fs::read(core_module()).unwrap(), "this is a core module"),
        (b"hello".to_vec(), "not a WebAssembly component"),
        (Vec::new(), "not a WebAssembly component"),
        (b"\0asm\x0e\0\x01\0".to_vec(), "a layer that is not known"),
        (truncated, "it is not a whole component"),
        (large, "may have at most 25165824 (plugins.limits.bytes)"),
        (b"\0asm\x0d\0\x01\0".to_vec(), "does not export bursar:plugin/form"),
    ] {
        let reason = rejection(bytes).await;
        assert!(reason.contains(why), "{why}: {reason}");
    }
}

#[tokio::test]
async fn contracts_and_imports_that_are_not_offered_are_named() {
    for (from, to, why) in [
        ("bursar:plugin/form@0.1.0", "bursar:plugin/form@0.2.0", "built for version 0.2.0"),
        ("bursar:plugin/form@0.1.0", "bursar:plugin/from@0.1.0", "does not export bursar:plugin/form"),
        ("bursar:plugin/http@0.1.0", "bursar:plugin/exec@0.1.0", "imports bursar:plugin/exec@0.1.0"),
        ("wasi:random/random@0.2.6", "wasi:sockets/tcpip@0.2.6", "imports wasi:sockets/tcpip@0.2.6"),
        ("wasi:clocks/wall-clock@0.2.6", "wasi:cricks/wall-clock@0.2.6", "imports wasi:cricks/wall-clock@0.2.6"),
    ] {
        let reason = rejection(Guest::new().rename(from, to).bytes()).await;
        assert!(reason.contains(why), "{why}: {reason}");
    }
}

#[tokio::test]
async fn a_plugin_must_describe_itself_within_bounds() {
    for (marker, order, why) in [
        ("@@MANIFEST@@", "!loop", "describe ran out of its time budget"),
        ("@@MANIFEST@@", "!panic", "describe trapped"),
        ("@@MANIFEST@@", "!alloc", "describe ran out of memory"),
        ("@@MANIFEST@@", "!huge", "larger than 64 KiB"),
        ("@@MANIFEST@@", "!enormous", "describe answered more than the host takes"),
        ("@@MANIFEST@@", "{", "its manifest is not valid"),
        ("@@A-SCHEMA@@", "!huge", "a JSON document is too large"),
        ("@@A-SCHEMA@@", "!loop", "schema ran out of its time budget"),
        ("@@A-SCHEMA@@", "nope", "a text is not JSON"),
        ("@@A-SCHEMA@@", r#"{"type": 3}"#, "its form's schema is not valid at /type"),
        ("@@A-SCHEMA@@", r#"{"pattern": "("}"#, "its form's schema is not valid"),
        ("@@A-SCHEMA@@", r#"{"$ref": "file:///etc/passwd"}"#, "not in it"),
        ("@@TEMPLATE@@", "!panic", "template trapped"),
        ("@@TEMPLATE@@", "nope", "a text is not JSON"),
        ("@@TEMPLATE@@", r#"{"username": 3}"#, "does not fit the form: type at /username"),
        ("@@TEMPLATE@@", r#"{"extra": "x"}"#, "does not fit the form: unknown at /extra"),
    ] {
        let reason = rejection(Guest::new().order(marker, order).bytes()).await;
        assert!(reason.contains(why), "{marker} {order}: {reason}");
    }
}

#[tokio::test]
async fn a_template_may_fail_on_its_placeholders() {
    let mut guest = Guest::new();
    guest.schema["properties"]["username"]["minLength"] = json!(3);
    guest.schema["properties"]["password"]["pattern"] = json!("^[a-z]+$");
    let (host, _) = load(vec![guest.bytes()]).await;
    assert_eq!(host.template("hostile", None).await, Ok(guest.template));
}

#[tokio::test]
async fn each_variant_needs_its_template() {
    let mut guest = Guest::new();
    guest.manifest["variants"] = json!([{"id": "one", "title": "One"}, {"id": "none", "title": "None"}]);
    assert!(rejection(guest.bytes()).await.contains("no template for its variant none"));
    guest.manifest["variants"] = json!([{"id": "one", "title": "One"}]);
    let (host, _) = load(vec![guest.bytes()]).await;
    assert_eq!(host.template("hostile", Some("one")).await, Ok(guest.template));
}

#[tokio::test]
async fn an_ability_needs_its_interface() {
    let mut guest = Guest::new();
    guest.manifest["abilities"] = json!(["generate"]);
    assert!(rejection(guest.bytes()).await.contains("would have to export generator"));
}

#[tokio::test]
async fn a_file_of_a_higher_version_takes_the_place_of_a_built_in() {
    for (version, replaces) in
        [("1.0.1", true), ("2.0.0", true), ("1.0.0", false), ("0.9.0", false), ("1.0.1-rc.1", true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.wasm");
        std::fs::write(&file, Guest::new().version(version).bytes()).unwrap();
        let built_ins = vec![("hostile", Cow::Owned(Guest::new().bytes()))];
        let config = PluginHostConfig { built_ins, folders: vec![folder.path().to_owned()], ..config() };
        let (host, events) = PluginHost::load(config).await.unwrap();
        let active = host.find("hostile").expect("one is active");
        assert_eq!(active.manifest.version, if replaces { version } else { "1.0.0" });
        let source = if replaces { file.display().to_string() } else { "built-in".to_owned() };
        assert_eq!(host.info("hostile").expect("active").source, source);
        if replaces {
            let [PluginEvent::Loaded { replaces, .. }] = &events[..] else { panic!("{events:?}") };
            assert_eq!(replaces.as_deref(), Some("1.0.0"));
        } else {
            let status = host.status();
            assert_eq!(status.iter().filter(|status| status.state == State::Rejected).count(), 1);
            assert!(status.iter().any(|status| status.reason.as_deref().is_some_and(|r| r.contains("not higher"))));
        }
    }
}

#[tokio::test]
async fn the_second_file_of_an_id_and_bad_files_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.wasm"), Guest::new().bytes()).unwrap();
    std::fs::write(folder.path().join("b.wasm"), Guest::new().version("9.0.0").bytes()).unwrap();
    std::fs::write(folder.path().join("c.wasm"), b"junk").unwrap();
    std::fs::create_dir(folder.path().join("d.wasm")).unwrap();
    std::fs::write(folder.path().join(".hidden.wasm"), b"junk").unwrap();
    std::fs::write(folder.path().join("readme.txt"), b"junk").unwrap();
    let config = PluginHostConfig { folders: vec![folder.path().to_owned()], ..config() };
    let (host, events) = PluginHost::load(config).await.unwrap();
    assert_eq!(host.find("hostile").expect("the first").manifest.version, "1.0.0");
    let told: Vec<_> = host.status().into_iter().map(|status| (status.id, status.version, status.state)).collect();
    let told: Vec<_> = told.iter().map(|(id, version, state)| (id.as_str(), version.as_str(), *state)).collect();
    assert_eq!(
        told,
        [
            ("c", "", State::Rejected),
            ("d", "", State::Rejected),
            ("hostile", "1.0.0", State::Active),
            ("hostile", "9.0.0", State::Rejected),
        ]
    );
    assert_eq!(events.len(), 4);
}

#[tokio::test]
async fn a_folder_that_is_not_there_stops_the_start() {
    let folder = tempfile::tempdir().unwrap().path().join("gone");
    let outcome = PluginHost::load(PluginHostConfig { folders: vec![folder], ..config() }).await;
    assert!(matches!(outcome, Err(Error::Folder { .. })));
}

#[tokio::test]
async fn facts_of_a_plugin_are_told() {
    let host = crate::support::host().await;
    let info = host.info("hostile").expect("active");
    assert_eq!(info.interfaces, ["form", "materializer"]);
    assert_eq!(info.contract_version, "0.1.0");
    assert_eq!(info.digest.len(), "sha256:".len() + 64);
    assert!(info.digest.starts_with("sha256:"));
    assert_eq!(host.types()[0].digest, info.digest);
    assert!(host.info("nope").is_none());
    assert!(["pooling", "on-demand"].contains(&host.engine_mode().as_str()));
}
