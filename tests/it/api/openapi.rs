//! The published description is true.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;

use crate::main_job::walk_as;
use crate::support::account::unique;
use crate::support::openapi::Description;
use crate::support::samples::{basic, registry};
use crate::support::{Account, Client, Reply, Server};

/// A walk over every operation, with successes and failures; each answer is
/// held against the schema of its operation and status.
#[tokio::test]
async fn every_answer_is_as_described() {
    let server = Server::builder().start().await;
    let description = Description::of(&server.anonymous()).await;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let account = recording(Account::on(&server).await, &recorded);
    let account = walk_as(account).await;
    beyond_the_main_job(&account, &server.anonymous().recording(&recorded)).await;

    let replies: Vec<Reply> = std::mem::take(&mut *recorded.lock().expect("no test thread panicked"));
    let mut differences: Vec<String> = replies.iter().flat_map(|reply| description.differences(reply)).collect();
    differences.sort();
    differences.dedup();
    assert!(
        differences.is_empty(),
        "{} of {} answers differ:\n{}",
        differences.len(),
        replies.len(),
        differences.join("\n")
    );

    let walked: std::collections::BTreeSet<(String, String)> = replies
        .iter()
        .filter(|reply| reply.status < 300)
        .filter_map(|reply| Some((reply.method.clone(), description.template_of(&reply.path)?.to_owned())))
        .collect();
    // `dns` and `plugins` hold these to the document, where they succeed, and
    // `regions` looks at events, which have no end.
    let elsewhere = ["/probe", "/dns/present", "/dns/cleanup", "/approve", "/revoke", "/rollback", "/events"];
    let is_elsewhere = |path: &str| elsewhere.iter().any(|end| path.ends_with(end));
    let missing: Vec<_> =
        description.operations().into_iter().filter(|one| !walked.contains(one) && !is_elsewhere(&one.1)).collect();
    assert_eq!(missing, [], "operations the walk leaves out");
}

#[tokio::test]
async fn the_document_is_complete() {
    let server = Server::shared().await;
    let description = Description::of(&server.anonymous()).await;
    let document = description.document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    for (method, path) in description.operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let at = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at} has no summary");
        assert!(operation["operationId"].is_string(), "{at} has no operationId");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{at} describes no success");
        if path.starts_with("/v1") {
            assert!(responses.contains_key("401"), "{at} does not describe 401");
        }
        let body = &operation["requestBody"]["content"];
        if let Some(content) = body.as_object() {
            for media in content.values() {
                assert!(media.get("example").or(media.get("examples")).is_some(), "{at}: its body has no example");
            }
        }
    }
    let page = server.anonymous().get("/docs").await;
    page.assert_status(200);
    let html = String::from_utf8_lossy(&page.bytes).into_owned();
    for outside in ["src=\"http", "href=\"http://", "<script", "@import"] {
        assert!(!html.contains(outside), "/docs uses {outside}");
    }
    // Slashes are escaped in HTML text too.
    assert!(html.replace("&#x2f;", "/").contains("/v1/accounts/{account}/credentials"));
}

fn recording(account: Account, into: &Arc<Mutex<Vec<Reply>>>) -> Account {
    Account {
        operator: account.operator.recording(into),
        admin: account.admin.recording(into),
        manager: account.manager.recording(into),
        member: account.member.recording(into),
        auditor: account.auditor.recording(into),
        workload: account.workload.recording(into),
        ..account
    }
}

async fn what_anyone_reads(account: &Account, anonymous: &Client) {
    let Account { operator, admin, workload, .. } = account;
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/style.css", "/problems", "/v1/me", "/metrics"]
    {
        anonymous.get(path).await;
    }
    anonymous.get("/problems/not-found").await;
    for client in [operator, admin, workload] {
        for path in [
            "/v1/me",
            "/v1/accounts",
            "/v1/credential-types",
            "/v1/dns-providers",
            "/v1/plugins",
            "/v1/tokens",
            "/v1/dns-providers/cloudflare",
            "/v1/dns-providers/cloudflare/template",
            "/v1/dns-providers/no-such",
            "/metrics",
        ] {
            client.get(path).await;
        }
    }
}

