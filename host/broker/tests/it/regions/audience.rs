//! A region is for the accounts it names; to the others it does not exist.

use crate::support::{region_patch, submitted};
use bursar_api as api;
use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::{Caller, Kind, Request, SyncState};
use bursar_regions::{Extent, OnDetach};
use serde_json::{Value, json};

use super::{attached, eu, settle, store};
use crate::support::{PLAIN, SHELF, World, account, violations};

/// Makes an account and an admin's token in it.
async fn tenant(world: &World, name: &str) -> (Reference, Caller) {
    let body = json!({"name": name});
    world.broker.accounts.create(&world.caller, submitted::<api::CreateAccount, _>(body), None).await.unwrap();
    let account = Reference::from(name);
    let body = json!({"name": "admin", "role": "admin"});
    let token = world
        .broker
        .tokens
        .create(&world.caller, &account, submitted::<api::CreateToken, _>(body), None)
        .await
        .unwrap();
    let caller =
        world.broker.tokens.authenticate(token.value.text.unwrap().expose(), Request::default()).await.unwrap();
    (account, caller)
}

async fn make(world: &World, name: &str, accounts: Value) -> Result<(), Vec<(String, String)>> {
    let body = json!({"name": name, "target": SHELF, "settings": {"where": "there"}, "accounts": accounts});
    let made = world.broker.regions.create(&world.caller, submitted::<api::CreateRegion, _>(body), None).await;
    made.map(drop)
        .map_err(|error| violations(&error).into_iter().map(|(at, code)| (at.to_owned(), code.to_owned())).collect())
}

async fn open_to(world: &World, accounts: Value, force: bool) -> Result<Option<Vec<String>>, bursar_kernel::Error> {
    let changed = world
        .broker
        .regions
        .update(&world.caller, &eu(), region_patch(json!({"accounts": accounts})), force, None)
        .await;
    changed.map(|view| view.accounts)
}

