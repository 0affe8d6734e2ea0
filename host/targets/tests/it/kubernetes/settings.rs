use bursar_kernel::secret::SecretJson;
use bursar_regions::Targets as _;
use bursar_targets::SystemTargets;
use serde_json::{Value, json};

use super::lab::Cluster;

fn judged(settings: Value) -> Vec<(String, String, String)> {
    let violations = SystemTargets::default().judge("kubernetes", &SecretJson::new(settings));
    violations.into_iter().map(|each| (each.pointer, each.code, each.message)).collect()
}

fn pointers(settings: Value) -> Vec<String> {
    judged(settings).into_iter().map(|(pointer, _, _)| pointer).collect()
}

#[tokio::test]
async fn good_settings_are_let_pass() {
    let cluster = Cluster::new().await;
    let all = json!({
        "kubeconfig": cluster.kubeconfig,
        "context": "lab",
        "namespace": "{{ account.name }}-secrets",
        "name": "{{ credential.name }}.{{ credential.id }}",
        "createNamespaces": false,
        "labels": { "team": "web", "example.com/stage": "" },
        "annotations": { "example.com/note": "Any text, of any length." },
        "timeoutSeconds": 30,
    });
    for good in [json!({}), all, json!({ "kubeconfigFile": "/etc/bursar/kubeconfig", "context": "eu" })] {
        assert_eq!(judged(good), []);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let bad = json!({
        "kubeconfigFile": "config",
        "namespace": "{{ region.name }}",
        "name": "Name",
        "createNamespaces": "yes",
        "labels": { "app.kubernetes.io/managed-by": "me", "team": "not a label" },
        "annotations": { "bursar.dev/account": "me", "": "x" },
        "timeoutSeconds": 0,
        "server": "x",
    });
    let expected = [
        "/server",
        "/kubeconfigFile",
        "/namespace",
        "/name",
        "/createNamespaces",
        "/labels",
        "/labels",
        "/annotations",
        "/annotations",
        "/timeoutSeconds",
    ];
    assert_eq!(pointers(bad), expected);
    assert_eq!(pointers(json!({ "context": "eu" })), ["/context"]);
    assert_eq!(pointers(json!({ "kubeconfigFile": "/x", "kubeconfig": "[" })), ["/kubeconfig", "/kubeconfigFile"]);
}

/// What a kubeconfig in the settings may not have, each with the cure, and nothing of what is in it.
#[tokio::test]
async fn a_kubeconfig_must_be_self_contained() {
    let cluster = Cluster::new().await;
    let good = &cluster.kubeconfig;
    let token = format!("token: {}", cluster.token());
    let authority = good.lines().find(|line| line.contains("certificate-authority-data")).unwrap().trim();
    let server = good.lines().find(|line| line.contains("server:")).unwrap().trim();
    for (from, to, cure) in [
        (&*token, "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}", "`exec`"),
        (&token, "auth-provider: {name: gcp, config: {access-token: s3cret-token}}", "`auth-provider`"),
        (&token, "tokenFile: /s3cret-token", "give token"),
        (&token, "client-certificate: /s3cret-token", "give client-certificate-data"),
        (&token, "client-key: /s3cret-token", "give client-key-data"),
        (&token, "client-certificate-data: s3cret-token", "client certificate"),
        (&token, "as: s3cret-token", "no sign-in"),
        (authority, "certificate-authority: /s3cret-token", "give certificate-authority-data"),
        (authority, "certificate-authority-data: s3cret-token", "certificate authority"),
        (authority, "insecure-skip-tls-verify: true", "give certificate-authority-data"),
        (server, "server: http://s3cret-token:6443", "https://"),
        (server, "server: s3cret-token", "https://"),
        ("current-context: lab", "current-context: s3cret-token", "current-context"),
        ("current-context: lab", "", "`context`"),
        ("cluster: lab", "cluster: s3cret-token", "cluster"),
        ("kind: Config", "kind: [s3cret-token", "line "),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(&bad, good, "{to}");
        let judged = judged(json!({ "kubeconfig": bad }));
        let [(pointer, _, message)] = &judged[..] else { panic!("{to}: {judged:?}") };
        assert_eq!(pointer, "/kubeconfig");
        assert!(message.contains(cure), "{to}: {message}");
        assert!(!message.contains("s3cret") && !message.contains(cluster.token()), "{to}: {message}");
    }
    // What only another context uses is no matter.
    let other = good.replace("users:", "users:\n- name: other\n  user:\n    exec:\n      command: aws");
    assert_eq!(judged(json!({ "kubeconfig": other })), []);
}

#[test]
fn only_the_kubeconfig_is_secret_and_only_names_and_the_context_move() {
    let targets = SystemTargets::default();
    let kind = targets.kinds().iter().find(|kind| kind.id == "kubernetes").unwrap();
    let names = |of: fn(&bursar_regions::Setting) -> bool| -> Vec<_> {
        kind.settings.iter().filter(|setting| of(setting)).map(|setting| setting.name.as_str()).collect()
    };
    assert_eq!(names(|setting| setting.secret), ["kubeconfig"]);
    assert_eq!(names(|setting| setting.moves), ["context", "namespace", "name"]);
}
