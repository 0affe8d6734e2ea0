//! A real component that is careless in each way, on the real host: each must be
//! caught, and a good one must not be.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that the lint exempts")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bursar_plugin_check::{Area, Finding, Level, Report, Subject, check};
use serde_json::{Value, json};

#[tokio::test]
async fn a_good_plugin_passes() {
    let report = look(None, &good("")).await;
    assert!(report.passed(true), "{:#?}", report.findings);
    for (area, says) in [
        (Area::Admission, "a broker takes it; it imports clock, http, log, and nothing else"),
        (Area::Cases, "9 cases hold"),
        (Area::Coverage, "1 format, each in a case"),
        (Area::Stability, "1 credential made and 1 form read twice alike"),
        (Area::Secrets, "1 secret in 2 forms: nothing of them came out in "),
        (Area::Limits, "calls stay below half of their time and memory"),
    ] {
        let found =
            report.findings.iter().any(|it| (it.level, it.area) == (Level::Ok, area) && it.summary.contains(says));
        assert!(found, "{says}: {:#?}", report.findings);
    }
    // A secret too short for its pattern to be looked for is told, not passed over.
    assert_told(&report, Level::Info, "nothing else could be planted in /pin: what the case has there is too short");
    let plugin = report.plugin.unwrap();
    assert_eq!((plugin.id.as_str(), plugin.kind), ("careless", "dns-provider"));
}

#[tokio::test]
async fn each_carelessness_is_caught() {
    for (behaviour, level, says) in [
        ("spill", Level::Fail, "the secret /token is in the public field /fingerprint, which check fills, in hex"),
        ("spill", Level::Fail, "the secret /token is in the attributes of inspect, in hex"),
        ("cross", Level::Fail, "check writes the secret /token into the secret /recovery, in hex"),
        ("mangle", Level::Warn, "check rewrites the secret /recovery by more than blanks and line ends"),
        ("name", Level::Fail, "the secret /token is in the name of an artifact, in hex"),
        (
            "log",
            Level::Warn,
            "the secret /token is in the plugin's log or error text, plain; a broker drops those here",
        ),
        ("complain", Level::Warn, "the secret /token is in the plugin's log or error text, plain"),
        ("stray", Level::Fail, "asks for what the host refuses"),
        ("elsewhere", Level::Fail, "asks for what the host refuses"),
        ("grow", Level::Fail, "inspect changes what it has normalised itself"),
        ("refuse-own", Level::Fail, "inspect refuses what it has normalised itself"),
        ("memory", Level::Warn, "materializer.materialize took up to "),
    ] {
        let report = look(None, &good(behaviour)).await;
        assert_told(&report, level, says);
        assert!(!report.passed(true), "{behaviour} passed");
    }
}

#[tokio::test]
async fn a_case_that_does_not_hold_shows_the_first_difference() {
    for (behaviour, says) in [
        ("wrong-path", "request 1: path: wanted /v1/zones, got /v1/zoness"),
        ("idle", "0 of 1 requests were made; not this one:"),
        ("busy", "request 2 is one more than the case has:"),
        ("clock", "0 of 1 requests were made; not this one:"),
        ("complain", "the plugin said: what is t0ken-of-the-case?"),
        ("stray", "the host refused GET https://api.example.com:443/v1/zones: "),
    ] {
        let report = look(None, &good(behaviour)).await;
        let failed = |it: &&Finding| (it.level, it.area) == (Level::Fail, Area::Cases);
        let details: Vec<_> = report.findings.iter().filter(failed).flat_map(|it| &it.details).collect();
        assert!(details.iter().any(|it| it.contains(says)), "{behaviour}: {says}: {details:#?}");
    }
}

#[tokio::test]
async fn the_clock_is_what_the_case_says() {
    let present = |now: Option<i64>, handle: &str| {
        let mut case = json!({
            "about": "", "call": "present", "data": { "behaviour": "clock", "token": "t0ken-of-the-case" },
            "txt": { "fqdn": "a.example", "value": "v" }, "ok": { "handle": handle },
        });
        if let Some(now) = now {
            case["now"] = json!(now);
        }
        case
    };
    let report =
        look(None, &json!([present(None, "1750000000"), present(Some(17), "17"), present(Some(18), "17")])).await;
    assert_told(&report, Level::Info, "2 of 3 cases hold");
    let failed: Vec<_> = report.findings.iter().filter(|it| it.level == Level::Fail).collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0].details, ["/handle: wanted \"17\", got \"18\""]);
}

#[tokio::test]
async fn what_the_manifest_does_not_say_is_told() {
    let odd = json!([{
        "about": "odd", "call": "check", "data": { "behaviour": "odd-code", "token": "t0ken-of-the-case" },
        "error": { "kind": "invalid", "violations": [{ "pointer": "/token", "code": "odd" }] },
    }]);
    let report = look(None, &odd).await;
    assert_told(&report, Level::Fail, "the manifest has no message for the code `odd`");
    assert_told(&report, Level::Warn, "no case materializes the format `login`");
    for call in ["probe", "dns-check", "present", "poll", "cleanup"] {
        assert_told(&report, Level::Warn, &format!("no case of `{call}`"));
    }
    assert!(!report.passed(false));

    let none = look(None, &json!([])).await;
    assert_told(&none, Level::Warn, "there are no cases");
    assert_told(&none, Level::Warn, "there was nothing to look for");
    assert!(none.passed(false) && !none.passed(true));
}

