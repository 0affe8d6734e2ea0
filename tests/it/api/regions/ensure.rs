//! The hook before a deployment (S0-40).

use std::fs;

use reqwest::Method;
use serde_json::json;

use super::World;
use super::stream::named;
use crate::support::openapi::assert_as_described;
use crate::support::samples::{basic, registry};

/// The first `ensure` puts every credential in place, the second finds them there (S0-40).
#[tokio::test]
async fn the_second_time_does_nothing() {
    let world = World::new().await;
    world.account.create(basic("staging")).await;
    world.account.create(registry("ghcr")).await;
    let ensure = format!("{}/ensure", world.used());
    let complete = json!({ "region": world.region, "ready": true, "synced": 2, "failed": [] });
    assert_eq!(world.account.manager.act(&ensure).await.expect(200), complete);
    let stamps = world.stamps();
    assert!(stamps.len() >= 4, "{stamps:?}");
    let pushes = world.account.manager.all("audit?action=region.push").await.len();
    assert_eq!(world.account.manager.act(&ensure).await.expect(200), complete);
    assert_eq!(world.stamps(), stamps, "inodes and times are as they were");
    assert_eq!(world.account.manager.all("audit?action=region.push").await.len(), pushes);
    assert_eq!(world.account.manager.get(&world.used()).await.expect(200)["sync"]["synced"], 2, "it is used since");
}

#[tokio::test]
async fn what_is_not_in_place_is_named_and_no_problem_document() {
    let world = World::new().await;
    world.plant("ghcr");
    world.account.create(basic("staging")).await;
    let id = world.account.create(registry("ghcr")).await["id"].clone();
    let anonymous = world.account.server.anonymous();
    for (path, region) in [
        (format!("{}/ensure", world.used()), ""),
        (format!("{}/sync", world.used()), ""),
        ("sync".to_owned(), "/regions/0"),
    ] {
        let short = world.account.manager.act(&path).await;
        assert_eq!(short.header("content-type"), Some("application/json"));
        assert_as_described(&anonymous, std::slice::from_ref(&short)).await;
        assert_eq!(short.body["ready"], false);
        let body = short.expect(409);
        let told = body.pointer(region).expect("the region");
        assert_eq!((&told["region"], &told["synced"]), (&json!(world.region), &json!(1)));
        let failed = told["failed"].as_array().expect("a list");
        assert_eq!((failed.len(), &failed[0]["credential"], &failed[0]["id"]), (1, &json!("ghcr"), &id));
        assert!(failed[0]["error"].as_str().is_some_and(|error| error.starts_with("in the way")), "{told}");
    }
}

#[tokio::test]
async fn progress_is_streamed_to_who_asks() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.account.create(basic(name)).await;
    }
    world.plant("c");
    let manager = &world.account.manager;
    let work = async |path: &str| {
        manager.call(Method::POST, path).header("accept", "text/event-stream, application/json").send().await
    };
    let reply = work(&format!("{}/ensure", world.used())).await;
    assert_as_described(&world.account.server.anonymous(), std::slice::from_ref(&reply)).await;
    assert!(reply.header("content-type").is_some_and(|found| found.starts_with("text/event-stream")));
    let mut events = named(&String::from_utf8_lossy(&reply.bytes));
    let last = events.pop().expect("a result");
    assert_eq!((last.name.as_str(), &last.data["ready"], &last.data["synced"]), ("result", &json!(false), &json!(2)));
    assert_eq!(events.len(), 3);
    for (done, step) in (1..).zip(&events) {
        assert_eq!(
            (step.name.as_str(), &step.data["done"], &step.data["total"]),
            ("progress", &json!(done), &json!(3))
        );
    }
    // A refusal has its status.
    work("regions/none/ensure").await.expect(404);
    world.order("pause").await;
    work(&format!("{}/sync", world.used())).await.expect(409);
    fs::remove_dir_all(world.file("c", "")).expect("it was there");
    world.order("resume").await;
    let reply = work("sync").await;
    let last = named(&String::from_utf8_lossy(&reply.bytes)).pop().expect("a result");
    assert_eq!(
        (last.name.as_str(), &last.data["ready"], &last.data["regions"][0]["synced"]),
        ("result", &json!(true), &json!(3))
    );
}
