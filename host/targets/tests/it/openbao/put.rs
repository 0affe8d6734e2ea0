//! What is put, and what is there then.

use bursar_regions::Seen;
use serde_json::json;

use super::{Setup, one, ours};
use crate::support::region::{owner, parcel};

#[tokio::test]
async fn artifacts_are_the_keys_of_a_secret() {
    let setup = Setup::new().await;
    assert_eq!(setup.place, "secret/bursar/acme/db");
    setup.put(&[("username", b"octo"), ("password", b"first\nline")]).await.expect("it is put");

    let (data, _) = setup.there().expect("a secret");
    assert_eq!(data, json!({ "username": "octo", "password": "first\nline" }));
    let custom = setup.metadata().expect("metadata")["custom_metadata"].clone();
    assert_eq!(custom["managed-by"], "bursar");
    assert_eq!(custom["installation"], setup.owner.installation.to_string());
    assert_eq!(custom["account"], setup.owner.account.to_string());
    assert_eq!(custom["credential"], setup.owner.credential.to_string());
    assert_eq!((&custom["account-name"], &custom["credential-name"]), (&json!("acme"), &json!("db")));
}

#[tokio::test]
async fn only_what_changed_makes_a_version() {
    let setup = Setup::new().await;
    let first = setup.put(&[("password", b"one")]).await.expect("it is put");
    let (_, version) = setup.there().expect("a secret");
    assert_eq!(first, json!({ "version": version }));

    let same = setup.put(&[("password", b"one")]).await.expect("it is there");
    assert_eq!(same, first);
    assert_eq!(setup.there().expect("a secret").1, version);

    let second = setup.put(&[("password", b"two")]).await.expect("it is replaced");
    assert_eq!(second, json!({ "version": version + 1 }));
    assert_eq!(setup.there().expect("a secret"), (json!({ "password": "two" }), version + 1));

    // An artifact that is no more goes away with the version.
    setup.put(&[("token", b"three")]).await.expect("it is replaced");
    assert_eq!(setup.there().expect("a secret").0, json!({ "token": "three" }));
}

#[tokio::test]
async fn what_is_no_text_is_there_in_base64_and_comes_back_as_it_was() {
    let setup = Setup::new().await;
    let binary = [0xFE, 0x00, 0xFF];
    setup.put(&[("store.p12", &binary), ("alias", b"c2VjcmV0")]).await.expect("it is put");

    let (data, version) = setup.there().expect("a secret");
    assert_eq!(data, json!({ "store.p12": "/gD/", "alias": "c2VjcmV0" }));
    assert_eq!(setup.metadata().expect("metadata")["custom_metadata"]["base64"], "store.p12");
    let mut seen = ours(setup.look().await);
    seen.sort();
    assert_eq!(seen, [one("alias", b"c2VjcmV0"), one("store.p12", &binary)].concat());

    // A text of the same letters is another content, and the note goes.
    setup.put(&[("store.p12", b"/gD/"), ("alias", b"c2VjcmV0")]).await.expect("it is put");
    assert_eq!(setup.there().expect("a secret"), (data, version));
    assert_eq!(setup.metadata().expect("metadata")["custom_metadata"]["base64"], json!(null));
    assert!(ours(setup.look().await).contains(&("store.p12".to_owned(), b"/gD/".to_vec())));
}

#[tokio::test]
async fn what_others_changed_is_seen_and_put_right() {
    let setup = Setup::new().await;
    setup.put(&[("password", b"ours")]).await.expect("it is put");
    setup.write("password=theirs");
    assert_eq!(ours(setup.look().await), one("password", b"theirs"));
    setup.put(&[("password", b"ours")]).await.expect("it is put right");
    assert_eq!(ours(setup.look().await), one("password", b"ours"));

    setup.server.bao(&["kv", "put", &setup.place, "-"], r#"{"password": {"a": 1}}"#).output();
    assert_eq!(ours(setup.look().await), one("password", br#"{"a":1}"#));

    // Deleted, and then destroyed, by hand.
    setup.server.bao(&["kv", "delete", &setup.place], "").output();
    assert_eq!(ours(setup.look().await), []);
    setup.put(&[("password", b"ours")]).await.expect("it is written again");
    let (data, version) = setup.there().expect("a secret");
    assert_eq!(data, json!({ "password": "ours" }));
    setup.server.bao(&["kv", "destroy", &format!("-versions={version}"), &setup.place], "").output();
    assert_eq!(ours(setup.look().await), []);
    setup.put(&[("password", b"ours")]).await.expect("it is written again");
    assert_eq!(setup.there().expect("a secret").1, version + 1);
}

#[tokio::test]
async fn what_is_removed_is_gone_with_all_versions() {
    let setup = Setup::new().await;
    setup.put(&[("password", b"one")]).await.expect("it is put");
    setup.put(&[("password", b"two")]).await.expect("it is put");
    setup.remove().await.expect("it is removed");
    assert!(setup.metadata().is_none());
    assert!(matches!(setup.look().await, Seen::Nothing));
    setup.remove().await.expect("there is nothing, which is well");

    setup.put(&[("password", b"three")]).await.expect("it is put anew");
    assert_eq!(ours(setup.look().await), one("password", b"three"));
}

#[tokio::test]
async fn a_renamed_owner_is_the_same_owner() {
    let setup = Setup::new().await;
    setup.put(&[("password", b"one")]).await.expect("it is put");
    setup.server.bao(&["kv", "metadata", "patch", "-custom-metadata=team=web", &setup.place], "").output();
    let mut renamed = setup.owner.clone();
    renamed.credential_name = "database".to_owned();
    // At the old place, where it still is until the broker has moved it.
    let seen = setup.target.look(&setup.place, &renamed).await.expect("it can be looked at");
    assert_eq!(ours(seen), one("password", b"one"));
    let (_, version) = setup.there().expect("a secret");
    setup.target.put(&setup.place, &parcel(&renamed, &[("password", b"one")]), None).await.expect("it is put");
    assert_eq!(setup.there().expect("a secret").1, version);
    let custom = setup.metadata().expect("metadata")["custom_metadata"].clone();
    assert_eq!((&custom["credential-name"], &custom["team"]), (&json!("database"), &json!("web")));
}

#[tokio::test]
async fn settings_say_where() {
    let setup = Setup::new().await;
    setup.server.bao(&["secrets", "enable", "-path=team/kv", "-version=2", "kv"], "").output();
    let settings = json!({ "mount": "team/kv", "prefix": "apps/eu" });
    let target = super::target(&setup.server, &settings).await;
    let owner = owner("acme", "db");
    let place = target.place(&owner).expect("a place");
    assert_eq!(place, "team/kv/apps/eu/acme/db");
    target.check().await.expect("it can be used");
    target.put(&place, &parcel(&owner, &[("password", b"one")]), None).await.expect("it is put");
    let said = setup.server.bao(&["kv", "get", "-field=password", &place], "").output();
    assert_eq!(said, "one");
}
