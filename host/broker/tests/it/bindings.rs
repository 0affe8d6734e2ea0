//! Who is bound to what, and what that keeps from happening.

use crate::support::submitted;
use bursar_api as api;
use bursar_bindings::{ListBindings, Source};
use bursar_credentials::Deletion;
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use bursar_kernel::{Caller, Error, IfMatch, Kind};
use futures::future::join_all;
use serde_json::json;

use crate::support::{PLAIN, REGISTRY, World, account, violations};

const WEB: (&str, &str) = ("app:web", "image-pull");

#[tokio::test(start_paused = true)]
async fn a_binding_is_to_the_credential_and_not_to_its_name() {
    let world = World::new().await;
    world.store("one", REGISTRY, "image-prefix", &[]).await;
    world.store("two", REGISTRY, "image-prefix", &[]).await;
    let bound = world.bind(WEB.0, WEB.1, "two").await.unwrap();
    assert_eq!((bound.credential.name.as_str(), bound.binding.by.as_str()), ("two", "operator:initial"));
    let patch = json!({"name": "renamed"});
    world
        .broker
        .credentials
        .update(&world.caller, &account(), &"two".into(), submitted::<api::PatchCredential, _>(patch), None, false)
        .await
        .unwrap();
    assert_eq!(world.resolve(WEB.0, WEB.1).await.unwrap(), ("renamed".to_owned(), Source::Binding));

    let again = world.bind(WEB.0, WEB.1, "renamed").await.unwrap();
    assert_eq!((again.revision, world.events(Action::BindingPut).len()), (bound.revision, 1), "nothing changed");
    let moved = world.bind(WEB.0, WEB.1, "one").await.unwrap();
    assert_ne!(moved.revision, bound.revision);
    assert_eq!(moved.binding.created_at, bound.binding.created_at);
    assert_eq!(world.told(Action::BindingPut, "before")[1], json!(bound.credential.id));
    // One binding, its entry under the credential, and a mark for each that was bound.
    assert_eq!((world.store.count(Table::Binding), world.store.count(Table::BindingOf)), (1, 3));

    let (at, to) = (account(), Reference::from("renamed"));
    let at_revision = |revision| Some(IfMatch::OneOf(vec![revision]));
    let put = |if_match| world.broker.bindings.put(&world.caller, &at, WEB, &to, if_match);
    assert_eq!(put(at_revision(bound.revision)).await.unwrap_err().kind, Kind::Stale);
    put(at_revision(moved.revision)).await.unwrap();
    let unbind = |if_match| world.broker.bindings.delete(&world.caller, &at, WEB, if_match);
    assert_eq!(unbind(at_revision(moved.revision)).await.unwrap_err().kind, Kind::Stale);
    unbind(None).await.unwrap();
    assert_eq!(unbind(None).await.unwrap_err().kind, Kind::NotFound);
    let told = world.events(Action::BindingDelete).pop().unwrap();
    assert_eq!((told.outcome, told.credential), (Outcome::Ok, Some(bound.credential.id)));
    let detail = told.detail.unwrap();
    assert_eq!((&detail["consumer"], &detail["slot"]), (&json!("app:web"), &json!("image-pull")));
    assert_eq!(world.store.count(Table::Binding), 0);
}

#[tokio::test(start_paused = true)]
async fn a_credential_goes_only_where_its_type_is_used() {
    let world = World::new().await;
    world.store("ghcr", REGISTRY, "image-prefix", &[]).await;
    let refused = async |consumer: &str, slot: &str, credential: &str| {
        let error = world.bind(consumer, slot, credential).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error}");
        (violations(&error).into_iter().map(|(at, code)| format!("{at} {code}")).collect::<Vec<_>>(), error.message)
    };
    let (told, message) = refused("app:web", "basic-auth", "ghcr").await;
    assert_eq!(told, ["/credential slot"]);
    assert!(message.contains("image-pull, build-pull"), "{message}");
    let (told, message) = refused("app:web", "image-pul", "ghcr").await;
    assert_eq!(told, ["/slot unknown"]);
    assert!(message.contains("basic-auth, build-pull, certificate, image-pull"), "{message}");
    assert_eq!(refused("app:web", "image-pull", "nobody").await.0, ["/credential unknown"]);
    assert_eq!(refused("web", "Image Pull", "ghcr").await.0, ["/consumer format", "/slot format"]);
    assert_eq!(world.store.count(Table::Binding), 0);
}

