//! What of an account's credentials is pushed to a region.

use serde_json::json;

use super::World;
use crate::support::samples::{basic, credential};
use crate::support::server::eventually;

#[tokio::test]
async fn keys_of_dns_providers_are_pushed_only_where_they_are_chosen() {
    let world = World::attached().await;
    let types = world.account.member.all("/v1/credential-types").await;
    for of in &types {
        let id = of["id"].as_str().expect("an id");
        assert_eq!(of["pushedByDefault"], !id.starts_with("dns-"), "{id}");
    }
    world.account.create(basic("staging")).await;
    world.account.create(credential("dns-cloudflare", "zone", json!({ "apiToken": "s3cret-zone-token" }))).await;
    world.until("staging", "synced").await;
    let ensured = world.account.manager.act(&format!("{}/ensure", world.used())).await.expect(200);
    assert_eq!((&ensured["ready"], &ensured["synced"]), (&json!(true), &json!(1)));
    assert_eq!(world.row("zone").await, json!(null));
    assert!(!world.file("zone", "").exists());

    let used = world.attach(json!({ "types": ["dns-cloudflare"] })).await;
    assert_eq!(used["types"], json!(["dns-cloudflare"]));
    world.until("zone", "synced").await;
    let withdrawn = eventually(super::PATIENCE, async || !world.file("staging", "").exists());
    assert!(withdrawn.await, "what is not chosen is withdrawn");
    assert_eq!(world.row("staging").await, json!(null));

    let used = world.attach(json!({ "formats": { "dns-cloudflare": ["env"] } })).await;
    assert_eq!(used["types"], json!(null));
    world.until("staging", "synced").await;
    world.until("zone", "synced").await;

    world.attach(json!({})).await;
    let withdrawn = eventually(super::PATIENCE, async || !world.file("zone", "").exists());
    assert!(withdrawn.await, "the default holds again");
    let wrong = json!({ "types": ["no-such", "basic-auth"], "formats": { "basic-auth": [] } });
    let refused = world.account.manager.put(&world.used(), wrong).await;
    assert_eq!(refused.violations(), [("/types/0", "unknown"), ("/types/1", "conflict")]);
}

/// A kubeconfig whose token ends in a line break, from a file of somebody's.
#[tokio::test]
async fn settings_that_no_library_can_use_are_refused_where_they_are_written() {
    let world = World::new().await;
    let operator = &world.account.operator;
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster:\n    server: \
                      http://127.0.0.1:1\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\nusers:\n- name: u\n  \
                      user:\n    token: |\n      eyJhbGciOi.tok.sig\n";
    let region = |kubeconfig: &str| {
        json!({ "name": crate::support::account::unique("k"), "target": "kubernetes",
                "settings": { "kubeconfig": kubeconfig, "timeoutSeconds": 2.0 } })
    };
    let refused = operator.post("/v1/regions", region(kubeconfig)).await;
    assert_eq!(refused.violations(), [("/settings/kubeconfig", "format")]);
    assert!(!refused.body.to_string().contains("eyJ"));
    let made = operator.post("/v1/regions", region(&kubeconfig.replace('|', "|-"))).await.expect(201);
    assert_eq!(made["settings"]["timeoutSeconds"], json!(2), "an integer, however it was written");
    let path = format!("/v1/regions/{}", made["name"].as_str().expect("a name"));
    let changed = json!({ "settings": { "kubeconfig": kubeconfig, "timeoutSeconds": 2.5 } });
    let refused = operator.patch(&path, changed).await;
    assert_eq!(refused.violations(), [("/settings/kubeconfig", "format"), ("/settings/timeoutSeconds", "type")]);
    // Nobody listens there: that is told, too.
    let checked = operator.act(&format!("{path}/check")).await.expect(200);
    assert_eq!(checked["reachable"], json!(false));
    operator.delete(&path).await.expect(204);
}