/// Bindings and resolution of the credential `full`.
async fn who_uses_what(account: &Account) {
    let Account { manager, member, auditor, workload, .. } = account;
    let binding = "bindings/app:web/image-pull";
    member.put(binding, json!({ "credential": "full" })).await.expect(200);
    member.put("bindings/web/image-pull", json!({ "credential": "full" })).await.assert_status(422);
    member.put(binding, json!({})).await.assert_status(422);
    auditor.put(binding, json!({ "credential": "full" })).await.expect(403);
    manager.call(Method::PUT, binding).header("if-match", "\"1\"").json(&json!({ "credential": "full" })).send().await;
    member.get(binding).await.expect(200);
    member.get("bindings/app:none/image-pull").await.expect(404);
    auditor.get("bindings?consumer=app:web&slot=image-pull&credential=full&limit=1").await.expect(200);
    member.get("bindings?consumer=web").await.assert_status(422);
    let web = |format: Option<&str>| json!({ "consumer": "app:web", "slot": "image-pull", "format": format });
    workload.post("resolve", web(None)).await.expect(200);
    workload.post("resolve", web(Some("login"))).await.expect(200);
    workload.post("resolve", web(Some("x"))).await.assert_status(422);
    workload.post("resolve", json!({ "consumer": "app:web", "slot": "basic-auth" })).await.expect(404);
    workload.post("resolve", json!({ "slot": "image-pull" })).await.assert_status(422);
    member.post("resolve", web(None)).await.expect(403);
    workload.post("resolve-image", json!({ "image": "ghcr.io/org/app:1", "format": "login" })).await.expect(200);
    workload.post("resolve-image", json!({ "image": "quay.io/org/app" })).await.expect(404);
    workload.post("resolve-image", json!({ "image": "A b" })).await.assert_status(422);
    manager.get("certificates?host=www.example.com").await.expect(200);
    member.get("certificates?host=www.example.com").await.expect(200);
    member.get("certificates?host=a..b").await.assert_status(422);
    member.get("certificates").await.assert_status(422);
    manager.get("credentials/full/usage").await.expect(200);
    member.get("credentials/full/usage").await.expect(403);
    manager.get("credentials/full").await.expect(200);
    manager.delete("credentials/full").await.expect(409);
    member.delete(binding).await.expect(204);
    member.delete(binding).await.expect(404);
}

/// Regions of the installation and of the account, filled and let go of.
async fn what_is_kept_in_regions(account: &Account) {
    let Account { operator, manager, member, workload, .. } = account;
    let (name, folder) = (unique("r"), tempfile::tempdir().expect("a temporary folder"));
    let region = json!({ "name": name, "target": "directory", "settings": { "path": folder.path() } });
    workload.get("/v1/region-targets").await.expect(200);
    operator.post("/v1/regions", region.clone()).await.expect(201);
    operator.post("/v1/regions", region.clone()).await.expect(409);
    operator.post("/v1/regions", json!({})).await.assert_status(422);
    member.post("/v1/regions", region).await.expect(403);
    let of_all = format!("/v1/regions/{name}");
    for client in [operator, member] {
        client.get("/v1/regions?limit=500").await.expect(200);
        client.get(&of_all).await.expect(200);
    }
    operator.patch(&of_all, json!({ "title": "Europe", "drift": "report" })).await.expect(200);
    operator.call(Method::PATCH, &of_all).header("if-match", "\"1\"").json(&json!({})).send().await.expect(412);
    for act in ["check", "pause", "drain", "resume"] {
        operator.act(&format!("{of_all}/{act}")).await.expect(200);
    }
    let used = format!("regions/{name}");
    manager.put(&used, json!({ "formats": { "no-such": [] } })).await.assert_status(422);
    manager.get(&format!("{used}/plan")).await.expect(200);
    manager.put(&used, json!({ "formats": { "basic-auth": ["login"] }, "onDetach": "remove" })).await.expect(200);
    for work in ["ensure", "sync"] {
        manager.act(&format!("{used}/{work}")).await.expect(200);
        member.act(&format!("{used}/{work}")).await.expect(403);
        manager.act(&format!("regions/none/{work}")).await.expect(404);
        manager.call(Method::POST, &format!("{used}/{work}")).header("accept", "text/event-stream").send().await;
    }
    manager.act("sync").await.expect(200);
    manager.act("credentials/full/sync").await.expect(200);
    manager.get(&format!("{used}/plan")).await.expect(200);
    manager.get("credentials/full").await.expect(200);
    member.get("regions").await.expect(200);
    member.get(&used).await.expect(200);
    workload.get("events").await.expect(403);
    operator.delete(&of_all).await.expect(409);
    manager.delete(&format!("{used}?onDetach=burn")).await.assert_status(422);
    manager.delete(&used).await.expect(204);
    manager.delete(&used).await.expect(404);
    operator.delete(&of_all).await.expect(204);
}

