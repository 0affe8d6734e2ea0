//! What is not ours stays as it is.

use bursar_regions::{Seen, TargetError};
use serde_json::{Value, json};

use super::{Setup, one, ours};
use crate::support::region::{owner, parcel};

#[tokio::test]
async fn a_secret_of_somebody_elses_survives() {
    let setup = Setup::new().await;
    setup.write("key=theirs");
    let before = setup.metadata();
    assert_is_foreign(&setup).await;
    assert_eq!(setup.metadata(), before);
    assert_eq!(setup.there(), Some((json!({ "key": "theirs" }), 1)));
}

#[tokio::test]
async fn metadata_of_somebody_elses_survives_without_any_content() {
    for option in ["-custom-metadata=team=web", "-max-versions=5"] {
        let setup = Setup::new().await;
        setup.server.bao(&["kv", "metadata", "put", option, &setup.place], "").output();
        let before = setup.metadata();
        assert_is_foreign(&setup).await;
        assert_eq!(setup.metadata(), before);
        assert_eq!(setup.there(), None);
    }
}

#[tokio::test]
async fn a_deleted_secret_of_somebody_elses_can_still_be_undeleted() {
    let setup = Setup::new().await;
    setup.write("key=theirs");
    setup.server.bao(&["kv", "delete", &setup.place], "").output();
    assert_is_foreign(&setup).await;
    setup.server.bao(&["kv", "undelete", "-versions=1", &setup.place], "").output();
    assert_eq!(setup.there(), Some((json!({ "key": "theirs" }), 1)));
}

#[tokio::test]
async fn what_another_installation_or_credential_has_is_not_ours() {
    let setup = Setup::new().await;
    setup.put(&[("password", b"one")]).await.expect("it is put");
    let before = setup.there();
    let mut another_installation = setup.owner.clone();
    another_installation.installation = uuid::Uuid::from_u128(7);
    for (other, says) in
        [(another_installation, "belongs to another Bursar)"), (owner("acme", "db2"), "belongs to another credential)")]
    {
        let put = setup.target.put(&setup.place, &parcel(&other, &[("password", b"two")]), None).await;
        assert!(matches!(&put, Err(TargetError::Foreign(message)) if message.contains(says)), "{put:?}");
        let removal = bursar_regions::Removal { owner: other, idempotency_key: "removal".to_owned() };
        setup.target.remove(&setup.place, &removal, None).await.expect("it is left alone");
        assert_eq!(setup.there(), before);
    }
}

#[tokio::test]
async fn what_a_crash_left_unmarked_is_known_again() {
    for marked in [false, true] {
        let setup = Setup::new().await;
        let first = first_version(&setup);
        setup.server.bao(&["kv", "put", "-cas=0", &setup.place, "-"], &first.to_string()).output();
        if marked {
            mark(&setup);
        }
        assert!(ours(setup.look().await).contains(&("password".to_owned(), b"half".to_vec())));
        setup.put(&[("password", b"whole")]).await.expect("it is finished");
        assert_eq!(ours(setup.look().await), one("password", b"whole"));
        assert_eq!(setup.there(), Some((json!({ "password": "whole" }), 2)));
    }
}

#[tokio::test]
async fn what_a_crash_left_unmarked_is_removed() {
    let setup = Setup::new().await;
    setup.server.bao(&["kv", "put", "-cas=0", &setup.place, "-"], &first_version(&setup).to_string()).output();
    setup.remove().await.expect("it is removed");
    assert!(setup.metadata().is_none());
}

#[tokio::test]
async fn a_version_over_an_unmarked_one_makes_it_theirs() {
    let setup = Setup::new().await;
    setup.server.bao(&["kv", "put", "-cas=0", &setup.place, "-"], &first_version(&setup).to_string()).output();
    setup.write("key=theirs");
    assert_is_foreign(&setup).await;
    assert_eq!(setup.there(), Some((json!({ "key": "theirs" }), 2)));
}

async fn assert_is_foreign(setup: &Setup) {
    let put = setup.put(&[("password", b"ours")]).await;
    assert!(matches!(&put, Err(TargetError::Foreign(message)) if message.contains(&setup.place)), "{put:?}");
    setup.remove().await.expect("it is left alone");
    assert!(matches!(setup.look().await, Seen::Foreign(_)));
}

/// What the first of the writes of a new secret leaves.
fn first_version(setup: &Setup) -> Value {
    let ids = json!({
        "installation": setup.owner.installation,
        "account": setup.owner.account.to_string(),
        "credential": setup.owner.credential.to_string(),
    });
    json!({ "password": "half", "bursar:owner": ids.to_string() })
}

fn mark(setup: &Setup) {
    let entries = [
        "managed-by=bursar".to_owned(),
        format!("installation={}", setup.owner.installation),
        format!("account={}", setup.owner.account),
        format!("credential={}", setup.owner.credential),
    ];
    let mut arguments = vec!["kv".to_owned(), "metadata".to_owned(), "put".to_owned()];
    arguments.extend(entries.map(|entry| format!("-custom-metadata={entry}")));
    arguments.push(setup.place.clone());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    setup.server.bao(&arguments, "").output();
}
