use serde_json::json;

use crate::support::Account;

#[tokio::test]
async fn a_token_says_who_it_is() {
    let account = Account::new().await;
    let title = "Of a test";
    for (client, kind, role) in [
        (&account.admin, "user", "admin"),
        (&account.manager, "user", "credentials-manager"),
        (&account.member, "user", "member"),
        (&account.auditor, "user", "auditor"),
        (&account.workload, "workload", "workload"),
    ] {
        let me = client.get("/v1/me").await.expect(200);
        assert_eq!((&me["kind"], &me["name"], &me["operator"]), (&json!(kind), &json!(role), &json!(false)));
        assert_eq!(me["accounts"], json!([{ "id": account.id, "name": account.name, "title": title, "role": role }]));
        assert_eq!((&me["principal"], &me["expiresAt"]), (&json!(null), &json!(null)));
    }
    let me = account.operator.get("/v1/me").await.expect(200);
    assert_eq!((&me["kind"], &me["operator"]), (&json!("operator"), &json!(true)));
    assert!(me["accounts"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == account.name)));
}

#[tokio::test]
async fn others_see_their_own_account_alone() {
    let account = Account::new().await;
    Account::on(&account.server).await;
    for client in [&account.admin, &account.member] {
        let listed = client.all("/v1/accounts").await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["id"], account.id);
    }
}