/// What the main job has no use for.
async fn beyond_the_main_job(account: &Account, anonymous: &Client) {
    let Account { operator, admin, manager, member, auditor, workload, .. } = account;
    what_anyone_reads(account, anonymous).await;
    let name = unique("other");
    operator.post("/v1/accounts", json!({ "name": name })).await.expect(201);
    operator.post("/v1/accounts", json!({ "name": name })).await.expect(409);
    operator.post("/v1/accounts", json!({ "name": 1 })).await.assert_status(422);
    let other = format!("/v1/accounts/{name}");
    for client in [operator, admin] {
        client.get(&other).await;
        client.patch(&other, json!({ "title": "T" })).await;
        client.delete(&other).await;
    }
    let token = operator.post("/v1/tokens", json!({ "name": unique("op") })).await.expect(201);
    operator.delete(&format!("/v1/tokens/{}", token["id"].as_str().expect("an id"))).await.expect(204);
    operator.get("/v1/plugins/basic-auth").await.expect(200);
    operator.get("/v1/plugins/no-such").await.expect(404);
    member.get("/v1/credential-types/container-registry").await.expect(200);
    member.get("/v1/credential-types/container-registry/template?variant=github").await.expect(200);
    member.get("/v1/credential-types/container-registry/template?variant=x").await.assert_status(422);

    admin.put("members/alice", json!({ "role": "member" })).await.expect(200);
    admin.put("members/alice", json!({ "role": "king" })).await.assert_status(422);
    admin.get("members").await.expect(200);
    member.get("members").await.expect(403);
    let scope = json!({ "credentials": ["www"], "labels": { "a": "b" } });
    let expires_at = "2126-01-01T00:00:00Z";
    let token = admin
        .post("tokens", json!({ "name": "x", "role": "workload", "scope": scope, "expiresAt": expires_at }))
        .await
        .expect(201);
    admin.post("tokens", json!({ "name": "y", "principal": "alice" })).await.expect(201);
    admin.get("tokens").await.expect(200);
    admin.delete(&format!("tokens/{}", token["id"].as_str().expect("an id"))).await.expect(204);
    admin.delete("members/alice").await.expect(204);

    let mut full = registry("full");
    full["labels"] = json!({ "team": "web" });
    full["title"] = json!("Title");
    manager.post("credentials/validate", full.clone()).await.expect(204);
    manager.post("credentials/validate", json!({})).await.assert_status(422);
    manager.post("credentials", full).await.expect(201);
    manager.post("credentials", basic("full")).await.expect(409);
    manager.get("credentials/validate-name?name=free").await.expect(204);
    manager.get("credentials/validate-name?name=full").await.expect(409);
    manager.get("credentials/validate-name?name=a%20b").await.assert_status(422);
    manager.get("credentials?limit=1&deleted=false&type=basic-auth").await.expect(200);
    manager.get("credentials?limit=0").await.assert_status(422);
    member.get("credentials").await.expect(200);
    member.get("credentials/full").await.expect(200);
    member.post("credentials", basic("x")).await.expect(403);
    workload.get("credentials").await.expect(403);
    manager.act("credentials/full/set-default").await.expect(200);
    manager.act("credentials/staging/set-default").await.assert_status(422);
    manager.act("credentials/full/probe").await.assert_status(422);
    let record = json!({ "fqdn": "_acme-challenge.example.com", "value": "v" });
    manager.post("credentials/full/dns/present", record.clone()).await.assert_status(422);
    manager.post("credentials/full/dns/cleanup", record).await.assert_status(422);
    manager.get("credentials/full/dns").await.expect(200);
    member.get("/v1/dns-providers/no-such").await.expect(404);
    member.get("/v1/dns-providers/no-such/template").await.expect(404);
    who_uses_what(account).await;
    what_is_kept_in_regions(account).await;
    manager.get("credentials/full/versions").await.expect(200);
    manager.act("credentials/full/versions/9/restore").await.expect(404);
    manager.post("credentials/full/reveal", json!({ "fields": ["/x"] })).await.assert_status(422);
    manager.post("credentials/full/materialize", json!({ "format": "x" })).await.assert_status(422);
    let patch = || manager.call(Method::PATCH, "credentials/full");
    patch().header("if-match", "\"1\"").json(&json!({ "title": "x" })).send().await.expect(412);
    patch().json(&json!({ "type": "x" })).send().await.assert_status(422);
    patch().bytes("text/plain", b"x".to_vec()).send().await.expect(415);
    patch().bytes("application/json", b"{".to_vec()).send().await.expect(400);
    manager.delete("credentials/full?purge=true&force=true").await.expect(204);
    manager.get("credentials/full").await.expect(404);

    for client in [operator, auditor, member] {
        client.get("audit?limit=2").await;
        client.get("/v1/audit?limit=2").await;
        client.get("/v1/audit/checkpoint").await;
    }
    operator.act("/v1/audit/verify").await.expect(200);
    operator.act("/v1/backup").await.assert_status(200);
    operator.act("/v1/rekey").await.expect(200);
    admin.act("/v1/backup").await.expect(403);
    admin.act("/v1/rekey").await.expect(403);
}
