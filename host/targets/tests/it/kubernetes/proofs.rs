//! The lab's API server is taken for one by clients that others wrote.

use std::process::Stdio;

use serde_json::{Value, json};

use super::lab::{Cluster, python, run, unique};

/// Python's `kubernetes` package: every rule that the target counts on.
#[tokio::test]
async fn the_client_in_python_finds_an_api_server() {
    let cluster = Cluster::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, &cluster.kubeconfig).expect("a kubeconfig");
    let mut proofs = python("proofs/kubernetes_client.py");
    let output = run(proofs.arg(unique("proof")).env("KUBECONFIG", &file).stderr(Stdio::piped()));
    assert!(output.contains("15 of 15 proofs hold"), "{output}");
}

/// kubectl creates, applies, shows, edits and deletes. `--validate=false` since older ones, such as Debian's, ask for
/// version 2 of the description otherwise.
#[tokio::test]
async fn kubectl_finds_an_api_server() {
    let cluster = Cluster::new().await;
    let namespace = unique("kubectl");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("secret.json");
    let manifest = |password: &str| {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "basic", "namespace": namespace, "labels": { "team": "red" } },
            "type": "kubernetes.io/basic-auth",
            "stringData": { "username": "octo", "password": password },
        });
        std::fs::write(&file, secret.to_string()).expect("a manifest");
        file.to_str().expect("a path").to_owned()
    };
    let show = |name: &str| -> Value {
        serde_json::from_str(&cluster.kubectl(&["get", "secret", name, "-n", &namespace, "-o", "json"])).expect("JSON")
    };

    cluster.kubectl(&["create", "namespace", &namespace]);
    cluster.kubectl(&["create", "secret", "generic", "made", "-n", &namespace, "--from-literal=a=b"]);
    assert_eq!((&show("made")["type"], &show("made")["data"]), (&json!("Opaque"), &json!({ "a": "Yg==" })));

    let apply = |password: &str, more: &[&str]| {
        let file = manifest(password);
        cluster.kubectl(&[&["apply", "--validate=false", "-f", &file], more].concat())
    };
    assert!(apply("one", &[]).contains("created"));
    assert!(apply("two", &[]).contains("configured"));
    assert_eq!(show("basic")["data"]["password"], "dHdv");
    apply("two", &["--server-side"]);
    assert!(apply("three", &["--server-side", "--force-conflicts"]).contains("serverside-applied"));
    assert_eq!(show("basic")["data"]["password"], "dGhyZWU=");

    cluster.kubectl(&["label", "secret", "basic", "-n", &namespace, "stage=test"]);
    let listed = cluster.kubectl(&["get", "secrets", "-A", "-l", "stage=test,team=red", "-o", "name"]);
    assert!(listed.contains("secret/basic"), "{listed}");
    cluster.kubectl(&["delete", "secret", "basic", "-n", &namespace]);
    let left = cluster.kubectl(&["get", "secrets", "-n", &namespace, "-o", "name"]);
    assert_eq!(left.trim(), "secret/made");
    cluster.kubectl(&["delete", "namespace", &namespace]);
}
