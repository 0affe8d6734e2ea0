use bursar_regions::TargetError;
use serde_json::{Value, json};

use super::lab::Cluster;

#[tokio::test]
async fn a_check_names_every_right_that_is_missing() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    target.check().await.unwrap();
    cluster.deny(json!({ "verb": "patch", "resource": "secrets" })).await;
    cluster.deny(json!({ "verb": "delete", "resource": "secrets" })).await;
    cluster.deny(json!({ "verb": "create", "resource": "namespaces" })).await;
    let Err(TargetError::Refused(text)) = target.check().await else { panic!("rights are missing") };
    // What is there is not named.
    assert!(text.contains("let us patch, delete secrets in all namespaces, nor create namespaces"), "{text}");
    assert_eq!(cluster.writes().await, Vec::<Value>::new());
}

#[tokio::test]
async fn rights_in_the_one_namespace_are_enough() {
    let cluster = Cluster::new().await;
    cluster.deny(json!({ "resource": "secrets", "spared": ["web"] })).await;
    let settings = |namespace: &str, creates: bool| json!({ "namespace": namespace, "createNamespaces": creates });
    cluster.target(settings("web", false)).await.check().await.unwrap();
    let Err(TargetError::Refused(text)) = cluster.target(settings("other", false)).await.check().await else {
        panic!("rights are missing")
    };
    assert!(text.contains("get, create, patch, delete secrets in namespace other"), "{text}");
    // Which namespaces there will be cannot be told, and each may have a role of its own.
    cluster.target(settings("{{ account.name }}", false)).await.check().await.unwrap();
    assert!(cluster.target(settings("{{ account.name }}", true)).await.check().await.is_err());
}

#[tokio::test]
async fn who_is_not_known_is_refused() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({ "createNamespaces": false })).await;
    cluster.forget_user().await;
    let Err(TargetError::Refused(text)) = target.check().await else { panic!("the token is good no more") };
    assert!(text.contains("401") && text.contains("kubeconfig"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_reachable() {
    let cluster = Cluster::new().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = cluster.kubeconfig.split("127.0.0.1:").nth(1).unwrap().split_whitespace().next().unwrap();
    let kubeconfig = cluster.kubeconfig.replace(port, &closed.to_string());
    let target = super::lab::open(json!({ "kubeconfig": kubeconfig })).await.unwrap();
    let error = target.check().await.unwrap_err();
    assert!(matches!(error, TargetError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}
