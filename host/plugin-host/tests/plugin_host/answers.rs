//! Nothing a plugin answers is taken on trust, and nothing it says after seeing
//! a secret is repeated.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bursar_kernel::plugin::{PluginError, Plugins as _, Selector};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_host::{PluginHost, PluginHostConfig};
use serde_json::json;

use crate::support::{Guest, SECRET, config, context, data, host};

fn secrets() -> Vec<String> {
    vec!["/password".to_owned()]
}

fn failed(reason: &str) -> PluginError {
    PluginError::Failed(reason.to_owned())
}

#[tokio::test]
async fn inspections_against_the_contract_are_refused() {
    for (behaviour, reason) in [
        ("data-not-json", "a text is not JSON"),
        ("data-array", "a JSON document is not an object"),
        ("data-large", "a JSON document is too large"),
        ("attributes-array", "a JSON document is not an object"),
        ("attributes-deep", "a JSON document is nested too deep"),
        ("selectors-many", "inspect answered more than 256 selectors"),
        ("selector-kind", "a selector is malformed"),
        ("selector-empty", "a selector is malformed"),
        ("selector-control", "a selector is malformed"),
        ("selector-long", "a selector is malformed"),
        ("plant-secret", "inspect answered a value for a secret field"),
        ("order-array", "a JSON document is not an object"),
        ("nothing-wrong", "it refused the input without saying why"),
        ("internal", "it reported a defect of its own"),
    ] {
        let outcome = host().await.inspect("hostile", &json!({"behaviour": behaviour}), &context()).await;
        assert_eq!(outcome.err(), Some(failed(reason)), "{behaviour}");
    }
}

#[tokio::test]
async fn a_good_inspection_passes() {
    let public = json!({"behaviour": "selectors", "username": "octo"});
    let found = host().await.inspect("hostile", &public, &context()).await.expect("an inspection");
    assert_eq!(found.data, public);
    assert_eq!(found.attributes["name"], "name");
    assert_eq!(found.not_after, Some(1_800_000_000));
    let selector = |value: &str| Selector { kind: "host".to_owned(), value: value.to_owned() };
    assert_eq!(found.selectors, [selector("a"), selector("b")]);
}

#[tokio::test]
async fn words_of_a_call_without_secrets_are_kept_but_cleaned() {
    let public = json!({"behaviour": "violations", "username": "octo"});
    let Err(PluginError::Invalid(violations)) = host().await.inspect("hostile", &public, &context()).await else {
        panic!("violations");
    };
    assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_str()), ("/username", "bad-name"));
    assert_eq!(violations[0].message, "Use [31mletters only.");
    assert_eq!((violations[1].pointer.as_str(), violations[1].code.as_str()), ("", "invalid"));
    assert_eq!(violations[1].message.chars().count(), 500);

    let denied = host().await.inspect("hostile", &json!({"behaviour": "denied"}), &context()).await;
    assert_eq!(denied.err(), Some(PluginError::Denied("because I say so".to_owned())));
}

#[tokio::test]
async fn words_of_a_call_with_secrets_are_replaced() {
    let violation =
        |pointer: &str, code: &str, message: &str| (pointer.to_owned(), code.to_owned(), message.to_owned());
    let weak = "Choose a longer password.";
    for (behaviour, expected) in [
        ("leak-message", vec![violation("/password", "weak", weak)]),
        ("leak-undeclared-message", vec![violation("/password", "required", "This field is required.")]),
        ("leak-code", vec![violation("/password", "invalid", "This field is not valid.")]),
        ("leak-pointer", vec![violation("", "weak", weak)]),
        ("leak-pointer-below", vec![violation("/password", "weak", weak)]),
        ("declared-pointer", vec![violation("/publicKey", "weak", weak)]),
        (
            "leak-order",
            vec![
                violation("/password", "weak", weak),
                violation("/username", "required", "This field is required."),
                violation("/username", "weak", weak),
            ],
        ),
    ] {
        let checked = host().await.check("hostile", &data(behaviour), &secrets(), &context()).await.err();
        let materialized = host().await.materialize("hostile", &data(behaviour), "login", &context()).await.err();
        for outcome in [checked, materialized] {
            let Some(PluginError::Invalid(violations)) = outcome else { panic!("{behaviour}: {outcome:?}") };
            let told: Vec<_> = violations.into_iter().map(|v| (v.pointer, v.code, v.message)).collect();
            assert_eq!(told, expected, "{behaviour}");
        }
    }
}

#[tokio::test]
async fn no_other_refusal_carries_a_secret_either() {
    for behaviour in [
        "leak-denied",
        "leak-not-found",
        "leak-unavailable",
        "leak-unsupported",
        "leak-internal",
        "panic",
        "log-secret",
    ] {
        let outcome = host().await.check("hostile", &data(behaviour), &secrets(), &context()).await.map(|_| ());
        assert!(!format!("{outcome:?}").contains(SECRET), "{behaviour}: {outcome:?}");
        assert_eq!(outcome.is_ok(), behaviour == "log-secret", "{behaviour}: {outcome:?}");
    }
    let throttled = host().await.check("hostile", &data("leak-throttled"), &secrets(), &context()).await;
    assert_eq!(throttled.err(), Some(PluginError::Throttled(None)));
    let empty = host().await.check("hostile", &data("nothing-wrong"), &secrets(), &context()).await;
    assert_eq!(empty.err(), Some(failed("it refused the input without saying why")));
}