#[tokio::test(start_paused = true)]
async fn pages_hold_every_binding_once_and_filters_narrow() {
    let world = World::new().await;
    for name in ["one", "two"] {
        world.store(name, REGISTRY, "image-prefix", &[]).await;
    }
    for number in 0..7 {
        let name = if number % 2 == 0 { "one" } else { "two" };
        world.bind(&format!("app:{number}"), "image-pull", name).await.unwrap();
        world.bind(&format!("app:{number}"), "build-pull", "one").await.unwrap();
    }
    let walk = async |query: ListBindings| {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let query = ListBindings { cursor, limit: 3, ..query.clone() };
            let page = world.broker.bindings.list(&world.caller, &account(), &query).await.unwrap();
            assert!(page.items.len() <= 3);
            seen.extend(page.items.iter().map(|view| view.binding.place.in_path()));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return seen;
            }
        }
    };
    let all = walk(ListBindings::default()).await;
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 14);
    for pair in all.chunks(2) {
        assert_eq!(pair[0].split('/').next(), pair[1].split('/').next(), "those of a consumer stand together");
    }
    let some = |text: &str| Some(text.to_owned());
    let to = |name: &str| Some(Reference::from(name));
    let query = ListBindings { slot: some("image-pull"), ..ListBindings::default() };
    assert_eq!(walk(query.clone()).await.len(), 7);
    assert_eq!(walk(ListBindings { credential: to("two"), ..query.clone() }).await.len(), 3);
    assert_eq!(walk(ListBindings { credential: to("one"), ..ListBindings::default() }).await.len(), 11);
    let of_one = ListBindings { consumer: some("app:1"), ..ListBindings::default() };
    assert_eq!(walk(of_one.clone()).await.len(), 2);
    assert_eq!(walk(ListBindings { credential: to("one"), ..of_one }).await, ["app:1/build-pull"]);

    let wrong = ListBindings { consumer: some("web"), slot: some("!"), limit: 1, ..ListBindings::default() };
    let error = world.broker.bindings.list(&world.caller, &account(), &wrong).await.unwrap_err();
    assert_eq!(violations(&error), [("?consumer", "format"), ("?slot", "format")]);
    for cursor in ["x", &"0".repeat(127), &"é".repeat(64)] {
        let query = ListBindings { cursor: some(cursor), limit: 1, ..ListBindings::default() };
        let error = world.broker.bindings.list(&world.caller, &account(), &query).await.unwrap_err();
        assert_eq!(violations(&error), [("?cursor", "format")]);
    }
}

/// S2-08, D-4, S4-26.
#[tokio::test(start_paused = true)]
async fn what_is_bound_is_deleted_only_by_force_and_comes_back_bound() {
    let world = World::new().await;
    let id = world.store("ghcr", REGISTRY, "image-prefix", &[]).await.credential.id;
    let by_id = Reference::Id(id.0);
    world.bind("app:web", "image-pull", "ghcr").await.unwrap();
    world.bind("app:web", "build-pull", "ghcr").await.unwrap();
    world.bind("registry:ghcr.io/x", "image-pull", "ghcr").await.unwrap();
    let warned = async |of: &str| {
        let view = world.broker.credentials.get(&world.caller, &account(), &by_id).await.unwrap();
        let warning = view.warnings.into_iter().find(|warning| warning.code == "in-use").unwrap();
        assert!(warning.message.contains(of), "{}", warning.message);
    };
    warned("Deleting it breaks authentication for 2 consumers").await;
    for deletion in [Deletion::default(), Deletion { purge: true, force: false }] {
        let error = world.delete(&by_id, deletion).await.unwrap_err();
        assert_eq!((error.kind, error.conflicts.len()), (Kind::Conflict, 3));
        assert!(error.conflicts.iter().all(|conflict| conflict.kind == "binding"));
        let path = format!("/bindings/{}", "registry:ghcr.io%2Fx/image-pull");
        assert!(error.conflicts.iter().any(|conflict| conflict.url.ends_with(&path)), "{:?}", error.conflicts);
        assert!(error.message.contains("3 places") && error.message.contains("by force"), "{error}");
    }
    let by_force = Deletion { force: true, purge: false };
    world.delete(&by_id, by_force).await.unwrap();
    assert_eq!(world.told(Action::CredentialDelete, "bindings"), [json!(3)]);
    let error = world.resolve(WEB.0, WEB.1).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.message.contains("restore it"), "{error}");
    assert_eq!(error.conflicts[0].id, id.to_string());
    warned("2 consumers cannot authenticate").await;
    assert_eq!(world.bind("app:other", "image-pull", &id.to_string()).await.unwrap_err().kind, Kind::Conflict);

    world.broker.deletions.restore(&world.caller, &account(), &by_id).await.unwrap();
    assert_eq!(world.resolve(WEB.0, WEB.1).await.unwrap(), ("ghcr".to_owned(), Source::Binding));

    world.delete(&by_id, by_force).await.unwrap();
    assert_eq!(world.delete(&by_id, Deletion { force: false, purge: true }).await.unwrap_err().kind, Kind::Conflict);
    world.delete(&by_id, Deletion { force: true, purge: true }).await.unwrap();
    for table in [Table::Binding, Table::BindingOf, Table::UsedBy, Table::Usage, Table::Selector] {
        assert_eq!(world.store.count(table), 0, "{table:?}");
    }
    assert_eq!(world.resolve(WEB.0, WEB.1).await.unwrap_err().kind, Kind::NotFound);
}

