//! Whatever an operator writes into settings is refused with its pointer, or can
//! be used: nothing of it makes a library panic, when it is judged, when the
//! target is opened, and when it is first asked something.

use bursar_regions::{Target, TargetError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::region::{judge, login, open};

/// A kubeconfig whose token ends in a line break, as a block scalar has it.
const BLOCK_SCALAR: &str = "\
apiVersion: v1
kind: Config
current-context: c
clusters:
- name: k
  cluster:
    server: http://127.0.0.1:1
contexts:
- name: c
  context: {cluster: k, user: u}
users:
- name: u
  user:
    token: |
      eyJhbGciOi.tok.sig
";

#[tokio::test]
async fn a_token_with_a_line_break_is_refused_where_it_is_written() {
    let complaints = judge("kubernetes", json!({ "kubeconfig": BLOCK_SCALAR }));
    let [(pointer, code, message)] = &complaints[..] else { panic!("{complaints:?}") };
    assert_eq!((pointer.as_str(), code.as_str()), ("/kubeconfig", "format"));
    assert!(message.contains("one line") && !message.contains("eyJ"), "{message}");
    // One that was stored before this was asked says so too, and does not panic.
    let opened = open("kubernetes", json!({ "kubeconfig": BLOCK_SCALAR }), None).await;
    assert!(matches!(opened.err(), Some(TargetError::Invalid(why)) if why.contains("one line")));
    for on_one_line in [BLOCK_SCALAR.replace('|', "|-"), BLOCK_SCALAR.replace("|\n      ", "")] {
        assert_eq!(judge("kubernetes", json!({ "kubeconfig": on_one_line })), []);
    }
}

/// What kube reads in another way than we look at it, or cannot send.
#[tokio::test]
async fn what_kube_cannot_use_is_refused_where_it_is_written() {
    for (from, to) in [
        ("token: |\n      eyJhbGciOi.tok.sig", "token: \"a b\""),
        ("token: |\n      eyJhbGciOi.tok.sig", "token: \"\\u00fc\""),
        ("token: |\n      eyJhbGciOi.tok.sig", "token: \"\""),
        ("token: |\n      eyJhbGciOi.tok.sig", "{username: \"a:b\", password: x}"),
        ("token: |\n      eyJhbGciOi.tok.sig", "{username: a, password: \"x\\n\"}"),
        ("http://127.0.0.1:1", "https://user:pass@127.0.0.1:1"),
        ("http://127.0.0.1:1", "https://127.0.0.1:1/?a"),
    ] {
        let kubeconfig = BLOCK_SCALAR.replace(from, to).replace("|\n      ", "");
        let complaints = judge("kubernetes", json!({ "kubeconfig": kubeconfig }));
        assert_eq!(complaints.len(), 1, "{to}: {complaints:?}");
        assert_eq!(complaints[0].0, "/kubeconfig", "{to}");
    }
}

#[test]
fn a_line_end_that_came_along_from_a_file_is_told() {
    let bao = json!({ "address": "https://bao.example.com", "roleId": "role\n", "secretId": "s3cret-id\r\n" });
    let complaints = judge("openbao", bao);
    let told: Vec<_> = complaints.iter().map(|(pointer, code, _)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(told, [("/roleId", "format"), ("/secretId", "format")]);
    assert!(complaints.iter().all(|(_, _, message)| message.contains("one line") && !message.contains("s3cret")));
    let hook = json!({ "url": "https://hooks.example.com/", "secret": "sixteen characters\n" });
    assert_eq!(judge("webhook", hook)[0].0, "/secret");
    assert_eq!(judge("directory", json!({ "path": "/srv/bursar\n" }))[0].0, "/path");
}

#[test]
fn a_whole_number_may_have_a_zero_fraction() {
    let judge = |seconds: &str| {
        let settings = serde_json::from_str(&format!(
            r#"{{ "url": "https://hooks.example.com/", "secret": "sixteen characters", "timeoutSeconds": {seconds} }}"#
        ));
        judge("webhook", settings.unwrap())
    };
    assert_eq!(judge("30.0"), []);
    for bad in ["30.5", "301.0", "-1.0", "1e300", "\"30\""] {
        assert_eq!(judge(bad)[0].0, "/timeoutSeconds", "{bad}");
    }
}

#[test]
fn a_kubeconfig_of_anything_makes_nothing_panic() {
    let user = members(&[
        ("token", prop_oneof![3 => Just("eyJ.tok.sig".to_owned()), 2 => nasty()].boxed()),
        ("username", nasty()),
        ("password", nasty()),
        ("client-certificate-data", nasty()),
        ("client-key-data", nasty()),
        ("as", nasty()),
    ]);
    let cluster = members(&[
        ("certificate-authority-data", nasty()),
        ("tls-server-name", nasty()),
        (
            "proxy-url",
            prop_oneof![Just("http://127.0.0.1:1".to_owned()), Just("127.0.0.1:1".to_owned()), nasty()].boxed(),
        ),
    ]);
    let more = members(&[("context", nasty()), ("namespace", nasty()), ("name", nasty())]);
    let all = (user, cluster, address(), more, prop_oneof![4 => Just("c".to_owned()), 1 => nasty()]);
    run(&all, |(user, cluster, (server, is_near), more, current)| {
        let mut cluster = cluster;
        cluster.insert("server".to_owned(), json!(server));
        // JSON is YAML.
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": current,
            "clusters": [{ "name": "k", "cluster": cluster }],
            "contexts": [{ "name": "c", "context": { "cluster": "k", "user": "u" } }],
            "users": [{ "name": "u", "user": user }],
        });
        let mut settings = more;
        settings.insert("kubeconfig".to_owned(), json!(kubeconfig.to_string()));
        settings.insert("timeoutSeconds".to_owned(), json!(1));
        // A proxy or a name may lead elsewhere.
        (
            "kubernetes",
            Value::Object(settings),
            is_near && kubeconfig["clusters"][0]["cluster"].get("proxy-url").is_none(),
        )
    });
}

