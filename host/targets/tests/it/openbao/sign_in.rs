//! Tokens, `AppRoles`, and what they may.

use std::sync::Arc;
use std::time::Duration;

use bursar_regions::{Login, Target, TargetError};
use serde_json::{Value, json};

use super::{Setup, target};
use crate::support::openbao::OpenBao;
use crate::support::region::{login, open, parcel};

#[tokio::test]
async fn the_policy_of_the_guide_is_enough() {
    let setup = Setup::new().await;
    let app_role = AppRole::of_the_guide(&setup.server);
    let target = app_role.target(&setup.server).await;
    target.check().await.expect("it may do all it needs");

    let put = parcel(&setup.owner, &[("password", b"one")]);
    target.put(&setup.place, &put, None).await.expect("it is put");
    let put = parcel(&setup.owner, &[("password", b"two")]);
    target.put(&setup.place, &put, None).await.expect("it is replaced");
    assert_eq!(setup.there().expect("a secret").0, json!({ "password": "two" }));
    let removal = bursar_regions::Removal { owner: setup.owner.clone(), idempotency_key: "r".to_owned() };
    target.remove(&setup.place, &removal, None).await.expect("it is removed");
    assert!(setup.metadata().is_none());
}

/// A stored credential signs the broker in at a region (S1-15).
#[tokio::test]
async fn a_login_credential_signs_in_where_the_settings_do_not() {
    let setup = Setup::new().await;
    let app_role = AppRole::of_the_guide(&setup.server);
    let root = setup.server.root_token();
    for login in [login(&app_role.role_id, &app_role.secret_id), login("", root), login("token", root)] {
        let target =
            open("openbao", json!({ "address": setup.server.address() }), Some(login)).await.expect("it opens");
        target.check().await.expect("it is let in");
    }
    let none = open("openbao", json!({ "address": setup.server.address() }), None::<Login>).await.map(drop);
    assert!(matches!(&none, Err(TargetError::Invalid(message)) if message.contains("`roleId`")), "{none:?}");
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_or_got_anew() {
    let setup = Setup::new().await;
    let app_role = AppRole::of_the_guide(&setup.server);
    // Three seconds are all that renewing can give.
    setup.server.bao(&["write", "auth/approle/role/bursar", "token_ttl=1s", "token_max_ttl=3s"], "").output();
    let target = app_role.target(&setup.server).await;
    for _ in 0..25 {
        target.look(&setup.place, &setup.owner).await.expect("it is let in");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced() {
    let setup = Setup::new().await;
    let app_role = AppRole::of_the_guide(&setup.server);
    let target = app_role.target(&setup.server).await;
    target.check().await.expect("it is let in");
    setup.server.bao(&["token", "revoke", "-mode=path", "auth/approle"], "").output();
    target.check().await.expect("it is let in again");

    // Not when there is no way back in.
    setup.server.bao(&["token", "revoke", "-mode=path", "auth/approle"], "").output();
    setup.server.bao(&["delete", "auth/approle/role/bursar"], "").output();
    let refused = target.check().await;
    assert!(matches!(&refused, Err(TargetError::Refused(message)) if message.contains("auth/approle")), "{refused:?}");
    assert_tells_nothing(&refused, &[&app_role.role_id, &app_role.secret_id]);
}

#[tokio::test]
async fn a_wrong_sign_in_is_told_without_what_was_sent() {
    let setup = Setup::new().await;
    let wrong = target(&setup.server, &json!({ "token": "hvs.not-this-one" })).await;
    let refused = wrong.check().await;
    assert!(matches!(&refused, Err(TargetError::Refused(message)) if message.contains("token")), "{refused:?}");
    assert_tells_nothing(&refused, &["hvs.not-this-one"]);

    let app_role = AppRole::of_the_guide(&setup.server);
    let settings = json!({ "roleId": app_role.role_id, "secretId": "not-this-one", "token": null });
    let refused = target(&setup.server, &settings).await.check().await;
    assert!(matches!(&refused, Err(TargetError::Refused(message)) if message.contains("secret id")), "{refused:?}");
    assert_tells_nothing(&refused, &["not-this-one"]);

    let settings = json!({ "roleId": "a", "secretId": "b", "token": null, "authMount": "other" });
    let refused = target(&setup.server, &settings).await.check().await;
    assert!(matches!(&refused, Err(TargetError::Refused(message)) if message.contains("`auth/other`")), "{refused:?}");
}

#[tokio::test]
async fn a_policy_that_lacks_something_is_told_what() {
    let setup = Setup::new().await;
    let policy = r#"
        path "secret/data/bursar/*" { capabilities = ["create", "read"] }
        path "secret/metadata/bursar/*" { capabilities = ["read", "create", "update"] }
    "#;
    let app_role = AppRole::with_policy(&setup.server, policy);
    let target = app_role.target(&setup.server).await;
    let refused = target.check().await;
    let expected = "the token's policy lacks: \
                    path \"secret/data/bursar/*\" { capabilities = [\"update\"] } \
                    path \"secret/metadata/bursar/*\" { capabilities = [\"delete\"] } \
                    path \"secret/destroy/bursar/*\" { capabilities = [\"update\"] }";
    assert_eq!(refused, Err(TargetError::Refused(expected.to_owned())));

    let put = target.put(&setup.place, &parcel(&setup.owner, &[("password", b"hush-hush")]), None).await;
    let Err(TargetError::Refused(message)) = &put else { panic!("{put:?}") };
    assert!(message.contains("`secret/data/bursar/acme/db`") && message.contains("update"), "{message}");
    assert!(!message.contains("hush"), "{message}");
}

/// A role with a policy, made by the commands of the guide.
struct AppRole {
    role_id: String,
    secret_id: String,
}

impl AppRole {
    fn of_the_guide(server: &OpenBao) -> Self {
        let guide = include_str!("../../../../../docs/targets/openbao.md");
        let (_, policy) = guide.split_once("```hcl\n").expect("the guide has a policy");
        Self::with_policy(server, policy.split_once("```").expect("its end").0)
    }

    /// Runs the guide's block of commands by a shell, with another policy.
    fn with_policy(server: &OpenBao, policy: &str) -> Self {
        let guide = include_str!("../../../../../docs/targets/openbao.md");
        let (_, commands) = guide.split_once("```sh\n").expect("the guide has commands");
        let commands = commands.split_once("```").expect("their end").0;
        let said = server.shell(commands, &[("bursar.hcl", policy)]);
        let value = |key: &str| {
            let line = said.lines().find(|line| line.split_whitespace().next() == Some(key));
            line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_else(|| panic!("{key} in {said}")).to_owned()
        };
        Self { role_id: value("role_id"), secret_id: value("secret_id") }
    }

    async fn target(&self, server: &OpenBao) -> Arc<dyn Target> {
        let settings = json!({ "token": null, "roleId": self.role_id, "secretId": self.secret_id });
        target(server, &settings).await
    }
}

fn assert_tells_nothing(outcome: &Result<(), TargetError>, secrets: &[&str]) {
    let told = Value::String(format!("{outcome:?}")).to_string();
    for secret in secrets {
        assert!(!told.contains(secret), "{told}");
    }
}
