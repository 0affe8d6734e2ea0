use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry};

/// S0-24, S0-25, S0-22.
#[tokio::test]
async fn the_first_registry_is_promoted_and_later_ones_when_asked() {
    let account = Account::new().await;
    assert_eq!(account.create(registry("first")).await["default"], true);
    assert_eq!(account.create(registry("second")).await["default"], false);
    let mut third = registry("third");
    third["default"] = json!(true);
    assert_eq!(account.create(third).await["default"], true);
    assert_eq!(defaults(&account).await, ["third"]);

    let promoted = account.manager.act("credentials/second/set-default").await.expect(200);
    assert_eq!(promoted["default"], true);
    assert_eq!(defaults(&account).await, ["second"]);
    let trail = account.auditor.all("audit?action=credential.set-default").await;
    assert_eq!(trail.len(), 3, "promotion by creation is one too: {trail:?}");
}

#[tokio::test]
async fn only_types_with_defaults_have_one() {
    let account = Account::new().await;
    assert_eq!(account.create(basic("staging")).await["default"], false);
    let reply = account.manager.act("credentials/staging/set-default").await;
    assert_eq!(reply.violations()[0].1, "unsupported");
    let mut body = basic("other");
    body["default"] = json!(true);
    assert_eq!(account.manager.post("credentials", body).await.violations(), [("/default", "unsupported")]);
}

#[tokio::test]
async fn a_deleted_one_cannot_become_it() {
    let account = Account::new().await;
    account.create(registry("first")).await;
    let second = account.create(registry("second")).await;
    account.manager.delete("credentials/second").await.expect(204);
    let id = second["id"].as_str().expect("an id");
    account.manager.act(&format!("credentials/{id}/set-default")).await.expect(409);
    assert_eq!(defaults(&account).await, ["first"]);
}

async fn defaults(account: &Account) -> Vec<String> {
    let listed = account.manager.all("credentials").await;
    let mut names: Vec<String> = listed
        .iter()
        .filter(|one| one["default"] == true)
        .map(|one| one["name"].as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}