/// Whatever the order, nobody ends up bound to what is deleted.
#[tokio::test(start_paused = true)]
async fn a_binding_and_a_deletion_at_once_do_not_both_win() {
    let (mut bound, mut deleted) = (0, 0);
    for pause in 0..24 {
        let world = World::new().await;
        world.store("ghcr", REGISTRY, "image-prefix", &[]).await;
        world.store.yield_in_turn(pause);
        let purge = pause % 2 == 1;
        let to = Reference::from("ghcr");
        let bind = async {
            // A deletion looks at more before it is committed.
            for _ in 0..pause {
                tokio::task::yield_now().await;
            }
            world.bind("app:web", "image-pull", "ghcr").await
        };
        let delete = world.delete(&to, Deletion { force: false, purge });
        let (bind, delete) = futures::join!(bind, delete);
        match (&bind, &delete) {
            (Ok(_), Err(error)) => {
                assert_eq!(error.kind, Kind::Conflict);
                world.resolve("app:web", "image-pull").await.unwrap();
                bound += 1;
            }
            (Err(_), Ok(())) => {
                assert_eq!(world.store.count(Table::Binding), 0);
                deleted += 1;
            }
            other => panic!("pause {pause}: {other:?}"),
        }
    }
    assert!(bound > 0 && deleted > 0, "{bound} and {deleted}: the race was not tried both ways");
}

#[tokio::test(start_paused = true)]
async fn many_may_bind_one_credential_at_once() {
    let world = World::new().await;
    world.store("ghcr", REGISTRY, "image-prefix", &[]).await;
    world.store.yield_in_turn(3);
    let consumers: Vec<String> = (0..40).map(|number| format!("app:{number}")).collect();
    let all = consumers.iter().map(|consumer| world.bind(consumer, "image-pull", "ghcr"));
    for bound in join_all(all).await {
        bound.unwrap();
    }
    assert_eq!(world.store.count(Table::Binding), 40);
}

/// S0-08, and tokens that are narrowed.
#[tokio::test(start_paused = true)]
async fn members_bind_and_narrowed_tokens_only_within_their_scope() {
    let world = World::new().await;
    for name in ["one", "two"] {
        world.store(name, REGISTRY, "image-prefix", &[]).await;
    }
    let put = async |caller: &Caller, consumer: &str, credential: &str| {
        let to = Reference::from(credential);
        world.broker.bindings.put(caller, &account(), (consumer, "image-pull"), &to, None).await.map(drop)
    };
    let kind = |outcome: Result<(), Error>| outcome.unwrap_err().kind;
    let member = world.someone("member", json!({})).await;
    put(&member, "app:web", "two").await.unwrap();
    for role in ["auditor", "workload"] {
        let caller = world.someone(role, json!({})).await;
        let to = Reference::from("one");
        let put = world.broker.bindings.put(&caller, &account(), ("app:web", "image-pull"), &to, None).await;
        assert_eq!(kind(put.map(drop)), Kind::Denied, "{role}");
    }
    let narrow = world.someone("member", json!({"credentials": ["one"]})).await;
    assert_eq!(kind(put(&narrow, "app:db", "two").await), Kind::Invalid);
    put(&narrow, "app:db", "one").await.unwrap();
    assert_eq!(kind(put(&narrow, "app:web", "one").await), Kind::Denied, "another's choice");
    assert_eq!(world.events(Action::BindingPut).last().unwrap().outcome, Outcome::Denied);
    let unbind = world.broker.bindings.delete(&narrow, &account(), ("app:web", "image-pull"), None).await;
    assert_eq!(kind(unbind), Kind::Denied);
    let query = ListBindings { limit: 10, ..ListBindings::default() };
    let seen = async |caller| {
        let page = world.broker.bindings.list(caller, &account(), &query).await.unwrap();
        let mut seen: Vec<_> = page.items.iter().map(|view| view.binding.place.consumer.to_string()).collect();
        seen.sort();
        seen
    };
    assert_eq!(seen(&narrow).await, ["app:db"]);
    assert_eq!(seen(&member).await, ["app:db", "app:web"]);

    let of_web = world.someone("member", json!({"consumers": ["app:web"]})).await;
    assert_eq!(seen(&of_web).await, ["app:web"]);
    assert_eq!(kind(put(&of_web, "app:db", "two").await), Kind::Denied);
    assert_eq!(kind(put(&of_web, "app:web", "one").await), Kind::Invalid, "it does not reach that one");
}

#[tokio::test(start_paused = true)]
async fn an_account_goes_with_its_marks() {
    let world = World::new().await;
    let id = world.create("login", PLAIN, false).await.unwrap().credential.id;
    world.bind("app:web", "basic-auth", "login").await.unwrap();
    let by_force = Deletion { force: true, purge: true };
    world.delete(&Reference::Id(id.0), by_force).await.unwrap();
    world.delete(&"zone".into(), by_force).await.unwrap();
    world.broker.accounts.delete(&world.caller, &account(), None).await.unwrap();
    assert_eq!(world.store.count(Table::Account), 0);
}
