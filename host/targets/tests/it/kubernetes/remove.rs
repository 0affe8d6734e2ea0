use bursar_regions::TargetError;
use serde_json::json;

use super::lab::{Cluster, Given};

#[tokio::test]
async fn ours_is_removed_and_nothing_is_success() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.remove(&target).await.unwrap();
    given.put(&target).await.unwrap();
    given.remove(&target).await.unwrap();
    assert_eq!(cluster.secret(&given.place(&target)).await, None);
    given.remove(&target).await.unwrap();
}

/// What others' finalizers hold is not gone yet, and that is told.
#[tokio::test]
async fn a_held_secret_is_not_gone() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    let place = given.place(&target);
    cluster.change_secret(&place, json!({ "metadata": { "finalizers": ["a.test/hold"] } })).await;
    for _ in 0..2 {
        let Err(TargetError::Conflict(text)) = given.remove(&target).await else { panic!("it is still there") };
        assert!(text.contains("a.test/hold"), "{text}");
    }
    assert!(matches!(given.put(&target).await, Err(TargetError::Conflict(_))));
    cluster.change_secret(&place, json!({ "metadata": { "finalizers": null } })).await;
    given.remove(&target).await.unwrap();
    assert_eq!(cluster.secret(&place).await, None);
}
