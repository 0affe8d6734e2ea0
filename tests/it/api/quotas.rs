//! What one account, and one token, may take of the installation.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::samples::basic;
use crate::support::server::eventually;
use crate::support::{Account, Client, Reply, Server};

/// An account with its five tokens, where each quota is soon reached.
async fn tight() -> (Server, Account) {
    let mut builder = Server::builder();
    for (quota, most) in [("TOKENS", "8"), ("MEMBERS", "2"), ("CREDENTIALS", "3"), ("BINDINGS", "2"), ("VERSIONS", "3")]
    {
        builder = builder.env(&format!("BURSAR_QUOTAS__{quota}"), most);
    }
    let server = builder.start().await;
    let account = Account::on(&server).await;
    (server, account)
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

#[track_caller]
fn exceeded(reply: &Reply, key: &str) {
    reply.assert_status(409);
    assert_eq!(reply.body["type"], "/problems/quota-exceeded");
    let detail = reply.body["detail"].as_str().expect("a sentence");
    assert!(detail.contains(key), "{detail}");
}

#[tokio::test]
async fn an_account_that_has_all_it_may_gets_no_more_until_it_makes_room() {
    let (server, account) = tight().await;
    let admin = &account.admin;
    let mut last = Value::Null;
    for n in 0..3 {
        let token = json!({ "name": format!("t{n}"), "role": "member" });
        admin.post("tokens", token).await.expect(201);
        last = admin.post("credentials", basic(&format!("c{n}"))).await.expect(201);
    }
    let more = json!({ "name": "more", "role": "member" });
    exceeded(&admin.post("tokens", more.clone()).await, "quotas.tokens");
    exceeded(&admin.post("credentials", basic("more")).await, "quotas.credentials");
    for principal in ["ann", "bob"] {
        admin.put(&format!("members/{principal}"), json!({ "role": "member" })).await.expect(200);
    }
    exceeded(&admin.put("members/eve", json!({ "role": "member" })).await, "quotas.members");
    admin.put("members/ann", json!({ "role": "admin" })).await.expect(200);
    let bind = async |consumer: &str, credential: &str| {
        let path = format!("bindings/app:{consumer}/basic-auth");
        admin.put(&path, json!({ "credential": credential })).await
    };
    bind("a", "c0").await.expect(200);
    bind("b", "c0").await.expect(200);
    exceeded(&bind("c", "c0").await, "quotas.bindings");
    bind("a", "c1").await.expect(200);

    // Nobody else is short of anything.
    let other = Account::on(&server).await;
    other.create(basic("one")).await;
    other.admin.post("tokens", more.clone()).await.expect(201);

    // A deleted credential can be restored, and counts until it is purged.
    admin.delete("credentials/c2").await.expect(204);
    exceeded(&admin.post("credentials", basic("more")).await, "quotas.credentials");
    admin.delete(&format!("credentials/{}?purge=true", id(&last))).await.expect(204);
    admin.post("credentials", basic("more")).await.expect(201);
    let tokens = admin.all("tokens").await;
    let spare = tokens.iter().find(|token| token["name"] == "t0").expect("a token");
    admin.delete(&format!("tokens/{}", id(spare))).await.expect(204);
    admin.post("tokens", more).await.expect(201);
    admin.delete("members/bob").await.expect(204);
    admin.put("members/eve", json!({ "role": "member" })).await.expect(200);
    admin.delete("bindings/app:b/basic-auth").await.expect(204);
    bind("c", "c0").await.expect(200);
}

#[tokio::test]
async fn many_at_once_do_not_pass_together() {
    let (_server, account) = tight().await;
    let replies = join_all((0..30).map(|n| {
        let client = account.manager.clone();
        async move { client.post("credentials", basic(&format!("c{n}"))).await }
    }))
    .await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 3, "{:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    // What is refused for another reason takes no room.
    let listed = account.manager.all("credentials").await;
    account.manager.delete(&format!("credentials/{}", id(&listed[0]))).await.expect(204);
    account.manager.delete(&format!("credentials/{}?purge=true", id(&listed[0]))).await.expect(204);
    for _ in 0..5 {
        account.manager.post("credentials", json!({ "type": "basic-auth", "name": "x", "data": {} })).await.expect(422);
    }
    account.manager.post("credentials", basic("x")).await.expect(201);
}

#[tokio::test]
async fn only_the_newest_versions_are_kept() {
    let (_server, account) = tight().await;
    account.create(basic("staging")).await;
    for n in 0..4 {
        let patch = json!({ "data": { "password": format!("password {n}") } });
        account.manager.patch("credentials/staging", patch).await.expect(200);
    }
    let versions = account.manager.all("credentials/staging/versions").await;
    let kept: Vec<&Value> = versions.iter().map(|version| &version["version"]).collect();
    assert_eq!(kept, [&json!(5), &json!(4), &json!(3)]);
    account.manager.act("credentials/staging/versions/2/restore").await.expect(404);
    account.manager.act("credentials/staging/versions/3/restore").await.expect(200);
    let secret = account.manager.post("credentials/staging/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"]["password"], "password 1");
    let report = account.server.operator().act("/v1/audit/verify").await.expect(200);
    assert_eq!(report["problems"], json!([]));
}

