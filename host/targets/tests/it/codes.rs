//! The codes that clients see for each thing that can be wrong with a setting.

use serde_json::{Map, Value, json};

use crate::support::region::judge;

#[test]
fn of_a_directory() {
    let base = json!({"path": "/srv"});
    for path in [json!(null), json!([])] {
        let code = if path.is_null() { "required" } else { "type" };
        check("directory", &base, &json!({ "path": path }), &[("/path", code)]);
    }
    for path in ["x", "/", "/srv/..", "/srv\0", "srv\0", ".."] {
        check("directory", &base, &json!({ "path": path }), &[("/path", "invalid")]);
    }
    for setting in ["mode", "directoryMode", "owner"] {
        check_text("directory", &base, setting);
        check("directory", &base, &json!({ setting: "x" }), &[(&format!("/{setting}"), "invalid")]);
    }
    for mode in ["0888", "0777", "7777", "+600", "0o", "64 4"] {
        check("directory", &base, &json!({ "mode": mode }), &[("/mode", "invalid")]);
    }
    check("directory", &base, &json!({ "mode": "0002" }), &[("/mode", "invalid"), ("/mode", "invalid")]);
    for owner in ["1:", "+5", "4294967295", "1:4294967295", ":1"] {
        check("directory", &base, &json!({ "owner": owner }), &[("/owner", "invalid")]);
    }
    for good in [json!({ "mode": "0o644", "owner": "1:2" }), json!({ "mode": null, "owner": null })] {
        check("directory", &base, &good, &[]);
    }
}

#[test]
fn of_kubernetes() {
    let none = json!({});
    for setting in ["kubeconfig", "kubeconfigFile", "namespace", "name"] {
        check_text("kubernetes", &none, setting);
    }
    check_timeout("kubernetes", &none);
    let conflict: &[_] = &[("/context", "conflict")];
    for (settings, expected) in [
        (json!({ "kubeconfig": "x" }), &[("/kubeconfig", "format")][..]),
        (json!({ "kubeconfigFile": "x" }), &[("/kubeconfigFile", "format")]),
        (json!({ "kubeconfigFile": "/a\nb" }), &[("/kubeconfigFile", "format")]),
        (json!({ "kubeconfigFile": "x", "context": "c" }), &[("/kubeconfigFile", "format")]),
        (json!({ "kubeconfigFile": 1, "context": "c" }), &[("/kubeconfigFile", "type")]),
        (json!({ "context": "c" }), conflict),
        (json!({ "kubeconfig": null, "context": "c" }), conflict),
        (json!({ "kubeconfig": "", "context": "c" }), &[("/kubeconfig", "type")]),
        (
            json!({ "kubeconfig": "[", "kubeconfigFile": "x" }),
            &[("/kubeconfig", "format"), ("/kubeconfigFile", "format"), ("/kubeconfigFile", "conflict")],
        ),
        (json!({ "namespace": "a b" }), &[("/namespace", "format")]),
        (json!({ "namespace": "{{ x }}" }), &[("/namespace", "unknown")]),
        (json!({ "name": "{% x %}" }), &[("/name", "template")]),
        (json!({ "name": "a".repeat(2_000) }), &[("/name", "too-long")]),
        (json!({ "createNamespaces": "true" }), &[("/createNamespaces", "type")]),
        (json!({ "labels": { "a": 1, "b": 2 } }), &[("/labels", "type")]),
        (json!({ "annotations": { "a": null } }), &[("/annotations", "type")]),
        (
            json!({ "labels": { "bursar.dev/x": "1", "-a": "b", "c": "-" }, "annotations": { "-": "x", "b": "\n" } }),
            &[("/labels", "format"), ("/labels", "reserved"), ("/labels", "format"), ("/annotations", "format")],
        ),
        (json!({ "createNamespaces": null, "labels": null, "name": null }), &[]),
    ] {
        check("kubernetes", &none, &settings, expected);
    }
}

