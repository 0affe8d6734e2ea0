use serde_json::json;

use super::super::CopiedField;
use super::*;
use crate::secret::SecretJson;

fn pointers(pointers: &[&str]) -> Vec<String> {
    pointers.iter().map(|&pointer| pointer.to_owned()).collect()
}

/// Each place with its sources.
fn told(taints: &Taints) -> Vec<String> {
    let sources = |taint: &Taint| taint.sources.iter().cloned().collect::<Vec<_>>().join("+");
    let mark = |taint: &Taint| if taint.unrecorded { "?" } else { "" };
    taints.0.iter().map(|(place, taint)| format!("{place}{}: {}", mark(taint), sources(taint))).collect()
}

/// What is recorded where `check` saw `before` and answered `rewrites`.
fn checked(inherited: &Taints, before: &Value, rewrites: &Value, derives: &[Derived]) -> Result<Taints, NotCopied> {
    let mut after = before.clone();
    let rewrites: Vec<Rewrite> = rewrites
        .as_object()
        .unwrap()
        .iter()
        .map(|(pointer, value)| Rewrite { pointer: pointer.clone(), value: SecretJson::new(value.clone()) })
        .collect();
    for rewrite in &rewrites {
        crate::secret::put(&mut after, &rewrite.pointer, rewrite.value.expose().clone());
    }
    let secrets: Vec<String> =
        pointers(&["/a", "/b"]).into_iter().filter(|pointer| before.pointer(pointer).is_some()).collect();
    inherited.after_check(&rewrites, &secrets, derives, before, &after)
}

