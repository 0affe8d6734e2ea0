//! The bodies of requests, and how their validation differs from what OpenAPI says.

use std::sync::LazyLock;

use crate as api;
use bursar_kernel::{Error, Submitted};
use serde_json::Value;

use super::body_schema::{BodySchema, Rule};

/// A body that is validated by its schema before it is read.
pub trait RequestBody: Sized {
    /// Reads a body; members that are not valid hold placeholders.
    ///
    /// # Errors
    ///
    /// Where not even that can be read.
    fn read(body: Value) -> Result<Submitted<Self>, Error>;
}

macro_rules! bodies {
    ($($of:ident { $($member:literal: $($rule:expr),+;)* })+) => {
        $(impl RequestBody for api::$of {
            fn read(body: Value) -> Result<Submitted<Self>, Error> {
                const RULES: &[(&str, &[Rule])] = &[$(($member, &[$($rule),+])),*];
                static SCHEMA: LazyLock<BodySchema> = LazyLock::new(|| BodySchema::of::<api::$of>(RULES));
                SCHEMA.read(body)
            }
        })+

        /// Compiles every schema.
        #[cfg(test)]
        fn read_each(body: &Value) -> Vec<(&'static str, Result<(), Error>)> {
            vec![$((stringify!($of), <api::$of>::read(body.clone()).and_then(|read| read.accept().map(drop)))),+]
        }
    };
}

bodies! {
    CreateAccount {
        "name": Rule::OwnText;
    }
    PatchAccount {
        "name": Rule::OwnText;
    }
    PutMember {
        "role": Rule::Code { from: &["unknown"], to: "required" };
        "bindable": whole("Give credentials (a list of ids or names) and labels (an object of strings), or null.");
    }
    CreateToken {
        "name": Rule::OwnText;
        "role": Rule::Code { from: &["unknown"], to: "format" };
        "scope": whole("A scope has credentials (list), labels (object of strings), regions (list), consumers (list).");
        "expiresAt": Rule::OwnText;
    }
    CreateOperatorToken {
        "name": Rule::OwnText;
        "expiresAt": Rule::OwnText;
    }
    CreateCredential {
        "name": Rule::OwnText;
    }
    PatchCredential {
        "name": Rule::OwnText;
        "type": Rule::Undescribed, Rule::Code { from: &["type"], to: "immutable" };
        "default": Rule::Immutable("use POST .../set-default");
    }
    Reveal {}
    Materialize {}
    Probe {}
    PresentDnsRecord {
        "fqdn": Rule::OwnText;
        "value": Rule::OwnText;
        "ttlSeconds": Rule::Code { from: &["type", "range"], to: "format" };
    }
    CleanupDnsRecord {
        "fqdn": Rule::OwnText;
        "value": Rule::OwnText;
    }
    PutBinding {}
    Resolve {
        "consumer": Rule::OwnText;
        "slot": Rule::OwnText;
    }
    ResolveImage {}
    CreateRegion {
        "name": Rule::OwnText;
        "login": whole(LOGIN);
        "accounts": whole(ACCOUNTS);
    }
    PatchRegion {
        "name": Rule::OwnText;
        "login": whole(LOGIN);
        "accounts": whole(ACCOUNTS);
        "target": Rule::Undescribed, Rule::Code { from: &["type"], to: "immutable" };
    }
    AttachRegion {
        "formats": whole("This must map a type to a list of its formats.");
        "types": whole("This must be a list of credential types, or null.");
    }
    DecidePlugin {}
    Checkpoint {
        "": Rule::Whole {
            code: "format",
            message: "This is not a checkpoint: send the answer of GET /v1/audit/checkpoint, or no body.",
        };
    }
}

const fn whole(message: &'static str) -> Rule {
    Rule::Whole { code: "type", message }
}