#[test]
fn a_kubeconfig_of_any_bytes_makes_nothing_panic() {
    let text = prop_oneof![
        any::<String>(),
        "[-{}\\[\\]:,&*!|>%@`'\"# \n\ta-z0-9]{0,80}",
        (any::<prop::sample::Index>(), nasty()).prop_map(|(at, put)| {
            let at = at.index(BLOCK_SCALAR.len());
            format!("{}{put}{}", &BLOCK_SCALAR[..at], &BLOCK_SCALAR[at..])
        }),
    ];
    run(&text, |text| ("kubernetes", json!({ "kubeconfig": text }), false));
}

#[test]
fn a_vault_of_anything_makes_nothing_panic() {
    let names = ["mount", "prefix", "namespace", "token", "roleId", "secretId", "authMount"];
    let all = (members(&names.map(|name| (name, nasty()))), address());
    run(&all, |(mut settings, (server, is_near))| {
        settings.insert("address".to_owned(), json!(server));
        settings.insert("timeoutSeconds".to_owned(), json!(1));
        ("openbao", Value::Object(settings), is_near)
    });
}

#[test]
fn a_receiver_of_anything_makes_nothing_panic() {
    let headers = prop::collection::vec((nasty(), nasty()), 0..3);
    let all = (members(&[("secret", nasty())]), headers, address());
    run(&all, |(mut settings, headers, (server, is_near))| {
        settings.insert("url".to_owned(), json!(server));
        let headers: Map<String, Value> = headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
        settings.insert("headers".to_owned(), Value::Object(headers));
        settings.insert("timeoutSeconds".to_owned(), json!(1));
        ("webhook", Value::Object(settings), is_near)
    });
}

#[test]
fn a_directory_of_anything_makes_nothing_panic() {
    let all = members(&["path", "mode", "directoryMode", "owner"].map(|name| (name, nasty())));
    run(&all, |settings| ("directory", Value::Object(settings), false));
}

/// Judges settings, opens what is let pass and, where it leads to this machine
/// alone, asks it something.
fn run<S: Strategy>(strategy: &S, settings: impl Fn(S::Value) -> (&'static str, Value, bool)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(strategy, |value| {
        let (kind, settings, is_near) = settings(value);
        let complaints = judge(kind, settings.clone());
        runtime.block_on(async {
            // What was stored before a rule was made is opened as it is.
            let login = login("user", "sixteen characters");
            let opened = open(kind, settings, (kind != "kubernetes").then_some(login)).await;
            if let (Ok(target), true) = (opened, is_near && complaints.is_empty()) {
                ask(&*target).await;
            }
        });
        Ok(())
    });
    if let Err(failure) = ran {
        panic!("{failure}");
    }
}

/// Nobody listens there: it fails, and says so.
async fn ask(target: &dyn Target) {
    assert!(target.check().await.is_err(), "nobody is there");
}

/// Texts that a value may hold, none of them good.
fn nasty() -> BoxedStrategy<String> {
    let known = [
        "",
        "\n",
        "a\r\nb",
        "ü",
        "\u{0}",
        "\u{feff}x",
        "{{ account.name }}",
        "{{ 'x' * 99999999 }}",
        "[::1",
        "a:b@c",
        "%zz",
        "~/..//",
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
        "-----BEGIN CERTIFICATE-----\n",
        "😀",
        "\u{202e}",
    ];
    let long = Just("x".repeat(70_000));
    prop_oneof![6 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 4 => "[ -~]{0,24}", 2 => any::<String>(), 1 => long]
        .boxed()
}

/// Addresses, and whether nothing but this machine can be meant.
fn address() -> BoxedStrategy<(String, bool)> {
    let near = [
        "http://127.0.0.1:1",
        "http://127.0.0.1:1/a/b/",
        "http://[::1]:1",
        "https://127.0.0.1:1",
        "HTTP://LOCALHOST:1/%20",
    ];
    let near = prop::sample::select(near.to_vec()).prop_map(|near| (near.to_owned(), true));
    let odd = [
        "https:443",
        "https://",
        "http://127.0.0.1:99999",
        "https://127.0.0.1\\@a.example",
        "https:/\t/a.example",
        "//a",
        "ftp://a",
    ];
    let odd = prop::sample::select(odd.to_vec()).prop_map(|odd| (odd.to_owned(), false));
    let grown = nasty().prop_map(|text| (format!("https://a.example/{text}"), false));
    prop_oneof![5 => near, 2 => odd, 2 => grown, 1 => nasty().prop_map(|text| (text, false))].boxed()
}

/// An object with some of these members.
fn members(of: &[(&'static str, BoxedStrategy<String>)]) -> BoxedStrategy<Map<String, Value>> {
    let one = |(name, value): &(&'static str, BoxedStrategy<String>)| {
        prop::option::weighted(0.5, value.clone()).prop_map({
            let name = (*name).to_owned();
            move |value| value.map(|value| (name.clone(), json!(value)))
        })
    };
    let all: Vec<_> = of.iter().map(one).collect();
    all.prop_map(|members| members.into_iter().flatten().collect()).boxed()
}