#[tokio::test(start_paused = true)]
async fn to_an_account_that_may_not_use_it_a_region_does_not_exist() {
    let world = World::new().await;
    let (web, admin) = tenant(&world, "web").await;
    make(&world, "eu", json!(["default"])).await.unwrap();
    make(&world, "ours", json!(["web"])).await.unwrap();
    make(&world, "all", Value::Null).await.unwrap();
    let seen = world.broker.regions.list(&admin, None, 10).await.unwrap();
    let mut names: Vec<_> = seen.items.iter().map(|view| view.region.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["all", "ours"]);
    assert!(seen.items.iter().all(|view| view.accounts.is_none()), "who else may use it is the operator's to know");
    let region = world.broker.regions.get(&world.caller, &eu()).await.unwrap();
    assert_eq!(region.accounts, Some(vec!["default".to_owned()]));
    // Whatever is asked, by name or id, it is answered as of one that there never was.
    for there in [eu(), Reference::Id(region.region.id.0)] {
        let never = Reference::from("never-was");
        let broker = &world.broker;
        for pair in [
            (broker.regions.get(&admin, &there).await.err(), broker.regions.get(&admin, &never).await.err()),
            (
                broker.attachments.attachment(&admin, &web, &there).await.err(),
                broker.attachments.attachment(&admin, &web, &never).await.err(),
            ),
            (
                broker
                    .attachments
                    .attach(&admin, &web, &there, submitted::<api::AttachRegion, _>(json!({})), None)
                    .await
                    .err(),
                broker
                    .attachments
                    .attach(&admin, &web, &never, submitted::<api::AttachRegion, _>(json!({})), None)
                    .await
                    .err(),
            ),
            (
                broker.attachments.detach(&admin, &web, &there, None, None).await.err(),
                broker.attachments.detach(&admin, &web, &never, None, None).await.err(),
            ),
            (
                broker.attachments.plan(&admin, &web, &there).await.err(),
                broker.attachments.plan(&admin, &web, &never).await.err(),
            ),
            (
                broker.attachments.ensure(&admin, &web, &there, &|_| {}).await.err(),
                broker.attachments.ensure(&admin, &web, &never, &|_| {}).await.err(),
            ),
            (
                broker.attachments.sync(&admin, &web, &there, &|_| {}).await.err(),
                broker.attachments.sync(&admin, &web, &never, &|_| {}).await.err(),
            ),
        ] {
            let (hidden, absent) = (pair.0.unwrap(), pair.1.unwrap());
            assert_eq!((hidden.kind, &hidden.message), (Kind::NotFound, &absent.message));
        }
    }
    // An operator knows of it, and is told what to do.
    let told = world
        .broker
        .attachments
        .attach(&world.caller, &web, &eu(), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap_err();
    assert_eq!(told.kind, Kind::Conflict);
    assert!(told.message.contains("`accounts`"), "{told}");
    world
        .broker
        .attachments
        .attach(&admin, &web, &Reference::from("ours"), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn accounts_are_named_and_kept_by_id() {
    let world = World::new().await;
    tenant(&world, "web").await;
    let wrong = make(&world, "eu", json!(["web", "nobody"])).await.unwrap_err();
    assert_eq!(wrong, [("/accounts/1".to_owned(), "unknown".to_owned())]);
    for bad in [json!("web"), json!([1])] {
        assert_eq!(make(&world, "eu", bad).await.unwrap_err(), [("/accounts".to_owned(), "type".to_owned())]);
    }
    make(&world, "eu", json!(["web"])).await.unwrap();
    let renamed = json!({"name": "shop"});
    world
        .broker
        .accounts
        .update(&world.caller, &Reference::from("web"), submitted::<api::PatchAccount, _>(renamed), None)
        .await
        .unwrap();
    // A freed name that somebody else takes gains nothing.
    let (web, admin) = tenant(&world, "web").await;
    let shown = world.broker.regions.get(&world.caller, &eu()).await.unwrap();
    assert_eq!(shown.accounts, Some(vec!["shop".to_owned()]));
    let refused = world
        .broker
        .attachments
        .attach(&admin, &web, &eu(), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    // A deleted account opens it to nobody, and certainly not to all.
    world.broker.accounts.delete(&world.caller, &Reference::from("shop"), None).await.unwrap();
    let shown = world.broker.regions.get(&world.caller, &eu()).await.unwrap();
    assert_eq!(shown.accounts, Some(vec![]));
    assert!(world.broker.regions.get(&admin, &eu()).await.is_err());
    // Nothing else of the region was lost sight of by a patch that leaves them out.
    world
        .broker
        .regions
        .update(&world.caller, &eu(), region_patch(json!({"title": "Europe"})), false, None)
        .await
        .unwrap();
    assert!(world.broker.regions.get(&admin, &eu()).await.is_err());
    open_to(&world, Value::Null, false).await.unwrap();
    assert!(world.broker.regions.get(&admin, &eu()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_uses_it_is_shut_out_only_by_force_and_lets_go_of_it() {
    for (on_detach, left) in [("remove", 0), ("keep", 1)] {
        let world = attached("repair").await;
        let (web, admin) = tenant(&world, "web").await;
        world
            .broker
            .attachments
            .attach(&admin, &web, &eu(), submitted::<api::AttachRegion, _>(json!({"onDetach": on_detach})), None)
            .await
            .unwrap();
        let body = json!({"type": PLAIN, "name": "theirs", "data": {"token": "s1"}});
        world
            .broker
            .credentials
            .create(&admin, &web, submitted::<api::CreateCredential, _>(body), None, false)
            .await
            .unwrap();
        let ensured = world.broker.attachments.ensure(&admin, &web, &eu(), &|_| {}).await.unwrap();
        assert_eq!((ensured.ready(), world.shelf.things().len()), (true, 1));

        let refused = open_to(&world, json!(["default"]), false).await.unwrap_err();
        let told: Vec<_> = refused.conflicts.iter().map(|of| (of.kind.as_str(), of.name.as_str())).collect();
        assert_eq!((refused.kind, told), (Kind::Conflict, vec![("account", "web")]));
        assert!(world.broker.regions.get(&admin, &eu()).await.is_ok(), "nothing has changed");
        assert_eq!(open_to(&world, json!(["default"]), true).await.unwrap(), Some(vec!["default".to_owned()]));

        // It is gone for them, but for what of theirs is still there.
        assert!(world.broker.regions.get(&admin, &eu()).await.is_err());
        let used = world.broker.attachments.attachment(&admin, &web, &eu()).await.unwrap();
        assert_eq!(used.attachment.detaching, OnDetach::parse(on_detach));
        for again in [
            world
                .broker
                .attachments
                .attach(&admin, &web, &eu(), submitted::<api::AttachRegion, _>(json!({})), None)
                .await
                .err(),
            world.broker.attachments.detach(&admin, &web, &eu(), Some(OnDetach::Keep), None).await.err(),
        ] {
            assert_eq!(again.unwrap().kind, Kind::NotFound);
        }
        for _ in 0..2 {
            for (pair, _) in world.broker.attachments.walk(Extent::Everything, false).await.unwrap().due {
                settle(&world, pair).await;
            }
        }
        assert_eq!(world.shelf.things().len(), left);
        assert_eq!(world.broker.attachments.attached(&admin, &web).await.unwrap().len(), 0);
        assert!(world.broker.attachments.attachment(&admin, &web, &eu()).await.is_err());
        let by_operator = |event: &bursar_kernel::audit::Event| event.actor.starts_with("operator:");
        let told: Vec<_> = world.events(Action::RegionDetach).into_iter().filter(by_operator).collect();
        assert_eq!(told.len(), 1, "in the account's own trail too");
        assert!(told[0].account.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_account_holds_in_a_region_stays_when_one_is_shut_out() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    let (web, admin) = tenant(&world, "web").await;
    world
        .broker
        .attachments
        .attach(&admin, &web, &eu(), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap();
    open_to(&world, json!(["default"]), true).await.unwrap();
    world.broker.attachments.walk(Extent::Everything, false).await.unwrap();
    let used = world.broker.attachments.attached(&world.caller, &account()).await.unwrap();
    let synced = used[0].counts.iter().find(|(state, _)| *state == SyncState::Synced);
    assert_eq!((used[0].attachment.detaching, synced), (None, Some(&(SyncState::Synced, 1))));
    assert_eq!(world.shelf.things().len(), 1);
}

/// Whoever goes first, no account ends up using a region that it may not.
#[tokio::test(start_paused = true)]
async fn nobody_begins_to_use_a_region_at_the_moment_they_are_shut_out() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let world = World::new().await;
        make(&world, "eu", Value::Null).await.unwrap();
        let (web, admin) = tenant(&world, "web").await;
        world.store.yield_in_turn(seed);
        let region = eu();
        let (attached, narrowed) = tokio::join!(
            world.broker.attachments.attach(&admin, &web, &region, submitted::<api::AttachRegion, _>(json!({})), None),
            open_to(&world, json!([]), false),
        );
        world.store.yield_in_turn(0);
        let used = world.broker.attachments.attached(&world.caller, &web).await.unwrap();
        assert_eq!(used.len() == 1, narrowed.is_err(), "{attached:?} {narrowed:?}");
        outcomes.insert(narrowed.is_err());
    }
    assert_eq!(outcomes.len(), 2, "both go first, now and then");
}
