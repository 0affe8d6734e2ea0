//! The ways to a cluster.

use std::path::Path;

use bursar_regions::TargetError;
use serde_json::json;

use super::lab::{Cluster, Given, open, root};

#[tokio::test]
async fn a_kubeconfig_file_may_name_other_files() {
    let cluster = Cluster::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(folder.path().join("token"), cluster.token()).unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, root()).unwrap();
    let line = cluster.kubeconfig.lines().find(|line| line.contains("certificate-authority-data")).unwrap();
    let named = cluster.kubeconfig.replace(line.trim(), "certificate-authority: authority.pem");
    let file_of_token = format!("tokenFile: {}", folder.path().join("token").display());
    let named = named.replace(&format!("token: {}", cluster.token()), &file_of_token);
    assert!(named.contains("authority.pem") && named.contains("tokenFile"));
    std::fs::write(&file, named).unwrap();
    let target = open(json!({ "kubeconfigFile": file })).await.unwrap();
    Given::opaque("s3cret-token").put(&target).await.unwrap();
}

/// A kubeconfig that is written anew, with another token, is read anew.
#[tokio::test]
async fn a_kubeconfig_file_that_changes_is_read_again() {
    let cluster = Cluster::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, &cluster.kubeconfig).unwrap();
    let target = open(json!({ "kubeconfigFile": file })).await.unwrap();
    target.check().await.unwrap();
    cluster.forget_user().await;
    assert!(matches!(target.check().await, Err(TargetError::Refused(_))));
    std::fs::write(&file, cluster.another_kubeconfig().await).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
    target.check().await.unwrap();
}

#[tokio::test]
async fn a_context_is_chosen_by_name() {
    let cluster = Cluster::new().await;
    let renamed = cluster.kubeconfig.replace("current-context: lab", "current-context: none");
    let error = open(json!({ "kubeconfig": renamed })).await.err().expect("there is no such context");
    assert!(matches!(&error, TargetError::Invalid(text) if text.contains("current-context")), "{error}");
    open(json!({ "kubeconfig": renamed, "context": "lab" })).await.unwrap().check().await.unwrap();
}

/// A server that another vouches for is not spoken to.
#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let cluster = Cluster::new().await;
    let line = cluster.kubeconfig.lines().find(|line| line.contains("certificate-authority-data")).unwrap();
    let without = cluster.kubeconfig.replace(line.trim(), "disable-compression: true");
    let target = open(json!({ "kubeconfig": without })).await.unwrap();
    let error = target.check().await.unwrap_err();
    assert!(matches!(error, TargetError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_without_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let said = async || match open(json!({ "kubeconfigFile": file })).await {
        Err(TargetError::Invalid(text)) => text,
        other => panic!("it must be refused: {:?}", other.err()),
    };
    assert!(said().await.contains("cannot be read"));
    std::fs::write(&file, "users: [{name: s3cret-token, user: {token: [s3cret-token]}}]").unwrap();
    let text = said().await;
    assert!(text.contains("not the YAML of a kubeconfig") && !text.contains("s3cret"), "{text}");
}

/// Without a kubeconfig the service account of the pod is used, and that there is none is told.
#[tokio::test]
async fn without_a_kubeconfig_a_pod_is_needed() {
    let is_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists();
    match open(json!({})).await.err() {
        None => assert!(is_pod, "there is no service account to sign in as"),
        Some(TargetError::Invalid(text)) => {
            assert!(!is_pod && text.contains("give `kubeconfig` or `kubeconfigFile`"), "{text}");
        }
        Some(error) => panic!("{error}"),
    }
}
