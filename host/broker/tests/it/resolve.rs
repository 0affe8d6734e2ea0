//! What a consumer gets in a slot.

use crate::support::submitted;
use bursar_api as api;
use bursar_bindings::Source;
use bursar_credentials::Deletion;
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::plugin::PluginError;
use bursar_kernel::{Caller, Kind};
use serde_json::json;

use crate::support::{MIRROR, PLAIN, REGISTRY, World, account, violations};

/// The default serves every consumer that has no binding of its own, for pulls and for builds (S0-09, S0-23, S0-42).
#[tokio::test(start_paused = true)]
async fn the_account_default_serves_who_chose_nothing() {
    // S0-23, S0-24, S0-42.
    let world = World::new().await;
    world.store("first", REGISTRY, "image-prefix", &[]).await;
    world.store("second", REGISTRY, "image-prefix", &[]).await;
    assert_eq!(world.resolve("app:web", "image-pull").await.unwrap(), ("first".to_owned(), Source::Default));
    world.bind("app:web", "image-pull", "second").await.unwrap();
    assert_eq!(world.resolve("app:web", "image-pull").await.unwrap(), ("second".to_owned(), Source::Binding));
    assert_eq!(world.resolve("app:web", "build-pull").await.unwrap(), ("first".to_owned(), Source::Default));
    world.broker.credentials.set_default(&world.caller, &account(), &"second".into()).await.unwrap();
    assert_eq!(world.resolve("app:other", "build-pull").await.unwrap(), ("second".to_owned(), Source::Default));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_serves_it_is_told_how_to_bind() {
    let world = World::new().await;
    world.create("login", PLAIN, false).await.unwrap();
    let error = world.resolve("host:a/b", "basic-auth").await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    let cure = "PUT /v1/accounts/default/bindings/host:a%2Fb/basic-auth";
    assert!(error.message.contains(cure), "a slot without fallback has no default: {error}");
    let error = world.resolve("app:web", "imagepull").await.unwrap_err();
    assert_eq!(violations(&error), [("/slot", "unknown")]);
    let error = world.resolve("web", "Image").await.unwrap_err();
    assert_eq!(violations(&error), [("/consumer", "format"), ("/slot", "format")]);
}

#[tokio::test(start_paused = true)]
async fn two_types_whose_defaults_could_serve_are_told_apart_by_a_binding() {
    let world = World::new().await;
    world.store("registry", REGISTRY, "image-prefix", &[]).await;
    world.store("mirror", MIRROR, "image-prefix", &[]).await;
    let error = world.resolve("app:web", "image-pull").await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    let mut names: Vec<_> = error.conflicts.iter().map(|conflict| conflict.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["mirror", "registry"]);
    let narrow = world.someone("workload", json!({"credentials": ["mirror"]})).await;
    let error = world.broker.bindings.resolve(&narrow, &account(), "app:web", "image-pull", None).await.err().unwrap();
    assert_eq!((error.kind, error.conflicts.len()), (Kind::Conflict, 1), "names only of what it reaches");
    assert_eq!(world.resolve("app:web", "build-pull").await.unwrap().0, "registry", "one type serves this slot");
    world.bind("app:web", "image-pull", "mirror").await.unwrap();
    assert_eq!(world.resolve("app:web", "image-pull").await.unwrap().0, "mirror");
}

#[tokio::test(start_paused = true)]
async fn one_record_tells_of_a_resolution_with_or_without_files() {
    let world = World::new().await;
    let id = world.store("ghcr", REGISTRY, "image-prefix", &[]).await.credential.id;
    let ask =
        async |format| world.broker.bindings.resolve(&world.caller, &account(), "app:web", "image-pull", format).await;
    assert!(ask(None).await.unwrap().files.is_none());
    let files = ask(Some("text")).await.unwrap().files.unwrap();
    assert_eq!((files.format.as_str(), &**files.artifacts[0].content), ("text", b"s3cret".as_slice()));
    let events = world.events(Action::CredentialResolve);
    assert_eq!((events.len(), world.events(Action::CredentialMaterialize).len()), (2, 0));
    for event in &events {
        assert_eq!((event.outcome, event.credential, event.version), (Outcome::Ok, Some(id), Some(1)));
        assert!(event.account.is_some());
    }
    let detail = events[1].detail.as_ref().unwrap();
    let told = |field: &str| detail[field].clone();
    assert_eq!(
        [told("consumer"), told("slot"), told("source"), told("format")],
        ["app:web", "image-pull", "default", "text"]
    );
    assert!(detail["token"].is_string());
    assert!(events[1].plugin.as_ref().is_some_and(|plugin| plugin.starts_with("registry@sha256:")));

    assert_eq!(violations(&ask(Some("nothing")).await.err().unwrap()), [("/format", "unknown")]);
    world.provider.answer(PluginError::Failed("ran out of its time budget".to_owned()));
    assert_eq!(ask(Some("text")).await.err().unwrap().kind, Kind::Plugin);
    assert_eq!(world.events(Action::CredentialResolve).last().unwrap().outcome, Outcome::Failed);
    let view = world.broker.credentials.get(&world.caller, &account(), &Reference::Id(id.0)).await.unwrap();
    assert!(view.last_used_at.is_some(), "a resolution is a use");
}

#[tokio::test(start_paused = true)]
async fn a_workload_gets_what_its_consumers_are_bound_to_and_what_it_names() {
    let world = World::new().await;
    for name in ["default", "bound", "named", "other"] {
        world.store(name, REGISTRY, "image-prefix", &[]).await;
    }
    world.bind("app:web", "image-pull", "bound").await.unwrap();
    world.bind("app:db", "image-pull", "other").await.unwrap();
    let resolve = async |caller: &Caller, consumer: &str, slot: &str| {
        let resolved = world.broker.bindings.resolve(caller, &account(), consumer, slot, None).await;
        resolved.map(|resolved| resolved.credential.name).map_err(|error| error.kind)
    };
    let materialize = async |caller: &Caller, name: &str| {
        let made = world.broker.credentials.materialize(caller, &account(), &name.into(), None).await;
        made.map(drop).map_err(|error| error.kind)
    };

    let narrow = world.someone("workload", json!({"consumers": ["app:web"], "credentials": ["named"]})).await;
    assert_eq!(resolve(&narrow, "app:web", "image-pull").await.as_deref(), Ok("bound"));
    assert_eq!(resolve(&narrow, "app:web", "build-pull").await.as_deref(), Ok("default"), "S0-23");
    assert_eq!(resolve(&narrow, "app:db", "image-pull").await, Err(Kind::Denied));
    assert_eq!(resolve(&narrow, "app:none", "image-pull").await, Err(Kind::Denied));
    let denied = world.events(Action::CredentialResolve).pop().unwrap();
    assert_eq!((denied.outcome, &denied.detail.unwrap()["consumer"]), (Outcome::Denied, &json!("app:none")));
    for (name, expected) in
        [("bound", Ok(())), ("named", Ok(())), ("other", Err(Kind::NotFound)), ("default", Err(Kind::NotFound))]
    {
        assert_eq!(materialize(&narrow, name).await, expected, "{name}");
    }
    world.broker.bindings.delete(&world.caller, &account(), ("app:web", "image-pull"), None).await.unwrap();
    assert_eq!(materialize(&narrow, "bound").await, Err(Kind::NotFound), "unbound is out of reach, at once");

    let consumers_alone = world.someone("workload", json!({"consumers": ["app:db"]})).await;
    assert_eq!(materialize(&consumers_alone, "other").await, Ok(()));
    assert_eq!(materialize(&consumers_alone, "named").await, Err(Kind::NotFound));

    let by_name = world.someone("workload", json!({"credentials": ["named"]})).await;
    assert_eq!(resolve(&by_name, "app:db", "image-pull").await, Err(Kind::Denied), "what is bound is out of scope");
    let by_force = Deletion { force: true, purge: false };
    world.delete(&"other".into(), by_force).await.unwrap();
    assert_eq!(resolve(&by_name, "app:db", "image-pull").await, Err(Kind::Denied), "nor does it learn of its end");
    world.bind("app:db", "image-pull", "named").await.unwrap();
    assert_eq!(resolve(&by_name, "app:db", "image-pull").await.as_deref(), Ok("named"));

    let wide = world.someone("workload", json!({})).await;
    assert_eq!(resolve(&wide, "app:any", "image-pull").await.as_deref(), Ok("default"));
    assert_eq!(materialize(&wide, "bound").await, Ok(()));
    let body = json!({"name": "x", "role": "workload", "scope": {"consumers": ["app:web", "web"]}});
    let error = world
        .broker
        .tokens
        .create(&world.caller, &account(), submitted::<api::CreateToken, _>(body), None)
        .await
        .unwrap_err();
    assert_eq!(violations(&error), [("/scope/consumers/1", "format")]);
}

#[tokio::test(start_paused = true)]
async fn only_who_may_use_credentials_resolves() {
    let world = World::new().await;
    world.store("ghcr", REGISTRY, "image-prefix", &[]).await;
    for (role, may) in
        [("admin", true), ("credentials-manager", true), ("workload", true), ("member", false), ("auditor", false)]
    {
        let caller = world.someone(role, json!({})).await;
        let resolved = world.broker.bindings.resolve(&caller, &account(), "app:web", "image-pull", Some("text")).await;
        assert_eq!(resolved.is_ok(), may, "{role}");
    }
}