const LOGIN: &str = "This must be an object of account and credential, each an id or a name.";
const ACCOUNTS: &str = "This must be a list of account names, or null.";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Pointers and codes of what is wrong.
    fn violations<T: RequestBody>(body: Value) -> Vec<(String, String)> {
        let error = T::read(body).and_then(|read| read.accept().map(drop)).unwrap_err();
        error.violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
    }

    fn assert_violations<T: RequestBody>(body: Value, expected: &[(&str, &str)]) {
        let shown = body.to_string();
        let found = violations::<T>(body);
        let found: Vec<_> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
        assert_eq!(found, expected, "{shown}");
    }

    #[test]
    fn every_schema_compiles_and_refuses_what_is_no_object() {
        for body in [json!([]), json!(null), json!("text"), json!(7)] {
            for (name, read) in read_each(&body) {
                let violations = read.unwrap_err().violations;
                let code = if name == "Checkpoint" { "format" } else { "type" };
                assert_eq!(violations.len(), 1, "{name}");
                assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_str()), ("", code), "{name}");
            }
        }
    }

    #[test]
    fn unknown_members_are_violations_of_every_body() {
        for (name, read) in read_each(&json!({ "colour": "hunter2" })) {
            let pointer = if name == "Checkpoint" { "" } else { "/colour" };
            let error = read.unwrap_err();
            assert!(error.violations.iter().any(|violation| violation.pointer == pointer), "{name}");
            assert!(!format!("{error:?}").contains("hunter2"), "{name}");
        }
    }

    #[test]
    fn everything_is_reported_without_a_value() {
        let body = json!({"fields": ["/a", {"x": "hunter2"}], "hunter2": 1});
        assert_violations::<api::Reveal>(body, &[("/fields/1", "type"), ("/hunter2", "unknown")]);
        assert_violations::<api::Materialize>(json!({"format": 7}), &[("/format", "type")]);
        let error = api::Reveal::read(json!({"fields": ["/a", {"x": "hunter2"}]})).unwrap().accept().unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn an_optional_member_may_be_null() {
        assert_eq!(api::Reveal::read(json!({"fields": null})).unwrap().accept().unwrap().fields, None);
        assert!(api::PatchCredential::read(json!({"name": null, "labels": {"a": null}})).unwrap().accept().is_ok());
        let attached = api::AttachRegion::read(json!({"formats": null, "types": null, "onDetach": null}));
        assert!(attached.unwrap().accept().is_ok());
        let token = json!({"name": "x", "role": null, "principal": null, "scope": null, "expiresAt": null});
        assert!(api::CreateToken::read(token).unwrap().accept().is_ok());
    }

    #[test]
    fn accounts_and_members() {
        assert_violations::<api::CreateAccount>(
            json!({"title": 7, "colour": 1}),
            &[("/colour", "unknown"), ("/name", "required"), ("/title", "type")],
        );
        assert_violations::<api::CreateAccount>(
            json!({"name": null, "title": "x".repeat(256)}),
            &[("/name", "required"), ("/title", "too-long")],
        );
        assert_violations::<api::PatchAccount>(json!({"name": 7}), &[("/name", "type")]);
        for (body, expected) in [
            (json!({}), ("/role", "required")),
            (json!({"role": "king"}), ("/role", "required")),
            (json!({"role": "member", "bindable": []}), ("/bindable", "type")),
            (json!({"role": "member", "bindable": {"colour": 1}}), ("/bindable", "type")),
            (json!({"role": "member", "bindable": {"credentials": [1], "labels": 1}}), ("/bindable", "type")),
        ] {
            assert_violations::<api::PutMember>(body, &[expected]);
        }
    }

    #[test]
    fn tokens() {
        let body = json!({"name": 1, "role": "king", "expiresAt": 1, "colour": 1, "scope": {"regions": [1]}});
        let expected = [
            ("/colour", "unknown"),
            ("/expiresAt", "type"),
            ("/name", "type"),
            ("/role", "format"),
            ("/scope", "type"),
        ];
        assert_violations::<api::CreateToken>(body, &expected);
        assert_violations::<api::CreateOperatorToken>(json!({"name": "x", "role": "admin"}), &[("/role", "unknown")]);
        // Rules of the command.
        let body = json!({"name": "not a name", "expiresAt": "soon"});
        assert!(api::CreateToken::read(body).unwrap().accept().is_ok());
    }

    #[test]
    fn credentials() {
        let body = json!({"title": 7, "labels": {"team": 1}, "default": "yes", "revealable": 0, "data": "text"});
        assert_violations::<api::CreateCredential>(
            body,
            &[
                ("/data", "type"),
                ("/default", "type"),
                ("/labels/team", "type"),
                ("/name", "required"),
                ("/revealable", "type"),
                ("/title", "type"),
                ("/type", "required"),
            ],
        );
        let body = json!({"default": true, "type": 7, "data": []});
        let expected = [("/data", "type"), ("/default", "immutable"), ("/type", "immutable")];
        assert_violations::<api::PatchCredential>(body, &expected);
        let same = api::PatchCredential::read(json!({"type": "basic-auth", "title": "T"})).unwrap().accept().unwrap();
        assert_eq!(same.r#type.as_deref(), Some("basic-auth"));
    }

    #[test]
    fn dns_records() {
        for (body, expected) in [
            (json!({}), vec![("/fqdn", "required"), ("/value", "required")]),
            (
                json!({"fqdn": 7, "value": ["v"], "ttlSeconds": "60"}),
                vec![("/fqdn", "type"), ("/ttlSeconds", "format"), ("/value", "type")],
            ),
            (json!({"fqdn": "a", "value": "v", "zo/ne": 1}), vec![("/zo~1ne", "unknown")]),
        ] {
            assert_violations::<api::PresentDnsRecord>(body, &expected);
        }
        for bad in [json!(0), json!(86_401), json!(60.5), json!(-60), json!(1e300)] {
            let body = json!({"fqdn": "a", "value": "v", "ttlSeconds": bad});
            assert_violations::<api::PresentDnsRecord>(body, &[("/ttlSeconds", "format")]);
        }
        let body: Value = serde_json::from_str(r#"{"fqdn": "a", "value": "v", "ttlSeconds": 60.0}"#).unwrap();
        let read = api::PresentDnsRecord::read(body).unwrap().accept().unwrap();
        assert_eq!(read.ttl_seconds, Some(60), "an integer, however it is written");
        let body = json!({"fqdn": "a", "value": "v", "ttlSeconds": 60});
        assert_violations::<api::CleanupDnsRecord>(body, &[("/ttlSeconds", "unknown")]);
    }

    #[test]
    fn bindings() {
        assert_violations::<api::PutBinding>(json!({"credential": null}), &[("/credential", "required")]);
        let body = json!({"consumer": 7, "format": 7});
        assert_violations::<api::Resolve>(body, &[("/consumer", "type"), ("/format", "type"), ("/slot", "required")]);
        assert_violations::<api::ResolveImage>(json!({"image": []}), &[("/image", "type")]);
        assert_violations::<api::DecidePlugin>(json!({"digest": true}), &[("/digest", "type")]);
    }

    #[test]
    fn regions() {
        let body = json!({
            "title": "t".repeat(256), "drift": "sometimes", "login": {"account": "a"}, "accounts": ["a", 1],
            "settings": [], "colour": 1
        });
        let create = [
            ("/accounts", "type"),
            ("/colour", "unknown"),
            ("/drift", "unknown"),
            ("/login", "type"),
            ("/name", "required"),
            ("/settings", "type"),
            ("/target", "required"),
            ("/title", "too-long"),
        ];
        assert_violations::<api::CreateRegion>(body.clone(), &create);
        let patch = create.into_iter().filter(|(_, code)| *code != "required").collect::<Vec<_>>();
        assert_violations::<api::PatchRegion>(body, &patch);
        assert_violations::<api::PatchRegion>(json!({"target": 7}), &[("/target", "immutable")]);
        let read = api::PatchRegion::read(json!({"name": null, "target": "directory"})).unwrap().accept().unwrap();
        assert!(matches!(read.name, api::Change::Clear) && read.title.is_keep());
        assert_eq!(read.target.as_deref(), Some("directory"));
        let body = json!({"formats": {"a": "b"}, "types": "a", "onDetach": "burn"});
        let expected = [("/formats", "type"), ("/onDetach", "unknown"), ("/types", "type")];
        assert_violations::<api::AttachRegion>(body, &expected);
    }

    #[test]
    fn a_checkpoint_is_one_or_not() {
        for body in [json!({}), json!({"node": 1}), json!("text")] {
            assert_violations::<api::Checkpoint>(body, &[("", "format")]);
        }
        let mut checkpoint = json!({
            "node": "n", "seq": 7, "hash": "h", "at": "2026-11-22T09:30:00.000Z", "publicKey": "k", "signature": "s"
        });
        let read = api::Checkpoint::read(checkpoint.clone()).unwrap().accept().unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), checkpoint);
        for (member, wrong) in [("at", json!("yesterday")), ("seq", json!(-1)), ("more", json!(1))] {
            checkpoint[member] = wrong;
            assert_violations::<api::Checkpoint>(checkpoint.clone(), &[("", "format")]);
        }
    }

    #[test]
    fn what_is_valid_of_a_body_can_be_read_beside_what_is_not() {
        let body = json!({"name": 7, "title": "T", "colour": 1, "data": {"port": 5432.0, "password": "hunter2"}});
        let mut submitted = api::CreateCredential::read(body).unwrap();
        let draft = submitted.command();
        assert_eq!((draft.name.as_str(), draft.r#type.as_str(), draft.title.as_deref()), ("", "", Some("T")));
        assert_eq!(serde_json::to_value(&draft.data).unwrap(), json!({"port": 5432, "password": "hunter2"}));
        assert!(!format!("{submitted:?}").contains("hunter2"));
        let of_form = ["/data/host", "/name"].map(|pointer| bursar_kernel::Violation::new(pointer, "required", "."));
        submitted.complain(of_form);
        let violations = submitted.accept().unwrap_err().violations;
        let pointers: Vec<_> = violations.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/colour", "/name", "/type", "/data/host"]);
        // Nested deeper than documents may be: not this schema's to refuse.
        let deep = (0..100).fold(json!({}), |inner, _| json!({ "a": inner }));
        let body = json!({"type": "t", "name": "n", "data": deep});
        assert!(api::CreateCredential::read(body).unwrap().accept().is_ok());
    }
}