#[test]
fn of_openbao() {
    let base = json!({"address": "https://vault.example.com"});
    for address in ["x", "http://a.example", "https://a.example/?q", "a b"] {
        check("openbao", &base, &json!({ "address": address }), &[("/address", "format")]);
    }
    check("openbao", &base, &json!({ "address": "" }), &[("/address", "type")]);
    check("openbao", &base, &json!({ "address": null }), &[("/address", "required")]);
    for setting in ["mount", "prefix", "namespace", "authMount", "caFile", "token"] {
        check_text("openbao", &base, setting);
    }
    check_timeout("openbao", &base);
    for path in ["/x", "a/", "a//b", "a/../b", "..", ".", "a b", "ä", "a\nb"] {
        check("openbao", &base, &json!({ "mount": path }), &[("/mount", "format")]);
    }
    for path in ["a/.../b", ".a", "a.b-c_d/0"] {
        check("openbao", &base, &json!({ "mount": path }), &[]);
    }
    for (settings, expected) in [
        (json!({ "caFile": "x" }), &[("/caFile", "format")][..]),
        (json!({ "token": "a b" }), &[("/token", "format")]),
        (json!({ "token": "a b", "roleId": "r" }), &[("/token", "format"), ("/token", "conflict")]),
        (json!({ "token": "", "roleId": "r" }), &[("/token", "type"), ("/secretId", "required")]),
        (json!({ "token": 1, "roleId": "r", "secretId": "s" }), &[("/token", "type")]),
        (json!({ "roleId": "r", "secretId": "" }), &[("/secretId", "type"), ("/secretId", "required")]),
        (json!({ "token": "t", "roleId": null }), &[]),
    ] {
        check("openbao", &base, &settings, expected);
    }
}

#[test]
fn of_a_webhook() {
    let base = json!({"url": "https://hooks.example.com/"});
    check("webhook", &base, &json!({ "url": null }), &[("/url", "required")]);
    for setting in ["url", "secret", "caFile"] {
        check("webhook", &base, &json!({ setting: "" }), &[(&format!("/{setting}"), "type")]);
    }
    check_timeout("webhook", &base);
    check("webhook", &base, &json!({ "secret": "a\nb" }), &[("/secret", "length")]);
    check("webhook", &base, &json!({ "headers": { "a": 1, "b": "x" } }), &[("/headers", "type")]);
    let headers = json!({ "Host": "x", "X-Token": "x", "a b": "c", "d~/": "e", "ok": "f\n", "fine": "g" });
    let expected = [
        ("/headers/Host", "reserved"),
        ("/headers/X-Token", "secret"),
        ("/headers/a b", "format"),
        ("/headers/d~0~1", "format"),
        ("/headers/ok", "format"),
    ];
    check("webhook", &base, &json!({ "headers": headers }), &expected);
}

#[test]
fn of_what_is_no_settings_at_all() {
    for kind in ["directory", "kubernetes", "openbao", "webhook"] {
        for settings in [json!([]), json!(null), json!("x")] {
            let complaints = judge(kind, settings.clone());
            assert_eq!(complaints.len(), 1, "{kind} {settings}: {complaints:?}");
            assert_eq!((complaints[0].0.as_str(), complaints[0].1.as_str()), ("", "type"), "{kind} {settings}");
        }
    }
    let unknown = json!({ "a/b": null, "x": 1, "path": "/srv" });
    check("directory", &json!({}), &unknown, &[("/a~1b", "unknown"), ("/x", "unknown")]);
}

/// What every text has in common.
fn check_text(kind: &str, base: &Value, setting: &str) {
    for value in [json!(""), json!(1), json!(true), json!([]), json!({})] {
        check(kind, base, &json!({ setting: value }), &[(&format!("/{setting}"), "type")]);
    }
    check(kind, base, &json!({ setting: null }), &[]);
}

fn check_timeout(kind: &str, base: &Value) {
    for value in [json!("30"), json!(1.5), json!(301.5), json!(-1), json!(1e300), json!(true)] {
        check(kind, base, &json!({ "timeoutSeconds": value }), &[("/timeoutSeconds", "type")]);
    }
    for value in [json!(0), json!(301), json!(301.0)] {
        check(kind, base, &json!({ "timeoutSeconds": value }), &[("/timeoutSeconds", "range")]);
    }
    for value in [json!(null), json!(1), json!(300.0)] {
        check(kind, base, &json!({ "timeoutSeconds": value }), &[]);
    }
}

/// Holds pointers and codes, in order, against those of `base` with `settings` over it.
fn check(kind: &str, base: &Value, settings: &Value, expected: &[(&str, &str)]) {
    let mut all: Map<String, Value> = base.as_object().cloned().unwrap_or_default();
    all.extend(settings.as_object().cloned().unwrap_or_default());
    let found = judge(kind, Value::Object(all));
    let found: Vec<_> = found.iter().map(|(pointer, code, _)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(found, expected, "{kind} {settings}");
}
