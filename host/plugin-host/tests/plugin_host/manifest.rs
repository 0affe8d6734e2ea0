//! The manifest as the host reads it and as `schemas/plugin-manifest.json`
//! describes it are the same thing.

use bursar_plugin_host::parse_manifest;
use bursar_schema::{Input, Schema};
use serde_json::{Value, json};

fn minimal() -> Value {
    json!({"id": "a-type", "title": "A type", "summary": "Does it.", "category": "test", "version": "1.0.0", "formats": [{"id": "env"}]})
}

fn full() -> Value {
    json!({
        "id": "a-type", "title": "A type", "summary": "Does it.", "category": "test", "version": "1.2.3-rc.1+5",
        "publisher": "Somebody", "icon": "key", "documentation": "https://example.com/docs",
        "abilities": ["defaultable", "probe", "mint", "generate", "acme-order", "dns01"],
        "slots": [{"id": "image-pull", "defaultFallback": true, "selector": "image-prefix"}, {"id": "other", "selector": null}],
        "variants": [{"id": "dockerHub", "title": "Docker Hub", "howTo": "Make one.\nThen use it."}],
        "formats": [{"id": "kubernetes.io/tls", "title": "TLS Secret"}, {"id": "env"}],
        "pushedByDefault": false,
        "hints": {"order": ["a", "b"], "groups": [{"title": "Group", "fields": ["a"]}]},
        "messages": {"too-long": "Choose a shorter one."},
        "derives": ["/publicKey", { "field": "/email", "secret": "/account", "at": "/client_email" }], "hostsFrom": ["/url"],
        "hosts": [{"host": "*.example.com", "reason": "To ask."}, {"host": "{/url}", "reason": "To ask."}, {"host": "example.com:8443", "reason": "To ask."}],
        "placements": [
            {"secret": "/token", "host": "api.example.com", "methods": ["GET"], "pathPrefix": "/v1", "place": "header:authorization"},
            {"secret": "/token", "host": "api.example.com", "place": "body:/client_secret"},
        ],
        "tokenEndpoints": [{
            "name": "token", "url": "https://example.com/token", "capture": {"access": "/access_token"},
            "expose": {"expires": "/expires_in"},
            "placements": [{"secret": "access", "host": "api.example.com", "place": "key"}],
        }],
    })
}

#[test]
fn the_published_schema_and_the_host_agree() {
    let schema: Value = serde_json::from_str(include_str!("../../../../schemas/plugin-manifest.json")).unwrap();
    let schema = Schema::trusted(schema, Input::Body).expect("a schema");
    let agree = |manifest: &Value, good: bool| {
        let host = parse_manifest(&manifest.to_string());
        assert_eq!(host.is_ok(), good, "the host on {manifest}: {host:?}");
        let violations = schema.check(manifest).expect("a report").violations;
        assert_eq!(violations.is_empty(), good, "the schema on {manifest}: {violations:?}");
    };
    agree(&minimal(), true);
    agree(&full(), true);
    for (pointer, value) in [
        ("/id", json!("A-Type")),
        ("/id", json!("")),
        ("/id", json!(3)),
        ("/title", json!("")),
        ("/title", json!("x".repeat(101))),
        ("/category", json!("Test")),
        ("/version", json!("1.0")),
        ("/version", json!("v1.0.0")),
        ("/documentation", json!("http://example.com")),
        ("/abilities", json!(["fly"])),
        ("/pushedByDefault", json!("no")),
        ("/pushedByDefault", json!(null)),
        ("/abilities", json!(["probe", "probe"])),
        ("/slots/0/id", json!("Image")),
        ("/slots/0/selector", json!("Image")),
        ("/slots/0/extra", json!(1)),
        ("/variants/0/id", json!("a b")),
        ("/variants/0/title", json!("")),
        ("/formats", json!([])),
        ("/formats/0/id", json!("a b")),
        ("/formats/0/extra", json!(1)),
        ("/hints/order", json!(["a", "a"])),
        ("/hints/groups/0/title", json!("")),
        ("/messages/Bad", json!("x")),
        ("/messages/bad", json!("")),
        ("/derives", json!(["publicKey"])),
        ("/derives", json!([{ "field": "/email", "secret": "/account" }])),
        ("/derives", json!([{ "field": "/email", "secret": "account", "at": "/x" }])),
        ("/derives", json!([{ "field": "/email", "secret": "/account", "at": "/x", "more": 1 }])),
        ("/hostsFrom", json!(["/a~2"])),
        ("/hosts/0/host", json!("https://example.com")),
        ("/hosts/0/host", json!("example.com/path")),
        ("/hosts/0/reason", json!("")),
        ("/placements/0/secret", json!("token")),
        ("/placements/0/methods", json!(["get"])),
        ("/placements/0/pathPrefix", json!("v1")),
        ("/placements/0/place", json!("cookie:a")),
        ("/placements/0/place", json!("header:Authorization")),
        ("/tokenEndpoints/0/url", json!("http://example.com")),
        ("/tokenEndpoints/0/name", json!("A")),
        ("/tokenEndpoints/0/capture", json!({})),
        ("/extra", json!(1)),
    ] {
        let mut manifest = full();
        bursar_kernel::secret::put(&mut manifest, pointer, value);
        agree(&manifest, false);
    }
    for field in ["id", "title", "summary", "category", "version", "formats"] {
        let mut manifest = minimal();
        manifest.as_object_mut().unwrap().remove(field);
        agree(&manifest, false);
    }
}

#[test]
fn the_host_sees_what_a_schema_cannot_say() {
    for (pointer, value, why) in [
        ("/formats", json!([{"id": "env"}, {"id": "env", "title": "again"}]), "formats has an entry twice"),
        ("/variants/0", json!({"id": "a", "title": "a\u{1b}[31m"}), "one line of plain text"),
        ("/slots/1/id", json!("image-pull"), "slots has an entry twice"),
        ("/hosts/0/host", json!("example.com:70000"), "a host is"),
        ("/hosts/0/host", json!("example.com:0"), "a host is"),
        ("/tokenEndpoints/0/placements/0/secret", json!("other"), "names something that it captures"),
        ("/version", json!("1.0.0-01"), "semantic version"),
    ] {
        let mut manifest = full();
        bursar_kernel::secret::put(&mut manifest, pointer, value);
        let reason = parse_manifest(&manifest.to_string()).expect_err(pointer);
        assert!(reason.contains(why), "{pointer}: {reason}");
    }
    assert!(parse_manifest(&format!("{}{}", minimal(), " ".repeat(64 << 10))).is_err());
}
