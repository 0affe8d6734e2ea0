use bursar_regions::TargetError;
use serde_json::{Value, json};

use super::lab::{Cluster, Given, INSTALLATION, data_of, unique};

/// S0-36, S0-37: what was not there is, and whose it is can be read from it.
#[tokio::test]
async fn a_secret_is_made_with_its_owner_on_it() {
    let cluster = Cluster::new().await;
    let settings = json!({ "labels": { "team": "web" }, "annotations": { "example.com/why": "Deploys, all of them" } });
    let target = cluster.target(settings).await;
    let given = Given::opaque("s3cret-token");
    assert_eq!(given.look(&target).await, "nothing");
    let receipt = given.put(&target).await.unwrap();

    let place = given.place(&target);
    assert_eq!(place, format!("bursar-{}/ghcr", given.owner.account_name));
    let made = cluster.secret(&place).await.expect("it is there");
    let metadata = &made["metadata"];
    assert_eq!(receipt, json!({ "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"] }));
    assert_eq!((&made["type"], data_of(&made)), (&json!("Opaque"), json!({ "token": "s3cret-token" })));
    let labels = json!({
        "app.kubernetes.io/managed-by": "bursar",
        "bursar.dev/installation": INSTALLATION.to_string(),
        "bursar.dev/account": given.owner.account.to_string(),
        "bursar.dev/credential": given.owner.credential.to_string(),
        "team": "web",
    });
    assert_eq!(metadata["labels"], labels);
    let annotations = json!({
        "bursar.dev/account-name": given.owner.account_name,
        "bursar.dev/credential-name": "ghcr",
        "bursar.dev/version": "1",
        "bursar.dev/formats": "env",
        "bursar.dev/keys": "token",
        "example.com/why": "Deploys, all of them",
    });
    assert_eq!(metadata["annotations"], annotations);
    assert_eq!(given.look(&target).await, json!({ "token": "s3cret-token" }));
}

/// A new version replaces the old one, and keys that it does not have are gone.
#[tokio::test]
async fn a_new_version_replaces_the_old_one() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let first = Given::new("env", &[("a", "one"), ("b", "two")]);
    let before = first.put(&target).await.unwrap();
    let mut last = first;
    for (content, key) in [("three", "a"), ("four", "c"), ("five", "d")] {
        last = last.next("env", &[(key, content)]);
        let after = last.put(&target).await.unwrap();
        assert_eq!(after["uid"], before["uid"], "it is the same Secret");
        let secret = cluster.secret(&last.place(&target)).await.unwrap();
        assert_eq!(data_of(&secret), json!({ key: content }));
        assert_eq!(last.look(&target).await, json!({ key: content }));
        let managers: Vec<_> = secret["metadata"]["managedFields"].as_array().unwrap().iter().collect();
        assert_eq!(managers.len(), 1, "{managers:?}");
        assert_eq!((&managers[0]["manager"], &managers[0]["operation"]), (&json!("bursar"), &json!("Apply")));
    }
}

/// S0-39: "Sync now" pushes again, and what is the same writes nothing.
#[tokio::test]
async fn the_same_again_writes_nothing() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    given.put(&target).await.unwrap();
    let before = cluster.writes().await.len();
    let receipt = given.put(&target).await.unwrap();
    assert_eq!(given.put(&target).await.unwrap(), receipt);
    assert_eq!(cluster.writes().await.len(), before);
}

#[tokio::test]
async fn a_missing_namespace_is_made_and_marked_and_kept() {
    let cluster = Cluster::new().await;
    let namespace = unique("shared");
    let target = cluster.target(json!({ "namespace": namespace })).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    let shown: Value = serde_json::from_str(&cluster.kubectl(&["get", "namespace", &namespace, "-o", "json"])).unwrap();
    let labels = &shown["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/managed-by"], "bursar");
    assert_eq!(labels["bursar.dev/installation"], INSTALLATION.to_string());
    given.remove(&target).await.unwrap();
    cluster.kubectl(&["get", "namespace", &namespace]);
}

#[tokio::test]
async fn a_missing_namespace_is_told_where_it_is_not_ours_to_make() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({ "createNamespaces": false })).await;
    let given = Given::opaque("s3cret-token");
    let Err(TargetError::Invalid(text)) = given.put(&target).await else { panic!("it must be refused") };
    let namespace = format!("bursar-{}", given.owner.account_name);
    assert!(text.contains(&namespace) && text.contains("createNamespaces"), "{text}");
    cluster.make_namespace(&namespace).await;
    given.put(&target).await.unwrap();
}

#[tokio::test]
async fn names_that_come_to_one_do_not_meet() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let one = Given::opaque("first-content");
    let mut places = Vec::new();
    for (name, content) in [("my-cred", "first"), ("My_Cred", "second"), ("MY-CRED", "third"), ("my_cred", "fourth")] {
        let mut given = Given::new("env", &[("token", content)]);
        given.owner.account = one.owner.account;
        given.owner.account_name.clone_from(&one.owner.account_name);
        given.owner.credential_name = name.to_owned();
        given.put(&target).await.unwrap();
        places.push((given.place(&target), content));
    }
    for (place, content) in &places {
        assert_eq!(data_of(&cluster.secret(place).await.unwrap()), json!({ "token": content }), "{place}");
    }
}

#[tokio::test]
async fn what_kubernetes_is_too_small_for_is_not_sent() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let mut given = Given::opaque("");
    given.artifacts = vec![("a", vec![b'x'; 1 << 20]), ("b", vec![b'y'])];
    let Err(TargetError::Invalid(text)) = given.put(&target).await else { panic!("it must be refused") };
    assert!(text.contains("1048577 bytes"), "{text}");
    assert_eq!(cluster.log().await, Vec::<Value>::new());
    given.artifacts.pop();
    given.put(&target).await.unwrap();
    given.remove(&target).await.unwrap();
}
