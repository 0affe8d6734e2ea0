//! What happens between our reading and our writing.

use bursar_regions::TargetError;
use serde_json::{Value, json};

use super::lab::{Cluster, Given, data_of, object};

/// A foreign Secret that comes right before our request of this verb, in the place of what was there.
async fn swap_before(cluster: &Cluster, verb: &str, place: &str, there: bool) {
    let theirs = object(place, json!({ "data": { "theirs": "eA==" } }));
    let mut does = vec![json!({ "create": theirs })];
    if there {
        does.insert(0, json!({ "delete": true }));
    }
    let resource_name = if verb == "create" { "" } else { place.split_once('/').expect("a place").1 };
    let rule = json!({ "kind": "race", "verb": verb, "resource": "secrets", "name": resource_name, "does": does });
    cluster.fault(rule).await;
}

async fn is_theirs(cluster: &Cluster, place: &str) {
    let secret = cluster.secret(place).await.expect("it is there");
    assert_eq!(data_of(&secret), json!({ "theirs": "x" }));
    assert_eq!(secret["metadata"]["labels"], Value::Null);
}

#[tokio::test]
async fn one_that_comes_before_our_create_survives() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    let place = given.place(&target);
    cluster.make_namespace(place.split_once('/').unwrap().0).await;
    swap_before(&cluster, "create", &place, false).await;
    assert!(matches!(given.put(&target).await, Err(TargetError::Foreign(_))));
    is_theirs(&cluster, &place).await;
}

/// Both before the apply and before the adoption that the first apply needs.
#[tokio::test]
async fn one_that_is_swapped_in_before_our_apply_survives() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    for puts in [1, 2] {
        let given = Given::opaque("s3cret-token");
        for _ in 0..puts {
            given.put(&target).await.unwrap();
        }
        let place = given.place(&target);
        swap_before(&cluster, "patch", &place, true).await;
        let put = given.next("env", &[("token", "second-content")]).put(&target).await;
        assert!(matches!(put, Err(TargetError::Foreign(_))), "{put:?}");
        is_theirs(&cluster, &place).await;
    }
}

#[tokio::test]
async fn one_that_is_swapped_in_before_our_delete_survives() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    let place = given.place(&target);
    given.put(&target).await.unwrap();
    swap_before(&cluster, "delete", &place, true).await;
    given.remove(&target).await.unwrap();
    is_theirs(&cluster, &place).await;
}

/// A change of type deletes and creates: neither touches what came in between.
#[tokio::test]
async fn one_that_is_swapped_in_before_a_change_of_type_survives() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    for (verb, there) in [("delete", true), ("create", false)] {
        let first = Given::new("kubernetes.io/basic-auth", &[("username", "octo")]);
        first.put(&target).await.unwrap();
        let place = first.place(&target);
        swap_before(&cluster, verb, &place, there).await;
        let put = first.next("env", &[("token", "second-content")]).put(&target).await;
        assert!(matches!(put, Err(TargetError::Foreign(_))), "{verb}: {put:?}");
        is_theirs(&cluster, &place).await;
    }
}

/// A change of another at the same time is no reason to give up, nor to lose it.
#[tokio::test]
async fn a_change_meanwhile_is_kept_and_the_put_goes_on() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let first = Given::opaque("first-content");
    first.put(&target).await.unwrap();
    first.put(&target).await.unwrap();
    let does = json!([{ "patch": { "metadata": { "labels": { "team": "red" } } } }]);
    cluster.fault(json!({ "kind": "race", "verb": "patch", "resource": "secrets", "does": does })).await;
    first.next("env", &[("token", "second-content")]).put(&target).await.unwrap();
    let secret = cluster.secret(&first.place(&target)).await.unwrap();
    assert_eq!(data_of(&secret), json!({ "token": "second-content" }));
    assert_eq!(secret["metadata"]["labels"]["team"], "red");
    let conflicts = cluster.log().await.iter().filter(|asked| asked["status"] == 409).count();
    assert_eq!(conflicts, 1);
}

/// The same for a removal: what was changed meanwhile is looked at again.
#[tokio::test]
async fn a_change_meanwhile_is_looked_at_before_a_removal() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    let does = json!([{ "patch": { "metadata": { "labels": { "bursar.dev/credential": null } } } }]);
    cluster.fault(json!({ "kind": "race", "verb": "delete", "resource": "secrets", "does": does })).await;
    given.remove(&target).await.unwrap();
    let left = cluster.secret(&given.place(&target)).await.expect("it was taken from us");
    assert_eq!(data_of(&left), json!({ "token": "s3cret-token" }));
}

/// One that is gone before our apply is made again, as ours.
#[tokio::test]
async fn one_that_goes_meanwhile_is_made_again() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    for _ in 0..3 {
        given.put(&target).await.unwrap();
        let does = json!([{ "delete": true }]);
        cluster.fault(json!({ "kind": "race", "verb": "patch", "resource": "secrets", "does": does })).await;
        given.put(&target).await.unwrap();
        assert_eq!(given.look(&target).await, json!({ "token": "s3cret-token" }));
    }
}

/// Two of us that put at once leave one whole Secret.
#[tokio::test]
async fn two_puts_at_once_leave_one_whole() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let one = Given::new("env", &[("a", "one"), ("b", "one")]);
    let two = one.next("env", &[("a", "two"), ("b", "two")]);
    for _ in 0..5 {
        let (first, second) = tokio::join!(one.put(&target), two.put(&target));
        first.unwrap();
        second.unwrap();
        let seen = one.look(&target).await;
        assert_eq!(seen["a"], seen["b"], "{seen}");
    }
}
