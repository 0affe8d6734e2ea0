//! What is refused before any provider hears of it.

use serde_json::{Value, json};

use crate::support::Account;
use crate::support::samples::registry;

const NAME: &str = "_acme-challenge.example.com";

#[tokio::test]
async fn everything_wrong_with_a_record_is_told_at_once() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    for what in ["present", "cleanup"] {
        let path = format!("credentials/ghcr/dns/{what}");
        let empty = account.manager.post(&path, json!({})).await;
        assert_eq!(empty.violations(), [("/fqdn", "required"), ("/value", "required")]);
        let wrong = json!({ "fqdn": 7, "value": "a\"b", "zone": "example.com" });
        let wrong = account.manager.post(&path, wrong).await;
        assert_eq!(wrong.violations(), [("/fqdn", "type"), ("/value", "format"), ("/zone", "unknown")]);
        assert_eq!(account.manager.post(&path, json!([])).await.violations(), [("", "type")]);
    }
    let ttl = json!({ "fqdn": NAME, "value": "v", "ttlSeconds": 0 });
    let reply = account.manager.post("credentials/ghcr/dns/present", ttl.clone()).await;
    assert_eq!(reply.violations(), [("/ttlSeconds", "format")]);
    let reply = account.manager.post("credentials/ghcr/dns/cleanup", ttl).await;
    assert_eq!(reply.violations(), [("/ttlSeconds", "unknown")]);
}

#[tokio::test]
async fn names_follow_the_rules_of_dns() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let present = async |fqdn: &str, value: &str| {
        account.manager.post("credentials/ghcr/dns/present", json!({ "fqdn": fqdn, "value": value })).await
    };
    let (label, too_long) = ("a".repeat(64), format!("_acme-challenge.{}", "a.".repeat(120)));
    for bad in [
        "",
        ".",
        "a..b",
        "-a.example",
        "a-.example",
        "a b.example",
        "*.example.com",
        "bücher.example",
        &label,
        &too_long,
    ] {
        assert_eq!(present(bad, "v").await.violations(), [("/fqdn", "format")], "{bad}");
    }
    for bad in ["", "\\", "\"", "a\nb", "ä", &"v".repeat(256)] {
        assert_eq!(present(NAME, bad).await.violations(), [("/value", "format")], "{bad}");
    }
    // Well-formed ones get as far as the type, which is another's.
    for good in [NAME, "_ACME-CHALLENGE.Example.COM.", "_acme-challenge.xn--bcher-kva.example", "_acme-challenge"] {
        assert_eq!(present(good, &"v".repeat(255)).await.violations(), [("", "unsupported")], "{good}");
    }
}

#[tokio::test]
async fn a_refused_use_is_recorded() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let body = json!({ "fqdn": NAME, "value": "v" });
    account.member.post("credentials/ghcr/dns/present", body.clone()).await.expect(403);
    account.workload.post("credentials/ghcr/dns/cleanup", body.clone()).await.assert_status(422);
    account.workload.act("credentials/ghcr/probe").await.assert_status(422);
    for (action, outcome) in [("dns.present", "denied"), ("dns.cleanup", "failed"), ("credential.probe", "failed")] {
        let trail = account.auditor.all(&format!("audit?action={action}")).await;
        let outcomes: Vec<_> = trail.iter().map(|entry| &entry["outcome"]).collect();
        assert_eq!(outcomes, [outcome], "{action}");
    }
    // What is gone, or was never there, is not told apart from what is not yours.
    account.manager.post("credentials/nothing/dns/present", body).await.expect(404);
    account.manager.get("credentials/nothing/dns").await.expect(404);
}

#[tokio::test]
async fn a_credential_of_another_type_has_no_records() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    assert_eq!(account.manager.all("credentials/ghcr/dns").await, Vec::<Value>::new());
    assert_eq!(account.manager.get("credentials/ghcr/dns?limit=0").await.pointers(), ["?limit"]);
    assert_eq!(account.manager.get("credentials/ghcr/dns?cursor=x").await.pointers(), ["?cursor"]);
    account.manager.delete("credentials/ghcr?purge=true").await.expect(204);
}

#[tokio::test]
async fn nothing_is_stored_where_the_service_cannot_be_asked() {
    let account = Account::new().await;
    let reply = account.manager.post("credentials?probe=true", registry("ghcr")).await;
    assert_eq!(reply.violations(), [("", "unsupported")]);
    account.manager.get("credentials/ghcr").await.expect(404);
    account.create(registry("ghcr")).await;
    let reply = account.manager.patch("credentials/ghcr?probe=true", json!({ "title": "T" })).await;
    assert_eq!(reply.violations(), [("", "unsupported")]);
    assert_eq!(account.manager.get("credentials/ghcr").await.expect(200)["title"], "");
}
