use bursar_kernel::id::{AccountId, CredentialId};
use bursar_regions::TargetError;
use serde_json::json;
use uuid::Uuid;

use super::lab::{Cluster, Given, data_of, unique, unique_id};

/// A Secret of the same name that somebody made: told, and left as it is by everything.
#[tokio::test]
async fn a_foreign_secret_survives_everything() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let managed = json!({ "app.kubernetes.io/managed-by": "helm" });
    for (labels, what) in [(json!({}), "did not create"), (managed, "managed by `helm`")] {
        let given = Given::opaque("s3cret-token");
        let place = given.place(&target);
        cluster.make_namespace(place.split_once('/').unwrap().0).await;
        let theirs = json!({ "metadata": { "labels": labels }, "data": { "theirs": "eA==" } });
        let theirs = cluster.make_secret(&place, theirs).await;

        let Err(TargetError::Foreign(text)) = given.put(&target).await else { panic!("it must be refused") };
        assert!(text.contains(&place) && text.contains(what) && text.contains("delete or move it"), "{text}");
        let seen = given.look(&target).await;
        assert!(seen.as_str().unwrap().contains(what), "{seen}");
        given.remove(&target).await.unwrap();
        assert_eq!(cluster.secret(&place).await.unwrap(), theirs);
    }
    assert_eq!(cluster.writes().await, Vec::<serde_json::Value>::new());
}

/// Another installation, account or credential of ours is foreign as well.
#[tokio::test]
async fn the_ids_decide_whose_it_is() {
    let cluster = Cluster::new().await;
    let namespace = unique("shared");
    let target = cluster.target(json!({ "namespace": namespace, "name": "one-for-all" })).await;
    let first = Given::opaque("first-content");
    first.put(&target).await.unwrap();
    let there = cluster.secret(&first.place(&target)).await.unwrap();
    for (change, what) in [("installation", "installation"), ("account", "account"), ("credential", "credential")] {
        let mut second = first.next("env", &[("token", "second-content")]);
        match change {
            "installation" => second.owner.installation = Uuid::from_u128(9),
            "account" => second.owner.account = AccountId(unique_id()),
            _ => second.owner.credential = CredentialId(unique_id()),
        }
        let Err(TargetError::Foreign(text)) = second.put(&target).await else { panic!("it must be refused") };
        assert!(text.contains(&format!("another {what}")) || text.contains("another Bursar"), "{text}");
        second.remove(&target).await.unwrap();
        assert!(second.look(&target).await.as_str().unwrap().starts_with("foreign: "));
        assert_eq!(cluster.secret(&first.place(&target)).await.unwrap(), there);
    }
    // A new name of the same credential is nobody else.
    let mut renamed = first.next("env", &[("token", "second-content")]);
    renamed.owner.credential_name = "other".to_owned();
    renamed.put(&target).await.unwrap();
}

/// What others put on a Secret of ours stays, through updates.
#[tokio::test]
async fn what_others_added_to_ours_stays() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let first = Given::opaque("first-content");
    first.put(&target).await.unwrap();
    let place = first.place(&target);
    let added = json!({
        "metadata": { "labels": { "team": "red" }, "annotations": { "note": "mine" }, "finalizers": ["a.test/b"] },
        "data": { "theirs": "eA==" },
    });
    cluster.change_secret(&place, added).await;
    for content in ["second-content", "third-content"] {
        first.next("env", &[("token", content)]).put(&target).await.unwrap();
        let secret = cluster.secret(&place).await.unwrap();
        assert_eq!(data_of(&secret), json!({ "token": content, "theirs": "x" }));
        let metadata = &secret["metadata"];
        assert_eq!((&metadata["labels"]["team"], &metadata["annotations"]["note"]), (&json!("red"), &json!("mine")));
        assert_eq!(metadata["finalizers"], json!(["a.test/b"]));
        assert_eq!(first.look(&target).await, json!({ "token": content }), "a key of theirs is no drift");
    }
}

/// Who takes our labels off has taken it from us.
#[tokio::test]
async fn without_our_labels_it_is_not_ours() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    let place = given.place(&target);
    let taken = json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": null } } });
    let theirs = cluster.change_secret(&place, taken).await;
    assert!(matches!(given.put(&target).await, Err(TargetError::Foreign(_))));
    given.remove(&target).await.unwrap();
    assert_eq!(cluster.secret(&place).await.unwrap(), theirs);
}
