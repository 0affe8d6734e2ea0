use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry, registry_with};

#[tokio::test]
async fn a_dry_run_judges_and_stores_nothing() {
    let account = Account::new().await;
    account.manager.post("credentials/validate", registry("ghcr")).await.expect(204);
    assert_eq!(account.manager.all("credentials").await.len(), 0);
    let trail = account.auditor.all("audit?action=credential.create").await;
    assert_eq!(trail.len(), 0, "nothing was created: {trail:?}");

    let wrong = registry_with("bad name", json!({ "server": "ghcr.io" }));
    let dry = account.manager.post("credentials/validate", wrong.clone()).await;
    let real = account.manager.post("credentials", wrong).await;
    assert_eq!(dry.violations(), real.violations(), "the dry run says what the real one says");
}

#[tokio::test]
async fn a_dry_run_sees_a_taken_name() {
    let account = Account::new().await;
    account.create(basic("one")).await;
    let reply = account.manager.post("credentials/validate", basic("one")).await;
    reply.assert_status(409);
    assert_eq!(reply.errors(), [("/name", "taken")]);
}

#[tokio::test]
async fn a_dry_run_says_when_the_service_cannot_be_asked() {
    let account = Account::new().await;
    account.manager.post("credentials/validate?probe=false", registry("ghcr")).await.expect(204);
    let reply = account.manager.post("credentials/validate?probe=true", registry("ghcr")).await;
    assert_eq!(reply.violations(), [("", "unsupported")]);
}

#[tokio::test]
async fn words_of_the_api_are_no_names() {
    let account = Account::new().await;
    for word in ["validate", "validate-name"] {
        let reply = account.manager.post("credentials", basic(word)).await;
        assert_eq!(reply.violations(), [("/name", "reserved")]);
    }
}

/// A name is checked before it is used (S2-06, S4-32).
#[tokio::test]
async fn a_name_can_be_tried_alone() {
    let account = Account::new().await;
    account.create(basic("one")).await;
    account.manager.get("credentials/validate-name?name=two").await.expect(204);
    account.manager.get("credentials/validate-name?name=one").await.expect(409);
    for bad in ["not%20a%20name", "-x", "", "0190b5a0-0000-7000-8000-000000000000"] {
        let reply = account.manager.get(&format!("credentials/validate-name?name={bad}")).await;
        assert_eq!(reply.violations(), [("?name", "format")], "{bad}");
    }
    assert_eq!(account.manager.get("credentials/validate-name").await.pointers(), ["?name"]);
}
