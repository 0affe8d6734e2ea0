use bursar_regions::TargetError;
use serde_json::json;

use super::lab::{Cluster, Given, data_of};

/// An edit by hand is seen, and put right by the next put.
#[tokio::test]
async fn an_edit_with_kubectl_is_seen_and_put_right() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::new("env", &[("a", "one"), ("b", "two")]);
    given.put(&target).await.unwrap();
    let place = given.place(&target);
    let (namespace, name) = place.split_once('/').unwrap();
    let patch = |patch: &str| cluster.kubectl(&["patch", "secret", name, "-n", namespace, "--type=merge", "-p", patch]);

    patch(r#"{"data":{"a":"ZWRpdGVk"}}"#);
    assert_eq!(given.look(&target).await, json!({ "a": "edited", "b": "two" }));
    given.put(&target).await.unwrap();
    assert_eq!(given.look(&target).await, json!({ "a": "one", "b": "two" }));

    patch(r#"{"data":{"a":null}}"#);
    assert_eq!(given.look(&target).await, json!({ "b": "two" }));
    given.put(&target).await.unwrap();
    assert_eq!(data_of(&cluster.secret(&place).await.unwrap()), json!({ "a": "one", "b": "two" }));

    patch(r#"{"data":{"theirs":"eA=="}}"#);
    assert_eq!(given.look(&target).await, json!({ "a": "one", "b": "two" }));

    cluster.kubectl(&["delete", "secret", name, "-n", namespace]);
    assert_eq!(given.look(&target).await, "nothing");
    given.put(&target).await.unwrap();
    assert_eq!(given.look(&target).await, json!({ "a": "one", "b": "two" }));
}

/// Forgotten managers, as after a restore from a backup, are no hindrance.
#[tokio::test]
async fn a_secret_without_managers_is_still_ours() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let first = Given::opaque("first-content");
    first.put(&target).await.unwrap();
    cluster.change_secret(&first.place(&target), json!({ "metadata": { "managedFields": [] } })).await;
    assert_eq!(first.look(&target).await, json!({ "token": "first-content" }));
    let second = first.next("env", &[("token", "second-content")]);
    second.put(&target).await.unwrap();
    assert_eq!(second.look(&target).await, json!({ "token": "second-content" }));
}

#[tokio::test]
async fn an_immutable_secret_is_told() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let first = Given::opaque("first-content");
    first.put(&target).await.unwrap();
    cluster.change_secret(&first.place(&target), json!({ "immutable": true })).await;
    let second = first.next("env", &[("token", "second-content")]);
    let Err(TargetError::Invalid(text)) = second.put(&target).await else { panic!("it must be refused") };
    assert!(text.contains("immutable: delete it"), "{text}");
    second.remove(&target).await.unwrap();
    second.put(&target).await.unwrap();
}
