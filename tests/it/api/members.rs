use reqwest::Method;
use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry};

#[tokio::test]
async fn members_come_change_and_go() {
    let account = Account::new().await;
    let added = account.admin.put("members/alice", json!({ "role": "member" })).await.expect(200);
    assert_eq!((&added["principal"], &added["role"]), (&json!("alice"), &json!("member")));
    account.admin.put("members/bob%40example.com", json!({ "role": "auditor" })).await.expect(200);
    let promoted = account.admin.put("members/alice", json!({ "role": "admin" })).await.expect(200);
    assert_eq!((&promoted["role"], &promoted["createdAt"]), (&json!("admin"), &added["createdAt"]));
    let listed = account.admin.all("members?limit=1").await;
    let told: Vec<_> = listed.iter().map(|one| (one["principal"].clone(), one["role"].clone())).collect();
    assert_eq!(told, [(json!("alice"), json!("admin")), (json!("bob@example.com"), json!("auditor"))]);
    account.admin.delete("members/alice").await.expect(204);
    account.admin.delete("members/alice").await.expect(404);
}

#[tokio::test]
async fn roles_and_principals_are_judged() {
    let account = Account::new().await;
    assert_eq!(account.admin.put("members/alice", json!({ "role": "king" })).await.pointers(), ["/role"]);
    assert_eq!(account.admin.put("members/alice", json!({})).await.violations(), [("/role", "required")]);
    assert_eq!(account.admin.put("members/alice", json!({ "role": "admin", "x": 1 })).await.pointers(), ["/x"]);
    assert_eq!(
        account.admin.put(&format!("members/{}", "a".repeat(256)), json!({ "role": "admin" })).await.pointers(),
        ["/principal"]
    );
    assert_eq!(account.admin.put("members/a%00b", json!({ "role": "admin" })).await.pointers(), ["/principal"]);
}

/// A member's token is what the membership is when it is used.
#[tokio::test]
async fn a_principal_s_token_follows_the_membership() {
    let account = Account::new().await;
    assert_eq!(
        account.admin.post("tokens", json!({ "name": "x", "principal": "alice" })).await.pointers(),
        ["/principal"]
    );
    account.admin.put("members/alice", json!({ "role": "member" })).await.expect(200);
    let alice = account.token(json!({ "principal": "alice" })).await;
    alice.get("credentials").await.expect(200);
    alice.get("audit").await.expect(403);
    account.admin.put("members/alice", json!({ "role": "auditor" })).await.expect(200);
    alice.get("audit").await.expect(200);
    account.admin.delete("members/alice").await.expect(204);
    alice.get("credentials").await.expect(401);
}

#[tokio::test]
async fn a_stale_change_is_refused() {
    let account = Account::new().await;
    let etag = account.admin.put("members/alice", json!({ "role": "member" })).await.etag();
    account.admin.put("members/alice", json!({ "role": "auditor" })).await.expect(200);
    let call = account.admin.call(Method::PUT, "members/alice").header("if-match", &etag);
    call.json(&json!({ "role": "admin" })).send().await.expect(412);
    account.admin.call(Method::DELETE, "members/alice").header("if-match", &etag).send().await.expect(412);
}

/// S0-08: every member picks from all unless an admin says otherwise.
#[tokio::test]
async fn a_member_binds_what_an_admin_opened_to_them() {
    let account = Account::new().await;
    let ids = [account.create(basic("open")).await["id"].clone(), account.create(basic("closed")).await["id"].clone()];
    let mut labelled = basic("labelled");
    labelled["labels"] = json!({ "team": "web", "tier": "test" });
    account.create(labelled).await;
    let made = account.admin.put("members/ann", json!({ "role": "member" })).await.expect(200);
    assert_eq!(made["bindable"], json!(null), "all, unless somebody says otherwise");
    let ann = account.token(json!({ "principal": "ann" })).await;
    let bind = async |consumer: &str, credential: &str| {
        let path = format!("bindings/environment:{consumer}/basic-auth");
        ann.put(&path, json!({ "credential": credential })).await
    };
    bind("first", "closed").await.expect(200);

    let open = json!({ "credentials": ["open"], "labels": { "team": "web" } });
    let put = account.admin.put("members/ann", json!({ "role": "member", "bindable": open })).await.expect(200);
    assert_eq!(put["bindable"], json!({ "credentials": [ids[0]], "labels": { "team": "web" } }));
    assert_eq!(account.admin.all("members").await[0]["bindable"], put["bindable"]);
    bind("a", "open").await.expect(200);
    bind("b", "labelled").await.expect(200);
    let refused = bind("c", "closed").await.expect(403);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("closed")), "{refused}");
    bind("a", "closed").await.expect(403);
    let rows = ann.all("credentials").await;
    let told: Vec<_> = rows.iter().map(|row| (row["name"].as_str(), row["bindable"].as_bool())).collect();
    let expected = [(Some("open"), true), (Some("closed"), false), (Some("labelled"), true)];
    assert_eq!(told, expected.map(|(name, may)| (name, Some(may))));

    // What is bound already stays, and is not theirs to undo.
    account.member.get("bindings/environment:first/basic-auth").await.expect(200);
    bind("first", "open").await.expect(403);
    ann.delete("bindings/environment:first/basic-auth").await.expect(403);
    ann.delete("bindings/environment:a/basic-auth").await.expect(204);
    let trail = account.auditor.all("audit?action=binding.*&actor=user:ann").await;
    assert_eq!(trail.iter().filter(|entry| entry["outcome"] == "denied").count(), 4, "{trail:?}");

    // An id stays what it was when the name goes to another.
    account.manager.patch("credentials/open", json!({ "name": "was-open" })).await.expect(200);
    account.manager.patch("credentials/closed", json!({ "name": "open" })).await.expect(200);
    bind("d", "open").await.expect(403);
    bind("d", "was-open").await.expect(200);

    // Repeating the role widens nothing; null does.
    account.admin.put("members/ann", json!({ "role": "member" })).await.expect(200);
    bind("e", "open").await.expect(403);
    account.admin.put("members/ann", json!({ "role": "member", "bindable": {} })).await.expect(200);
    bind("e", "was-open").await.expect(403);
    account.admin.put("members/ann", json!({ "role": "member", "bindable": null })).await.expect(200);
    bind("e", "open").await.expect(200);
}

