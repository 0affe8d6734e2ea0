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