#[tokio::test]
async fn the_tokens_of_an_account_share_a_rate() {
    let server = Server::builder()
        .env("BURSAR_LIMITS__ACCOUNT_REQUESTS_PER_SECOND", "1")
        .env("BURSAR_LIMITS__ACCOUNT_BURST", "20")
        .start()
        .await;
    let (account, other) = (Account::on(&server).await, Account::on(&server).await);
    let clients = [&account.admin, &account.manager, &account.member, &account.auditor];
    let replies = join_all((0..60).map(|n| clients[n % 4].get("credentials"))).await;
    let waits: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(waits.len() >= 20, "{} of 60 wait", waits.len());
    assert!(waits.iter().all(|reply| reply.body["detail"].as_str().is_some_and(|text| text.contains("account"))));
    assert!(waits.iter().all(|reply| reply.header("retry-after").is_some()));
    other.member.get("credentials").await.expect(200);
    let served_again = async || account.member.get("credentials").await.status == 200;
    assert!(eventually(std::time::Duration::from_secs(30), served_again).await);
}

#[tokio::test]
async fn streams_of_events_are_counted_by_token_and_by_account() {
    let server = Server::builder()
        .env("BURSAR_LIMITS__EVENT_STREAMS_PER_TOKEN", "2")
        .env("BURSAR_LIMITS__EVENT_STREAMS_PER_ACCOUNT", "3")
        .start()
        .await;
    let account = Account::on(&server).await;
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("an HTTP client");
    let open = async |client: &Client| {
        let url = format!("{}/v1/accounts/{}/events", server.base(), account.name);
        http.get(url).bearer_auth(client.token()).send().await.expect("an answer")
    };
    let first = open(&account.member).await;
    let second = open(&account.member).await;
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    let third = open(&account.member).await;
    assert_eq!(third.status(), 429);
    assert!(third.headers().contains_key("retry-after"));
    let of_another = open(&account.admin).await;
    assert_eq!(of_another.status(), 200);
    assert_eq!(open(&account.manager).await.status(), 429, "the account has three");
    drop(first);
    let room = async || open(&account.member).await.status() == 200;
    assert!(eventually(std::time::Duration::from_mins(1), room).await, "a closed one makes room");
}

#[tokio::test]
async fn labels_and_scopes_have_a_size() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let labels = |from: usize, to: usize| -> Value {
        (from..to).map(|n| (format!("label-{n}"), json!("x"))).collect::<serde_json::Map<_, _>>().into()
    };
    account.manager.patch("credentials/staging", json!({ "labels": labels(0, 40) })).await.expect(200);
    let reply = account.manager.patch("credentials/staging", json!({ "labels": labels(40, 80) })).await;
    assert_eq!(reply.violations(), [("/labels", "too-long")]);
    account.manager.patch("credentials/staging", json!({ "labels": labels(40, 64) })).await.expect(200);

    let mut token = json!({ "name": "t", "role": "workload", "scope": {} });
    for (part, value) in [
        ("credentials", json!(vec!["x"; 101])),
        ("regions", json!(["x".repeat(600)])),
        ("consumers", json!(vec!["app:x"; 101])),
        ("labels", labels(0, 65)),
    ] {
        token["scope"] = json!({ part: value });
        let reply = account.admin.call(Method::POST, "tokens").json(&token).send().await;
        let pointer = format!("/scope/{part}");
        assert!(reply.violations().contains(&(pointer.as_str(), "too-long")), "{part}: {}", reply.body);
    }
}
