//! Writers that meet: of each race there is one winner, and the others are told.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::samples::{basic, registry};
use crate::support::{Account, Server};

/// Each of these on each storage engine: where writers meet is where engines differ.
macro_rules! on_each_engine {
    ($($test:ident)*) => {
        mod redb {
            use super::{Account, Server};
            $(#[tokio::test]
            async fn $test() {
                super::$test(Account::on(&Server::shared().await).await).await;
            })*
        }
        mod postgresql {
            use super::{Account, Server};
            $(#[tokio::test]
            async fn $test() {
                super::$test(Account::on(&Server::shared_on_postgres().await).await).await;
            })*
        }
    };
}

on_each_engine! {
    two_hundred_creates_of_one_name_make_one
    of_many_first_registries_one_is_promoted
    concurrent_set_default_leaves_one
    no_update_is_lost_with_if_match
    concurrent_patches_of_different_labels_all_arrive
}

async fn two_hundred_creates_of_one_name_make_one(account: Account) {
    let replies = join_all((0..200).map(|_| account.manager.post("credentials", basic("wanted")))).await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(201), count(409)), (1, 199));
    assert_eq!(account.manager.all("credentials").await.len(), 1);
    let created = account.auditor.all("audit?action=credential.create&limit=500").await;
    assert_eq!(created.iter().filter(|entry| entry["outcome"] == "ok").count(), 1);
}

async fn of_many_first_registries_one_is_promoted(account: Account) {
    let bodies: Vec<_> = (0..30).map(|n| registry(&format!("r{n}"))).collect();
    let created = join_all(bodies.into_iter().map(|body| account.create(body))).await;
    assert_eq!(created.iter().filter(|one| one["default"] == true).count(), 1);
    assert_eq!(number_of_defaults(&account).await, 1);
}

async fn concurrent_set_default_leaves_one(account: Account) {
    for n in 0..8 {
        account.create(registry(&format!("r{n}"))).await;
    }
    let paths: Vec<_> = (0..64).map(|n| format!("credentials/r{}/set-default", n % 8)).collect();
    let watching = async {
        for _ in 0..20 {
            assert_eq!(number_of_defaults(&account).await, 1, "there is one at every moment");
        }
    };
    let (replies, ()) = tokio::join!(join_all(paths.iter().map(|path| account.manager.act(path))), watching);
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(number_of_defaults(&account).await, 1);
}

/// Of many who read the same state and write on it, one succeeds; the others
/// are told, and nobody's change is lost without a word.
async fn no_update_is_lost_with_if_match(account: Account) {
    account.create(basic("staging")).await;
    for round in 0..5 {
        let etag = account.manager.get("credentials/staging").await.etag();
        let titles: Vec<_> = (0..20).map(|n| format!("round {round} writer {n}")).collect();
        let writes = join_all(titles.iter().map(|title| {
            let call = account.manager.call(Method::PATCH, "credentials/staging").header("if-match", &etag);
            call.json(&json!({ "title": title })).send()
        }))
        .await;
        let winners: Vec<_> = writes.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(winners.len(), 1);
        assert!(writes.iter().all(|reply| [200, 412].contains(&reply.status)));
        let now = account.manager.get("credentials/staging").await;
        assert_eq!(now.body["title"], winners[0].body["title"]);
        assert_eq!(now.etag(), winners[0].etag());
    }
}

/// Without `If-Match` patches to different fields all arrive.
async fn concurrent_patches_of_different_labels_all_arrive(account: Account) {
    account.create(basic("staging")).await;
    let patches: Vec<_> = (0..12).map(|n| json!({ "labels": { format!("l{n}"): "x" } })).collect();
    let replies = join_all(patches.into_iter().map(|patch| account.manager.patch("credentials/staging", patch))).await;
    let labels = account.manager.get("credentials/staging").await.expect(200)["labels"].clone();
    let arrived = labels.as_object().expect("labels").len();
    let acknowledged = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(arrived, acknowledged, "what was acknowledged is there");
    assert!(replies.iter().all(|reply| [200, 409].contains(&reply.status)));
}

async fn number_of_defaults(account: &Account) -> usize {
    account.admin.all("credentials").await.iter().filter(|one| one["default"] == true).count()
}