#[test]
fn only_a_fixed_number_of_outcomes_is_tidied() {
    for (old, new) in [
        (" s ", "s"),
        ("s\r\n", "s"),
        ("s\n\n", "s"),
        ("\u{a0}s\u{2003}", "s"),
        (" s \r\n", " s "),
        ("\n s ", " s "),
        ("\u{feff}s", "s"),
        ("\u{feff} s", "s"),
        ("\u{feff}a\r\nb\r\n", "a\nb"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("s", "s\n"),
        ("s ", "s\n"),
        ("a\r\nb", "a\nb\n"),
    ] {
        assert!(is_tidied(&json!(old), &json!(new)), "{old:?} {new:?}");
    }
    for (old, new) in [
        ("s", "s "),
        ("s", "s\n\n"),
        ("s", " s"),
        ("s", ""),
        ("s s", "ss"),
        ("s", "S"),
        // One of several line ends, a bit each.
        ("a\r\nb\r\nc", "a\nb\r\nc"),
        ("a\nb", "a\r\nb"),
        ("  s", " s"),
        ("s", "\u{feff}s"),
        ("a\rb", "a\nb"),
    ] {
        assert!(!is_tidied(&json!(old), &json!(new)), "{old:?} {new:?}");
    }
    assert!(!is_tidied(&json!(1), &json!(1.0)) && !is_tidied(&json!({"a": "s "}), &json!({"a": "s"})));
}

#[test]
fn what_check_wrote_may_hold_all_it_saw() {
    let none = Taints::default();
    let form = json!({ "a": "one ", "b": "two", "c": "public" });
    for (rewrites, taints) in [
        (json!({}), vec![]),
        (json!({ "/a": "one" }), vec![]),
        (json!({ "/b": "two" }), vec![]),
        (json!({ "/b": "two one " }), vec!["/b: /a+/b"]),
        (json!({ "/a": "one", "/b": "x" }), vec!["/b: /a+/b"]),
        (json!({ "/c": "x" }), vec!["/c: /a+/b"]),
    ] {
        assert_eq!(told(&checked(&none, &form, &rewrites, &[]).unwrap()), taints, "{rewrites}");
    }
    // What a secret may hold goes on, also where that one is gone by now.
    let old: Taints =
        [("/b".to_owned(), Taint { sources: ["/gone".to_owned()].into(), unrecorded: false })].into_iter().collect();
    let next = checked(&old, &form, &json!({ "/a": "x" }), &[]).unwrap();
    assert_eq!(told(&next), ["/a: /a+/b+/gone", "/b: /gone"]);
    assert_eq!(told(&checked(&old, &form, &json!({ "/b": "two\n" }), &[]).unwrap()), ["/b: /gone"]);
}

#[test]
fn a_copy_is_clean_where_its_secret_is() {
    let derives = [
        Derived::Computed("/c".to_owned()),
        Derived::Copied(CopiedField { field: "/d".to_owned(), secret: "/a".to_owned(), at: "/x".to_owned() }),
    ];
    let form = json!({ "a": "{\"x\": \"in a\"}", "b": "two" });
    let none = Taints::default();
    assert_eq!(told(&checked(&none, &form, &json!({ "/d": "in a" }), &derives).unwrap()), Vec::<String>::new());
    assert_eq!(checked(&none, &form, &json!({ "/d": "two" }), &derives), Err(NotCopied("/d".to_owned())));
    assert_eq!(told(&checked(&none, &form, &json!({ "/c": "in a" }), &derives).unwrap()), ["/c: /a+/b"]);
    let both = json!({ "/a": "{\"x\": \"two\"}", "/d": "two" });
    assert_eq!(told(&checked(&none, &form, &both, &derives).unwrap()), ["/a: /a+/b", "/d: /a+/b"]);
}

#[test]
fn a_value_that_stays_keeps_its_taint() {
    let taint = |unrecorded| Taint { sources: pointers(&["/a", "/b"]).into_iter().collect(), unrecorded };
    let before = json!({ "a": "one", "b": "two one", "o": { "x": "1", "y": "2" } });
    let written: Taints = ["/b", "/o"].map(|pointer| (pointer.to_owned(), taint(false))).into_iter().collect();
    let unrecorded: Taints = ["/a", "/b"].map(|pointer| (pointer.to_owned(), taint(true))).into_iter().collect();
    for (patch, kept, assumed) in [
        (json!({ "c": "x" }), vec!["/b", "/o"], vec!["/a", "/b"]),
        (json!({ "b": "new" }), vec!["/o"], vec!["/a"]),
        // Whoever repeats what was stored does not vouch for it.
        (json!({ "b": "two one" }), vec!["/b", "/o"], vec!["/a"]),
        (json!({ "b": null, "a": "new" }), vec!["/o"], vec![]),
        (json!({ "o": { "x": "new" } }), vec!["/b", "/o"], vec!["/a", "/b"]),
        (json!({ "o": "new" }), vec!["/b"], vec!["/a", "/b"]),
    ] {
        let mut now = before.clone();
        json_patch::merge(&mut now, &patch);
        assert_eq!(written.kept(&before, &now, &patch).places().collect::<Vec<_>>(), kept, "{patch}");
        assert_eq!(unrecorded.kept(&before, &now, &patch).places().collect::<Vec<_>>(), assumed, "{patch}");
    }
}

#[test]
fn a_version_that_says_nothing_is_taken_for_the_worst() {
    let derives = [
        Derived::Computed("/c".to_owned()),
        Derived::Copied(CopiedField { field: "/d".to_owned(), secret: "/a".to_owned(), at: "/x".to_owned() }),
    ];
    let data = json!({ "a": "{\"x\": \"in a\"}", "b": "two", "c": "key", "d": "in a" });
    let of = |secrets: &[&str], data: &Value| told(&Taints::unrecorded(&pointers(secrets), &derives, data));
    assert_eq!(of(&["/a", "/b"], &data), ["/a?: /a+/b", "/b?: /a+/b", "/c?: /a+/b", "/d?: /a+/b"]);
    assert_eq!(of(&["/a"], &data), ["/c?: /a"]);
    let other = json!({ "a": "{\"x\": \"in a\"}", "d": "other" });
    assert_eq!(of(&["/a"], &other), ["/d?: /a"]);
    assert_eq!(of(&[], &data), Vec::<String>::new());
}

#[test]
fn a_part_of_a_written_value_is_written() {
    let taint = Taint { sources: ["/a".to_owned()].into(), unrecorded: false };
    let taints: Taints = [("/o/x".to_owned(), taint)].into_iter().collect();
    for (pointer, concerned) in [("/o/x", 1), ("/o/x/y", 1), ("/o", 1), ("/o/xy", 0), ("/p", 0)] {
        assert_eq!(taints.about(pointer).count(), concerned, "{pointer}");
    }
}
