use reqwest::Method;
use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry, tls};

/// Members choose credentials for applications, hosts, environments and repositories; each slot takes what its types
/// are for (S0-06, S0-08, S0-09, S0-41, S0-45, S4-22).
#[tokio::test]
async fn consumers_are_bound_to_what_their_slots_take() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    account.create(basic("staging")).await;
    account.create(tls("www")).await;
    for (consumer, slot, credential) in [
        ("app:web", "image-pull", "ghcr"),
        ("app:web", "build-pull", "ghcr"),
        ("environment:staging", "basic-auth", "staging"),
        ("host:www.example.com", "certificate", "www"),
        ("registry:ghcr.io%2Forg%2Fapp", "image-pull", "ghcr"),
    ] {
        let bound =
            account.member.put(&format!("bindings/{consumer}/{slot}"), json!({ "credential": credential })).await;
        assert_eq!(bound.expect(200)["credential"]["name"], credential);
    }
    let refused = account.member.put("bindings/app:web/basic-auth", json!({ "credential": "ghcr" })).await;
    assert_eq!(refused.violations(), [("/credential", "slot")]);
    let refused = account.member.put("bindings/app:web/image-pul", json!({ "credential": "ghcr" })).await;
    assert_eq!(refused.violations(), [("/slot", "unknown")]);
    assert_eq!(account.member.all("bindings?limit=2").await.len(), 5);
    assert_eq!(account.member.all("bindings?consumer=app:web&limit=1").await.len(), 2);
    assert_eq!(account.member.all("bindings?credential=ghcr&slot=image-pull").await.len(), 2);
}

/// A binding refers to the credential and not to its name (S1-16).
#[tokio::test]
async fn a_binding_survives_a_rename_and_honours_if_match() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let path = "bindings/app:web/image-pull";
    let bound = account.manager.put(path, json!({ "credential": "ghcr" })).await;
    account.manager.patch("credentials/ghcr", json!({ "name": "github" })).await.expect(200);
    let shown = account.member.get(path).await;
    assert_eq!(shown.etag(), bound.etag());
    assert_eq!(shown.expect(200)["credential"]["name"], "github");
    account.create(registry("other")).await;
    let put = |etag: &str| account.manager.call(Method::PUT, path).header("if-match", etag);
    put("\"1\"").json(&json!({ "credential": "other" })).send().await.expect(412);
    put(&bound.etag()).json(&json!({ "credential": "other" })).send().await.expect(200);
    put(&bound.etag()).json(&json!({ "credential": "github" })).send().await.expect(412);
    let trail = account.auditor.all("audit?action=binding.*").await;
    assert_eq!(trail.iter().map(|entry| entry["action"].clone()).collect::<Vec<_>>(), ["binding.put", "binding.put"]);
    assert_eq!(
        (&trail[0]["detail"]["consumer"], &trail[0]["detail"]["slot"]),
        (&json!("app:web"), &json!("image-pull"))
    );
}

/// S2-08, D-4, S4-26.
#[tokio::test]
async fn what_is_bound_is_in_the_way_of_its_deletion() {
    let account = Account::new().await;
    let id = account.create(registry("ghcr")).await["id"].as_str().expect("an id").to_owned();
    account.member.put("bindings/app:web/image-pull", json!({ "credential": "ghcr" })).await.expect(200);
    let shown = account.manager.get("credentials/ghcr").await.expect(200);
    assert_eq!(shown["warnings"][0]["code"], "in-use");
    for query in ["", "?purge=true"] {
        let refused = account.manager.delete(&format!("credentials/ghcr{query}")).await.expect(409);
        let conflict = &refused["conflicts"][0];
        assert_eq!((&conflict["kind"], &conflict["id"]), (&json!("binding"), &json!("app:web/image-pull")));
        account.member.get(conflict["url"].as_str().expect("a path")).await.expect(200);
    }
    account.manager.delete("credentials/ghcr?force=true").await.expect(204);
    let web = json!({ "consumer": "app:web", "slot": "image-pull" });
    account.workload.post("resolve", web.clone()).await.expect(409);
    account.manager.act(&format!("credentials/{id}/restore")).await.expect(200);
    assert_eq!(account.workload.post("resolve", web.clone()).await.expect(200)["source"], "binding");
    account.manager.delete("credentials/ghcr?force=true&purge=true").await.expect(204);
    account.member.get("bindings/app:web/image-pull").await.expect(404);
    account.workload.post("resolve", web).await.expect(404);
    let report = account.operator.act("/v1/audit/verify").await.expect(200);
    assert_eq!(report["problems"], json!([]));
}

/// Usage shows what is bound to a credential and who used it (S4-24).
#[tokio::test]
async fn usage_tells_who_depends_on_a_credential_and_who_used_it() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    account.member.put("bindings/app:web/image-pull", json!({ "credential": "ghcr" })).await.expect(200);
    account.workload.post("resolve", json!({ "consumer": "app:web", "slot": "image-pull" })).await.expect(200);
    account.manager.post("credentials/ghcr/reveal", json!({})).await.expect(200);
    let usage = account.manager.get("credentials/ghcr/usage").await.expect(200);
    assert_eq!((&usage["default"], &usage["bindings"][0]["consumer"]), (&json!(true), &json!("app:web")));
    let uses = usage["uses"].as_array().expect("a list");
    let mut protocols: Vec<_> = uses.iter().map(|used| used["protocol"].as_str().expect("text")).collect();
    protocols.sort_unstable();
    assert_eq!(protocols, ["resolve", "reveal"]);
    let resolved = uses.iter().find(|used| used["protocol"] == "resolve").expect("it");
    assert_eq!((&resolved["consumer"], &resolved["actor"]), (&json!("app:web"), &json!("workload:workload")));
    assert!(account.manager.get("credentials/ghcr").await.expect(200)["lastUsedAt"].is_string());
}
