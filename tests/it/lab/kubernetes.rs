use std::path::Path;

use serde_json::{Value, json};

use crate::support::lab::Kubernetes;
use crate::support::tools::{run, tool};

/// What tests of a whole broker do with the API server. What it is as one is proved by kubectl and the client in Python,
/// in `host/targets/tests`.
#[tokio::test]
async fn the_api_server_can_be_steered() {
    let cluster = Kubernetes::start().await;
    cluster.make_namespace("web").await;
    let made = cluster.make_secret("web/theirs", json!({ "data": { "a": "Yg==" } })).await;
    assert_eq!(made["type"], "Opaque");
    let changed = cluster.change_secret("web/theirs", json!({ "data": { "a": "Yw==" } })).await;
    assert_eq!(cluster.secret("web/theirs").await.as_ref(), Some(&changed));
    assert_eq!(cluster.secrets(Some("web")).await.len(), 1);
    assert_eq!(cluster.secrets(None).await.len(), 1);
    let writes = cluster.writes().await;
    let verbs: Vec<_> = writes.iter().map(|write| (&write["verb"], &write["name"])).collect();
    let expected =
        [("create", "web"), ("create", "theirs"), ("patch", "theirs")].map(|(verb, name)| (json!(verb), json!(name)));
    assert_eq!(verbs, expected.iter().map(|(verb, name)| (verb, name)).collect::<Vec<_>>());

    let folder = tempfile::tempdir().expect("a temporary folder");
    let kubectl = |kubeconfig: &str, arguments: &[&str]| {
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig).expect("a kubeconfig");
        let mut kubectl = tool("kubectl", "kubernetes-client");
        run(kubectl.args(arguments).env("HOME", folder.path()).env("KUBECONFIG", &file))
    };
    let get = ["get", "secret", "theirs", "-n", "web", "-o", "jsonpath={.data.a}"];
    assert_eq!(kubectl(cluster.kubeconfig(), &get).output().trim(), "Yw==");
    let somebody = cluster.user("somebody").await;
    assert!(kubectl(&somebody, &get).ok);
    cluster.deny(json!({ "user": "somebody", "verb": "get", "resource": "secrets" })).await;
    assert!(!kubectl(&somebody, &get).ok);
    cluster.allow_all("somebody").await;
    assert!(kubectl(&somebody, &get).ok);
    cluster.forget_user("somebody").await;
    assert!(!kubectl(&somebody, &get).ok);

    cluster.clear_log().await;
    cluster.fault(json!({ "kind": "status", "resource": "secrets", "status": 422, "times": 2 })).await;
    assert!(!kubectl(cluster.kubeconfig(), &get).ok);
    assert_eq!(cluster.faults_left().await.len(), 1);
    cluster.clear_faults().await;
    assert!(kubectl(cluster.kubeconfig(), &get).ok);
    assert!(cluster.log().await.iter().any(|asked| asked["fault"] == "status" && asked["status"] == 422));

    cluster.clear_writes().await;
    cluster.delete_secret("web/theirs").await;
    assert_eq!(cluster.secret("web/theirs").await, None);
    assert_eq!(cluster.writes().await[0]["after"], Value::Null);
    assert_eq!(cluster.failures().await, Vec::<Value>::new());
    assert!(Path::new(cluster.root_pem_path()).exists() && cluster.address().starts_with("https://127.0.0.1:"));
    assert!(cluster.kubeconfig().contains(cluster.token()));
}
