//! What is told of an account while it happens.

use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::stream::Watching;
use crate::support::Server;
use crate::support::samples::basic;

impl World {
    async fn watch(&self, last: Option<&str>) -> Watching {
        Watching::start(&self.account.server, &self.account.manager, &self.account.name, last).await
    }
}

#[tokio::test]
async fn what_happens_is_told_in_order() {
    let world = World::new().await;
    let mut watching = world.watch(None).await;
    world.attach(json!({})).await;
    watching.until("the use", |sent| sent.name == "region" && sent.data == json!({})).await;
    let made = world.account.create(basic("staging")).await;
    let told = watching.until("the creation", |sent| sent.name == "credential").await;
    assert_eq!(told.data, json!({ "id": made["id"], "name": "staging", "change": "created" }));
    let told = watching.until("the push", |sent| sent.data["state"] == "synced").await;
    assert_eq!((told.name.as_str(), &told.data["account"]), ("sync", &json!(world.account.id)));
    assert_eq!((&told.data["credential"], &told.data["name"]), (&made["id"], &json!("staging")));
    assert_eq!((&told.data["region"], &told.data["version"]), (&json!(world.region), &json!(1)));
    assert_eq!((told.data["syncedAt"].is_string(), &told.data["error"]), (true, &Value::Null));
    world.order("pause").await;
    watching.until("the pause", |sent| sent.name == "region" && sent.data["region"].is_string()).await;
    world.order("resume").await;
    world.account.manager.delete("credentials/staging").await.expect(204);
    let gone = watching.until("the removal", |sent| sent.name == "sync" && sent.data["state"].is_null()).await;
    assert_eq!(gone.data["name"], "staging");
}

#[tokio::test]
async fn who_was_cut_off_misses_nothing_or_is_told_so() {
    let world = World::new().await;
    let mut watching = world.watch(None).await;
    world.account.create(basic("first")).await;
    watching.until("the first", |sent| sent.data["name"] == "first").await;
    let last = watching.at.clone();
    drop(watching);
    world.account.create(basic("second")).await;
    world.account.create(basic("third")).await;
    let mut resumed = world.watch(Some(&last)).await;
    for name in ["second", "third"] {
        let next = resumed.until("what was missed", |sent| !sent.name.is_empty()).await;
        assert_eq!((next.name.as_str(), &next.data["name"]), ("credential", &json!(name)));
    }
    let (epoch, number) = last.rsplit_once('-').expect("an epoch and a number");
    assert!(number.parse::<u64>().is_ok());
    for unknown in ["0000000000000000-1", "nonsense", &format!("{epoch}-999999999")] {
        let mut reset = world.watch(Some(unknown)).await;
        let first = reset.until("a reset", |sent| !sent.name.is_empty()).await;
        assert_eq!((first.name.as_str(), &first.data), ("reset", &json!({})), "{unknown}");
        assert!(reset.at.starts_with(epoch), "it can be resumed from");
    }
}

#[tokio::test]
async fn an_account_hears_nothing_of_another() {
    let (mine, theirs) = (World::new().await, World::new().await);
    let mut watching = mine.watch(None).await;
    theirs.account.create(basic("theirs")).await;
    theirs.account.manager.act(&format!("{}/ensure", theirs.used())).await.expect(200);
    mine.account.create(basic("mine")).await;
    let told = watching.until("a credential", |sent| matches!(sent.name.as_str(), "credential" | "sync")).await;
    assert_eq!(told.data["name"], "mine");
    mine.account.manager.get(&format!("/v1/accounts/{}/events", theirs.account.name)).await.expect(404);
}

/// Asked again every fifteen seconds.
#[tokio::test]
async fn a_revoked_token_ends_its_stream() {
    let world = World::new().await;
    let made = world.account.admin.post("tokens", json!({ "name": "x", "role": "member" })).await.expect(201);
    let server = &world.account.server;
    let client = server.with_token(made["token"].as_str().expect("its text")).within(&world.account.name);
    let mut watching = Watching::start(server, &client, &world.account.name, None).await;
    let token = format!("tokens/{}", made["id"].as_str().expect("an id"));
    world.account.admin.delete(&token).await.expect(204);
    let ended = tokio::time::timeout(Duration::from_secs(40), async { while watching.next().await.is_some() {} });
    ended.await.expect("it ends");
}

#[tokio::test]
async fn a_stopping_broker_does_not_wait_for_those_who_watch() {
    let server = Server::builder().start().await;
    let world = World::on(&server).await;
    let mut watching = world.watch(None).await;
    let status = std::process::Command::new("kill").args(["-s", "TERM", &server.pid().to_string()]).status();
    assert!(status.expect("kill runs").success());
    let ended = tokio::time::timeout(Duration::from_secs(10), async { while watching.next().await.is_some() {} });
    ended.await.expect("it ends at once");
    let gone = async || !server.is_running();
    assert!(crate::support::server::eventually(Duration::from_secs(10), gone).await, "{}", server.log());
}
