use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::samples::{basic, registry};
use crate::support::{Account, Server};

#[tokio::test]
async fn entries_come_newest_first_and_page() {
    let account = Account::new().await;
    for n in 0..5 {
        account.create(basic(&format!("c{n}"))).await;
    }
    let whole = account.auditor.all("audit?action=credential.create").await;
    assert_eq!(whole.len(), 5);
    let times: Vec<_> = whole.iter().map(|entry| entry["at"].as_str().expect("a time").to_owned()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let seqs: Vec<_> = whole.iter().map(|entry| entry["seq"].as_u64().expect("a number")).collect();
    assert!(seqs.is_sorted_by(|newer, older| newer > older), "{seqs:?}");
    assert_eq!(account.auditor.all("audit?action=credential.create&limit=2").await, whole);

    let entry = &whole[0];
    for member in [
        "id",
        "seq",
        "at",
        "actor",
        "action",
        "outcome",
        "account",
        "credential",
        "version",
        "region",
        "requestId",
        "client",
        "plugin",
        "prevHash",
        "hash",
    ] {
        assert!(entry.get(member).is_some(), "{member} is missing in {entry}");
    }
    assert_eq!((&entry["account"], &entry["actor"]), (&json!(account.id), &json!("user:credentials-manager")));
    assert_eq!(entry["client"], "127.0.0.1");
}

#[tokio::test]
async fn filters_narrow() {
    let account = Account::new().await;
    let one = account.create(registry("one")).await["id"].clone();
    let one = one.as_str().expect("an id");
    account.admin.patch("credentials/one", json!({ "title": "T" })).await.expect(200);
    account.create(basic("two")).await;
    let middle = account.auditor.all("audit").await[0]["at"].clone();
    let middle = middle.as_str().expect("a time");
    let count = async |query: &str| account.auditor.all(&format!("audit?{query}")).await.len();
    assert_eq!(count(&format!("credential={one}")).await, 3);
    assert_eq!(count("actor=user%3Aadmin").await, 1);
    assert_eq!(count("action=credential.update").await, 1);
    assert_eq!(count("action=credential.*").await, 4);
    assert_eq!(count("region=eu").await, 0);
    let (before, since) = (count(&format!("until={middle}")).await, count(&format!("since={middle}")).await);
    assert_eq!(before + since, account.auditor.all("audit").await.len());
    assert!(since >= 1 && before >= 3);
    for (query, pointer) in
        [("since=yesterday", "?since"), ("credential=one%20two", "?credential"), ("limit=0", "?limit"), ("x=1", "?x")]
    {
        let reply = account.auditor.get(&format!("audit?{query}")).await;
        assert_eq!(reply.pointers(), [pointer], "{query}");
    }
}

#[tokio::test]
async fn a_refusal_is_recorded_and_carries_the_request() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let call = account.member.call(reqwest::Method::POST, "credentials/staging/reveal");
    call.header("x-request-id", "refused-7").json(&json!({})).send().await.expect(403);
    let trail = account.auditor.all("audit?action=credential.reveal").await;
    assert_eq!(trail.len(), 1);
    assert_eq!(
        (&trail[0]["outcome"], &trail[0]["requestId"], &trail[0]["actor"]),
        (&json!("denied"), &json!("refused-7"), &json!("user:member"))
    );
}

#[tokio::test]
async fn a_credentials_manager_reads_the_credentials_part() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    account.admin.put("members/alice", json!({ "role": "member" })).await.expect(200);
    let seen = account.manager.all("audit").await;
    assert!(
        !seen.is_empty()
            && seen
                .iter()
                .all(|entry| entry["action"].as_str().is_some_and(|action| action.starts_with("credential.")))
    );
    assert!(account.auditor.all("audit").await.iter().any(|entry| entry["action"] == "member.put"));
}

#[tokio::test]
async fn an_account_s_trail_is_its_own() {
    let server = Server::shared().await;
    let (one, two) = (Account::on(&server).await, Account::on(&server).await);
    one.create(basic("staging")).await;
    two.create(basic("staging")).await;
    assert!(one.auditor.all("audit").await.iter().all(|entry| entry["account"] == one.id));
    let whole = one.operator.all("/v1/audit?action=credential.create&limit=500").await;
    for account in [&one, &two] {
        assert!(whole.iter().any(|entry| entry["account"] == account.id));
    }
}

/// On a server of its own, since nothing else may write while the chain is read.
#[tokio::test]
async fn the_chain_links_and_checkpoints_witness_it() {
    let server = Server::builder().start().await;
    let account = Account::on(&server).await;
    account.create(basic("staging")).await;
    let operator = server.operator();
    let checkpoint = operator.get("/v1/audit/checkpoint").await.expect(200);
    account.manager.post("credentials/staging/reveal", json!({})).await.expect(200);

    let mut chains: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in operator.all("/v1/audit").await {
        let node = entry["id"].as_str().expect("an id").rsplit_once('-').expect("node and number").0.to_owned();
        chains.entry(node).or_default().push(entry);
    }
    for (node, mut chain) in chains {
        chain.sort_by_key(|entry| entry["seq"].as_u64());
        for (number, pair) in (1..).zip(chain.windows(2)) {
            assert_eq!((pair[0]["seq"].as_u64(), &pair[1]["prevHash"]), (Some(number), &pair[0]["hash"]), "{node}");
        }
        if checkpoint["node"] == json!(node) {
            let covered = chain.iter().find(|entry| entry["seq"] == checkpoint["seq"]).expect("the entry it covers");
            assert_eq!(covered["hash"], checkpoint["hash"]);
        }
    }

    let verify = async |witness: &Value| operator.post("/v1/audit/verify", witness.clone()).await;
    let report = verify(&checkpoint).await.expect(200);
    assert_eq!(report["problems"], json!([]));
    assert!(report["entries"].as_u64().is_some_and(|entries| entries > 5) && report["records"].as_u64() > Some(3));
    // A witness of something that did not happen is told.
    let mut forged = checkpoint.clone();
    forged["hash"] = json!(format!("sha256:{}", "0".repeat(64)));
    let report = verify(&forged).await.expect(200);
    assert_ne!(report["problems"], json!([]));
}

