//! Asking the live service: of what is stored, and before it is.

use crate::support::submitted;
use bursar_api as api;
use bursar_kernel::Kind;
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::PluginError;
use serde_json::{Value, json};

use crate::support::{NAME, PLAIN, PROVIDER, World, account, violations, zone};

#[tokio::test(start_paused = true)]
async fn a_probe_is_recorded_before_and_after() {
    let world = World::new().await;
    let found = world.broker.credentials.probe(&world.caller, &account(), &zone()).await.unwrap();
    assert_eq!((found.summary.as_str(), found.details), ("May write.", json!({"fqdn": null})));
    let found = world.broker.dns.probe(&world.caller, &account(), &zone(), "_ACME-challenge.Example.com.").await;
    assert_eq!(found.unwrap().details, json!({"fqdn": NAME}));
    world.provider.answer(PluginError::Denied("the token has expired".to_owned()));
    let error = world.broker.credentials.probe(&world.caller, &account(), &zone()).await.unwrap_err();
    assert_eq!((error.kind, violations(&error)), (Kind::Invalid, vec![("", "refused")]));

    let before = &world.provider.seen()[0].1;
    assert_eq!((before.action, &before.detail.as_ref().unwrap()["phase"]), (Action::CredentialProbe, &json!("intent")));
    assert_eq!(
        world.told(Action::CredentialProbe, "phase"),
        ["intent", "outcome", "intent", "outcome", "intent", "outcome"]
    );
    let last = world.events(Action::CredentialProbe).pop().unwrap();
    assert_eq!((last.outcome, &last.detail.unwrap()["reason"]), (Outcome::Failed, &json!("refused")));
    assert!(world.broker.credentials.get(&world.caller, &account(), &zone()).await.unwrap().last_used_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_probed_is_told() {
    let world = World::new().await;
    world.create("login", PLAIN, false).await.unwrap();
    let probe = async |name: &str, fqdn: Option<&str>| match fqdn {
        None => world.broker.credentials.probe(&world.caller, &account(), &name.into()).await,
        Some(fqdn) => world.broker.dns.probe(&world.caller, &account(), &name.into(), fqdn).await,
    };
    let error = probe("login", None).await.unwrap_err();
    assert_eq!((error.kind, violations(&error)), (Kind::Unsupported, vec![("", "unsupported")]));
    assert_eq!(world.events(Action::CredentialProbe).pop().unwrap().outcome, Outcome::Failed);
    assert_eq!(violations(&probe("zone", Some("a..b")).await.unwrap_err()), [("/fqdn", "format")]);
    assert_eq!(violations(&probe("zone", Some("www.example.com")).await.unwrap_err()), [("/fqdn", "not-granted")]);
    assert_eq!(world.events(Action::CredentialProbe).pop().unwrap().outcome, Outcome::Denied);
    assert_eq!(world.provider.calls(), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_stored_that_the_service_refuses() {
    let world = World::new().await;
    world.create("checked", PROVIDER, true).await.unwrap();
    let before = world.store.count(Table::Credential);
    for (error, kind, expected) in [
        (PluginError::Denied("no".to_owned()), Kind::Invalid, Some(("/data", "refused"))),
        (PluginError::NotFound("no".to_owned()), Kind::Invalid, Some(("/data", "not-found"))),
        (PluginError::Unavailable("no".to_owned()), Kind::Unavailable, None),
        (PluginError::Throttled(Some(60)), Kind::Throttled, None),
    ] {
        world.provider.answer(error);
        let error = world.create("refused", PROVIDER, true).await.unwrap_err();
        assert_eq!((error.kind, violations(&error).first().copied()), (kind, expected));
    }
    assert_eq!(world.create("login", PLAIN, true).await.unwrap_err().kind, Kind::Unsupported);
    assert_eq!(world.store.count(Table::Credential), before);
    let last = world.events(Action::CredentialProbe).pop().unwrap();
    assert_eq!((last.credential, last.version, last.outcome), (None, None, Outcome::Failed));
    let detail = last.detail.unwrap();
    assert_eq!((&detail["draft"], &detail["name"]), (&json!(true), &json!("refused")));

    let calls = world.provider.calls().len();
    world.create("zone", PROVIDER, true).await.unwrap_err();
    assert_eq!(world.provider.calls().len(), calls, "a taken name is told before the service is asked");
    let body = json!({"type": PROVIDER, "name": "dry", "data": {"zone": "z", "token": "s3cret"}});
    world
        .broker
        .credentials
        .validate(&world.caller, &account(), submitted::<api::CreateCredential, _>(body), true)
        .await
        .unwrap();
    assert_eq!(world.provider.calls().len(), calls + 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_service_refuses_is_not_made() {
    let world = World::new().await;
    let update = async |body: Value| {
        world
            .broker
            .credentials
            .update(&world.caller, &account(), &zone(), submitted::<api::PatchCredential, _>(body), None, true)
            .await
    };
    world.provider.answer(PluginError::Denied("no".to_owned()));
    let error = update(json!({"title": "T", "data": {"zone": "other.example"}})).await.unwrap_err();
    assert_eq!(violations(&error), [("/data", "refused")]);
    let kept = world.broker.credentials.get(&world.caller, &account(), &zone()).await.unwrap().credential;
    assert_eq!((kept.version, kept.title.as_str(), &kept.data["zone"]), (1, "", &json!("example.com")));
    let changed = update(json!({"data": {"zone": "other.example"}})).await.unwrap();
    assert_eq!(changed.credential.version, 2);
    // Also where the data stays as it is.
    world.provider.answer(PluginError::Denied("no".to_owned()));
    update(json!({"title": "T"})).await.unwrap_err();
    assert_eq!(world.provider.calls(), ["check", "check", "check"]);
}
