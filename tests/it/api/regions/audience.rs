//! A region that is open to some accounts does not exist for the others.

use serde_json::{Value, json};

use super::World;
use super::stream::Watching;
use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Client};

/// The refusal without what differs from request to request.
async fn refusal(client: &Client, method: &str, path: &str) -> Value {
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let call = client.call(method.clone(), path);
    let call = if method == reqwest::Method::PUT { call.json(&json!({})) } else { call };
    let mut told = call.send().await.expect(404);
    told.as_object_mut().expect("a problem").remove("requestId");
    told
}

#[tokio::test]
async fn others_learn_nothing_of_a_region_that_is_not_open_to_them() {
    let world = World::new().await;
    let path = format!("/v1/regions/{}", world.region);
    let operator = &world.account.operator;
    let opened = operator.patch(&path, json!({ "accounts": [world.account.id] })).await.expect(200);
    assert_eq!(opened["accounts"], json!([world.account.name]), "named by id, shown by name");
    let id = opened["id"].as_str().expect("an id");
    let other = Account::on(&world.account.server).await;
    let mut watching = Watching::start(&other.server, &other.manager, &other.name, None).await;

    for (there, never) in [(world.region.as_str(), "never-was"), (id, "0190b5a0-0000-7000-8000-000000000000")] {
        for client in [&other.admin, &other.manager, &other.member, &other.auditor] {
            let shown = |name: &str| format!("/v1/regions/{name}");
            let hidden = refusal(client, "GET", &shown(there)).await;
            assert_eq!(hidden, refusal(client, "GET", &shown(never)).await);
            let hidden = refusal(client, "GET", &format!("regions/{there}")).await;
            assert_eq!(hidden, refusal(client, "GET", &format!("regions/{never}")).await);
        }
        for (method, what) in [("PUT", ""), ("DELETE", ""), ("GET", "/plan"), ("POST", "/ensure"), ("POST", "/sync")] {
            let hidden = refusal(&other.admin, method, &format!("regions/{there}{what}")).await;
            let never = refusal(&other.admin, method, &format!("regions/{never}{what}")).await;
            assert_eq!(hidden, never, "{method} {what}");
        }
    }
    assert!(!other.admin.get("/v1/regions?limit=500").await.body.to_string().contains(&world.region));
    let own = world.account.admin.get(&path).await.expect(200);
    assert!(own.get("accounts").is_none(), "who else may use it is for operators: {own}");

    // What happens there is told to those it is open to.
    operator.act(&format!("{path}/pause")).await.expect(200);
    operator.act(&format!("{path}/resume")).await.expect(200);
    other.create(basic("marker")).await;
    let first = watching.until("the marker", |sent| sent.data["region"] == id || sent.data["name"] == "marker").await;
    assert_eq!(first.name, "credential", "the stream of another account tells of the region: {first:?}");
}

#[tokio::test]
async fn an_account_that_uses_it_is_shut_out_by_force_alone() {
    let world = World::attached().await;
    world.account.create(basic("staging")).await;
    world.until("staging", "synced").await;
    let path = format!("/v1/regions/{}", world.region);
    let operator = &world.account.operator;
    let refused = operator.patch(&path, json!({ "accounts": [] })).await.expect(409);
    let conflict = &refused["conflicts"][0];
    assert_eq!((&conflict["kind"], &conflict["name"]), (&json!("account"), &json!(world.account.name)));
    operator.get(conflict["url"].as_str().expect("a path")).await.expect(200);
    assert!(world.file("staging", "auth").parent().expect("a folder").exists(), "nothing was touched");
    let none = operator.patch(&format!("{path}?force=true"), json!({ "accounts": [] })).await.expect(200);
    assert_eq!(none["accounts"], json!([]));
    let gone = eventually(super::PATIENCE, async || {
        !world.file("staging", "").exists() && world.account.admin.all("regions").await.is_empty()
    });
    assert!(gone.await, "what it has there is withdrawn, and its use ends");
    world.account.admin.get(&path).await.expect(404);
    world.account.admin.put(&world.used(), json!({})).await.expect(404);
    let told = world.account.operator.put(&world.used(), json!({})).await.expect(409);
    assert!(told["detail"].as_str().expect("a text").contains("`accounts`"), "{told}");
    assert_eq!(world.row("staging").await, Value::Null);
    let trail = world.account.auditor.all("audit?action=region.detach").await;
    assert!(trail.iter().any(|entry| entry["detail"]["notOpenAnyMore"] == true), "{trail:?}");
    operator.patch(&path, json!({ "accounts": null })).await.expect(200);
    world.attach(json!({})).await;
    world.until("staging", "synced").await;
}

#[tokio::test]
async fn accounts_that_are_not_there_are_told() {
    let world = World::new().await;
    let url = format!("/v1/regions/{}", world.region);
    let patch = async |accounts: Value| world.account.operator.patch(&url, json!({ "accounts": accounts })).await;
    assert_eq!(patch(json!([world.account.name, "no-such"])).await.violations(), [("/accounts/1", "unknown")]);
    assert_eq!(patch(json!("web")).await.violations(), [("/accounts", "type")]);
    world.account.admin.patch(&url, json!({ "accounts": null })).await.expect(403);
}