#[tokio::test]
async fn an_attempt_on_another_account_is_in_the_callers_own_trail() {
    let server = Server::shared().await;
    let (one, two) = (Account::on(&server).await, Account::on(&server).await);
    two.create(basic("staging")).await;
    let before = two.operator.all("audit").await.len();
    let nobody = crate::support::account::unique("nobody");
    for account in [&two.name, &two.id, &nobody] {
        let path = format!("/v1/accounts/{account}/credentials/staging/reveal");
        one.manager.post(&path, json!({})).await.expect(404);
        one.member.get(&format!("/v1/accounts/{account}/credentials")).await.expect(404);
    }
    assert_eq!(two.operator.all("audit").await.len(), before, "nothing of it in the other's trail");
    let own = one.auditor.all("audit?action=credential.reveal").await;
    assert_eq!(own.len(), 3, "{own:?}");
    let asked: Vec<&Value> = own.iter().rev().map(|entry| &entry["detail"]["askedFor"]).collect();
    assert_eq!(asked, [&json!(two.name), &json!(two.id), &json!(nobody)]);
    for entry in &own {
        assert_eq!((&entry["account"], &entry["actorAccount"]), (&json!(one.id), &json!(one.id)));
        let mut alike = entry.clone();
        alike["detail"]["askedFor"] = json!("");
        let mut first = own[0].clone();
        first["detail"]["askedFor"] = json!("");
        for member in ["id", "seq", "at", "requestId", "prevHash", "hash"] {
            (alike[member], first[member]) = (json!(0), json!(0));
        }
        assert_eq!(alike, first, "the record does not tell whether the account exists");
    }
    let seen = one.operator.all("/v1/audit?action=credential.reveal&limit=500").await;
    assert!(own.iter().all(|entry| seen.contains(entry)), "and in the operator's view");
}

/// `user:ann` may be in every account: the record says which one.
#[tokio::test]
async fn an_actor_is_told_from_one_of_the_same_name_elsewhere() {
    let server = Server::shared().await;
    let (one, two) = (Account::on(&server).await, Account::on(&server).await);
    for account in [&one, &two] {
        account.create(basic("staging")).await;
    }
    let count = async |by: &crate::support::Client, query: &str| by.all(query).await.len();
    for name in [&one.name, &one.id] {
        let query = format!("audit?action=credential.create&actor={name}%2Fuser%3Acredentials-manager");
        assert_eq!(count(&one.operator, &format!("/v1/{query}")).await, 1, "{name}");
        assert_eq!(count(&one.auditor, &query).await, 1, "{name}");
        assert_eq!(count(&two.auditor, &query).await, 0, "another account has no actors to a tenant");
    }
    assert_eq!(count(&two.auditor, "audit?actor=nobody%2Fuser%3Aadmin").await, 0);
    let by_operator = one.operator.post("tokens", json!({ "name": "x", "role": "auditor" })).await.expect(201);
    let made = one.auditor.all("audit?action=token.create").await;
    assert!(by_operator["id"].is_string() && made[0].get("actorAccount").is_none(), "{}", made[0]);
}

/// 55 records a second of one token were 14 GB a day.
#[tokio::test]
async fn refusals_that_repeat_are_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::builder().data_dir(folder.path()).start().await;
    let account = Account::on(&server).await;
    account.create(basic("staging")).await;
    let hidden = json!({ "type": "basic-auth", "name": "hidden", "revealable": false,
        "data": { "username": "u", "password": "p4ssw0rd-of-it" } });
    account.create(hidden).await;
    let before = account.operator.all("/v1/audit").await.len();
    for _ in 0..REPEATS {
        account.workload.get("credentials").await.expect(403);
        account.manager.post("credentials/hidden/reveal", json!({})).await.expect(403);
        account.workload.post("credentials/staging/materialize", json!({ "format": "no/such" })).await.expect(422);
    }
    let trail = account.operator.all("/v1/audit").await;
    // A minute may have ended meanwhile: two firsts and a count of each at most.
    let written = trail.len() - before;
    assert!(written <= 3 * 3, "{written} records for {} refusals", 3 * REPEATS);
    let reads = |trail: &[Value]| {
        let own = trail.iter().filter(|entry| entry["action"] == "credential.read" && entry["outcome"] == "denied");
        own.map(|entry| entry["detail"]["repeated"].as_u64().unwrap_or(1)).sum::<u64>()
    };
    assert!(reads(&trail) >= 1, "the first is on record when it is answered");
    crate::crash::stop(server).await;
    let server = Server::builder().data_dir(folder.path()).start().await;
    let trail = server.operator().all("/v1/audit").await;
    assert_eq!(reads(&trail), REPEATS, "each is counted once the broker stopped");
    let told = trail.iter().find(|entry| entry["detail"]["repeated"].is_u64()).expect("a count");
    assert!(told["detail"]["since"].is_string() && told["requestId"].is_null(), "{told}");
}

const REPEATS: u64 = 40;