#[tokio::test]
async fn a_component_of_other_files_is_told() {
    for (file, change) in [
        ("manifest.json", ("1.0.0", "1.0.1")),
        ("schema.json", ("PIN", "Pin")),
        ("template.json", ("<name>", "<user>")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for name in ["manifest.json", "schema.json", "template.json"] {
            let mut text = std::fs::read_to_string(guest().join(name)).unwrap();
            if name == file {
                text = text.replace(change.0, change.1);
            }
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let report = look(Some(folder.path()), &good("")).await;
        assert_told(&report, Level::Fail, &format!("the component was built from another {file}: build it again"));
    }
}

#[tokio::test]
async fn what_a_broker_refuses_is_told_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    std::fs::write(&file, std::fs::read(core_module()).unwrap()).unwrap();
    let report = check(&Subject::of_file(file), Some(cache())).await.unwrap();
    assert_eq!(report.findings.len(), 1);
    assert_told(&report, Level::Fail, "a broker refuses the component: this is a core module, not a component");
}

fn assert_told(report: &Report, level: Level, says: &str) {
    let told = report.findings.iter().any(|it| it.level == level && it.summary.contains(says));
    assert!(told, "{level:?} {says}: {:#?}", report.findings);
}

/// Cases that hold for the good plugin, told to behave otherwise.
fn good(behaviour: &str) -> Value {
    let data = |more: Value| {
        let mut data = json!({ "username": "ann", "token": "t0ken-of-the-case" });
        if !behaviour.is_empty() {
            data["behaviour"] = json!(behaviour);
        }
        if ["cross", "mangle"].contains(&behaviour) {
            data["recovery"] = json!("a-recovery-code");
        }
        more.as_object().unwrap().iter().for_each(|(name, value)| data[name] = value.clone());
        data
    };
    let exchange = |method: &str, path: &str, status: u16, answer: Value| {
        json!({
            "request": {
                "method": method, "url": format!("https://api.example.com/v1/{path}"),
                "headers": { "authorization": "Bearer t0ken-of-the-case" },
            },
            "answer": { "status": status, "json": answer },
        })
    };
    let txt = json!({ "fqdn": "_acme-challenge.example.com", "value": "abc" });
    let mut post = exchange("POST", "records", 201, json!({ "id": 7 }));
    post["request"]["json"] = json!({ "name": "_acme-challenge.example.com", "value": "abc", "ttl": 60 });
    let mut inspected = data(json!({}));
    inspected.as_object_mut().unwrap().remove("token");
    json!([
        { "about": "read", "call": "inspect", "data": inspected, "ok": {} },
        { "about": "checked", "call": "check", "data": data(json!({ "pin": "1234" })), "ok": [] },
        { "about": "made", "call": "materialize", "format": "login", "data": data(json!({})), "ok": { "artifacts": { "token": { "text": "t0ken-of-the-case" } } } },
        { "about": "probed", "call": "probe", "data": data(json!({})), "ok": { "summary": "Signed in: \"octo\"." },
          "http": [exchange("GET", "zones", 200, json!({ "user": "octo" }))] },
        { "about": "refused", "call": "dns-check", "data": data(json!({})), "error": { "kind": "denied", "contains": "no such token" },
          "http": [exchange("GET", "zones", 401, json!({ "error": "no such token" }))] },
        { "about": "present", "call": "present", "data": data(json!({})), "txt": txt, "ok": { "handle": "7" }, "http": [post] },
        { "about": "pending", "call": "poll", "data": data(json!({})), "handle": "slow", "ok": { "pendingSeconds": 5 } },
        { "about": "cleanup", "call": "cleanup", "data": data(json!({})), "txt": txt, "handle": "7", "ok": {},
          "http": [exchange("DELETE", "records/7", 204, json!({}))] },
        { "about": "throttled", "call": "cleanup", "data": data(json!({})), "txt": txt, "handle": "7", "error": { "kind": "throttled", "seconds": 30 },
          "http": [exchange("DELETE", "records/7", 429, json!({}))] },
    ])
}

/// Looks at the careless plugin, by the files of `folder` or of its own.
async fn look(folder: Option<&Path>, cases: &Value) -> Report {
    let tests = tempfile::tempdir().unwrap();
    std::fs::write(tests.path().join("cases.json"), cases.to_string()).unwrap();
    let file = tests.path().join("careless.wasm");
    std::fs::write(&file, component()).unwrap();
    let subject = Subject {
        component: file,
        cases: Some(tests.path().to_owned()),
        folder: Some(folder.map_or_else(guest, Path::to_owned)),
    };
    check(&subject, Some(cache())).await.unwrap()
}

fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let encoder = wit_component::ComponentEncoder::default();
        encoder.validate(true).module(&std::fs::read(core_module()).unwrap()).unwrap().encode().unwrap()
    })
}

fn core_module() -> &'static Path {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-guests");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--locked", "--target", "wasm32-unknown-unknown", "--target-dir"])
            .arg(&target)
            .current_dir(guest())
            .status()
            .unwrap();
        assert!(built.success(), "the careless guest builds");
        target.join("wasm32-unknown-unknown/release/careless.wasm")
    })
}

fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/careless")
}

fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code")
}