#[tokio::test]
async fn what_is_opened_to_a_member_is_judged() {
    let account = Account::new().await;
    let put = async |body| account.admin.put("members/ann", body).await;
    for (body, expected) in [
        (json!({ "role": "admin", "bindable": {} }), ("/bindable", "conflict")),
        (json!({ "role": "member", "bindable": [] }), ("/bindable", "type")),
        (json!({ "role": "member", "bindable": { "colour": 1 } }), ("/bindable", "type")),
        (json!({ "role": "member", "bindable": { "credentials": ["none"] } }), ("/bindable/credentials/0", "unknown")),
    ] {
        assert_eq!(put(body.clone()).await.violations(), [expected], "{body}");
    }
    // A limit ends with the role.
    put(json!({ "role": "member", "bindable": {} })).await.expect(200);
    assert_eq!(put(json!({ "role": "credentials-manager" })).await.expect(200)["bindable"], json!(null));
    assert_eq!(put(json!({ "role": "member" })).await.expect(200)["bindable"], json!(null));
}

/// What is not shown to a role is not found by it either.
#[tokio::test]
async fn filters_find_by_what_is_shown_alone() {
    let account = Account::new().await;
    let mut hidden = registry("ghcr");
    hidden["title"] = json!("Packages");
    hidden["description"] = json!("zebra");
    hidden["labels"] = json!({ "team": "web" });
    account.create(hidden).await;
    for client in [&account.member, &account.auditor] {
        assert_eq!(client.all("credentials?q=zebra").await.len(), 0);
        assert_eq!(client.all("credentials?q=packages").await.len(), 1);
        assert_eq!(client.all("credentials?category=container-registry&slot=image-pull").await.len(), 1);
        let told = [client.get("credentials?label=team%3Dweb").await, client.get("credentials?label=none").await];
        assert_eq!(told[0].body["detail"], told[1].body["detail"]);
        for reply in told {
            reply.expect(403);
        }
    }
    assert_eq!(account.manager.all("credentials?q=zebra&label=team%3Dweb").await.len(), 1);
}

/// Names outside of a token's scope are none of its business.
#[tokio::test]
async fn a_narrowed_token_finds_out_no_other_name() {
    let account = Account::new().await;
    for name in ["own", "other"] {
        account.create(basic(name)).await;
    }
    let body = json!({ "role": "credentials-manager", "scope": { "credentials": ["own"] } });
    let narrowed = account.token(body).await;
    let mut told = Vec::new();
    for name in ["own", "other", "free", "not a name"] {
        let validated = narrowed.get(&format!("credentials/validate-name?name={}", name.replace(' ', "%20"))).await;
        told.push(validated.expect(403)["detail"].clone());
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    let rename = async |to: &str| narrowed.patch("credentials/own", json!({ "name": to })).await.expect(403);
    assert_eq!(rename("other").await["detail"], rename("free").await["detail"]);
    narrowed.patch("credentials/own", json!({ "name": "own", "title": "T" })).await.expect(200);
}

/// It is hidden from people, not from what uses it (D-3).
#[tokio::test]
async fn one_that_nobody_reveals_says_who_still_gets_it() {
    let account = Account::new().await;
    let mut hidden = basic("hidden");
    hidden["revealable"] = json!(false);
    let created = account.create(hidden).await;
    let warned = |credential: &serde_json::Value| {
        let warnings = credential["warnings"].as_array().expect("warnings");
        let one = warnings.iter().find(|warning| warning["code"] == "not-revealable").expect("a warning").clone();
        assert_eq!(one["pointer"], "/revealable");
        assert!(one["message"].as_str().is_some_and(|told| told.contains("materialize")), "{one}");
    };
    warned(&created);
    warned(&account.manager.get("credentials/hidden").await.expect(200));
    warned(&account.manager.patch("credentials/hidden", json!({ "title": "T" })).await.expect(200));
    let plain = account.create(basic("plain")).await;
    assert_eq!(plain["warnings"], json!([]));
}