#[tokio::test]
async fn check_rewrites_secrets_and_nothing_else() {
    let check = async |behaviour| host().await.check("hostile", &data(behaviour), &secrets(), &context()).await;
    let rewrites = check("rewrite-secret").await.expect("a rewrite");
    assert_eq!(rewrites[0].pointer, "/password");
    assert_eq!(rewrites[0].value.expose(), "mended");
    let refused = Some(failed("check rewrote a field that is neither secret nor granted"));
    assert_eq!(check("rewrite-public").await.err(), refused);
    assert_eq!(check("rewrite-twice").await.err(), Some(failed("check rewrote a field twice")));
    assert_eq!(check("rewrite-not-json").await.err(), Some(failed("a text is not JSON")));
    assert_eq!(check("rewrite-derived").await.expect("granted to a built-in")[0].pointer, "/publicKey");
    let none = host().await.check("hostile", &data("rewrite-secret"), &[], &context()).await;
    assert_eq!(none.err(), refused);
}

#[tokio::test]
async fn a_file_derives_only_what_was_granted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hostile.wasm"), Guest::new().bytes()).unwrap();
    let granted_derives =
        BTreeMap::from([("hostile".to_owned(), vec!["/publicKey".to_owned(), "/username".to_owned()])]);
    let config = PluginHostConfig { folders: vec![folder.path().to_owned()], granted_derives, ..config() };
    let (host, _) = PluginHost::load(config).await.unwrap();
    let check = async |behaviour| host.check("hostile", &data(behaviour), &secrets(), &context()).await;
    assert_eq!(check("rewrite-derived").await.expect("granted")[0].pointer, "/publicKey");
    // Not granted; granted, but not asked for by the manifest.
    assert!(check("rewrite-other-derived").await.is_err());
    assert!(check("rewrite-public").await.is_err());
}

#[tokio::test]
async fn artifacts_against_the_contract_are_refused() {
    let make = async |behaviour: &str, note: &str| {
        let data = SecretJson::new(json!({"behaviour": behaviour, "note": note}));
        host().await.materialize("hostile", &data, "login", &context()).await
    };
    for name in ["", ".", "..", "../etc/passwd", "a/b", "a\\b", "a b", "ä", "a\n", "a\0", &"a".repeat(254)] {
        let refused = Some(failed("an artifact has a name that is not allowed"));
        assert_eq!(make("name", name).await.err(), refused, "{name:?}");
    }
    assert_eq!(make("name", ".dockerconfigjson").await.expect("a name")[0].name, ".dockerconfigjson");
    for media_type in ["", "text", "text/plain; charset=latin1", "text/html\r\nx: y", "TEXT/plain"] {
        let refused = Some(failed("an artifact has a media type that is not allowed"));
        assert_eq!(make("media-type", media_type).await.err(), refused, "{media_type:?}");
    }
    assert!(make("media-type", "text/plain; charset=utf-8").await.is_ok());
    assert_eq!(make("same-name", "").await.err(), Some(failed("two artifacts have the same name")));
    assert_eq!(make("many", "").await.err(), Some(failed("materialize answered more than 64 artifacts")));
    assert_eq!(make("too-much", "").await.err(), Some(failed("materialize answered more than 1 MiB")));
    assert_eq!(make("full", "").await.expect("64 artifacts of 1 MiB together").len(), 64);
    assert_eq!(make("seed", "").await.expect("a seed")[0].content.as_slice(), [9; 32]);
}

#[tokio::test]
async fn what_a_type_lacks_is_unsupported() {
    let format = host().await.materialize("hostile", &data(""), "nope", &context()).await;
    assert!(matches!(format, Err(PluginError::Unsupported(_))));
    assert!(matches!(host().await.template("hostile", Some("nope")).await, Err(PluginError::NotFound(_))));
    assert!(matches!(host().await.template("nope", None).await, Err(PluginError::Unavailable(_))));

    let form_only = Guest::new().rename("bursar:plugin/materializer@0.1.0", "bursar:plugin/materialized@0.1.0");
    let built_ins = vec![("form-only", Cow::Owned(form_only.bytes()))];
    let (host, _) = PluginHost::load(PluginHostConfig { built_ins, ..config() }).await.unwrap();
    assert_eq!(host.info("hostile").expect("loaded").interfaces, ["form"]);
    let none = host.materialize("hostile", &data(""), "login", &context()).await;
    assert!(matches!(none, Err(PluginError::Unsupported(_))));
}

#[tokio::test]
async fn a_document_over_the_contract_is_not_shown_to_a_plugin() {
    let data = SecretJson::new(json!({"note": "x".repeat(300 << 10)}));
    let Err(PluginError::Invalid(violations)) = host().await.check("hostile", &data, &secrets(), &context()).await
    else {
        panic!("refused");
    };
    assert_eq!(violations[0].code, "too-large");
    let report = host().await.validate_form("hostile", &data).expect("a report");
    assert_eq!(report.violations[0].code, "too-large");
}
