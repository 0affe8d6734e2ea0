//! What is pushed to a region is chosen, or a type's own default.

use crate::support::submitted;
use bursar_api as api;
use bursar_kernel::id::Reference;
use bursar_regions::{Extent, Reconciled};
use serde_json::{Value, json};

use super::{attached, eu, settle, store};
use crate::support::{HELD_BACK, PLAIN, World, account, violations};

async fn attach(world: &World, body: Value) -> Result<(), Vec<(String, String)>> {
    let done = world
        .broker
        .attachments
        .attach(&world.caller, &account(), &eu(), submitted::<api::AttachRegion, _>(body), None)
        .await;
    done.map(drop)
        .map_err(|error| violations(&error).into_iter().map(|(at, code)| (at.to_owned(), code.to_owned())).collect())
}

/// Does all there is to do, and answers what is there then.
async fn reconcile(world: &World) -> Vec<String> {
    for _ in 0..2 {
        for (pair, _) in world.broker.attachments.walk(Extent::Everything, false).await.unwrap().due {
            settle(world, pair).await;
        }
    }
    world.shelf.things().into_iter().map(|(place, _)| place).collect()
}

async fn rows(world: &World, name: &str) -> usize {
    world.broker.credentials.get(&world.caller, &account(), &Reference::from(name)).await.unwrap().sync.len()
}

async fn counted(world: &World) -> u64 {
    let used = world.broker.attachments.attached(&world.caller, &account()).await.unwrap();
    used[0].counts.iter().map(|(_, count)| count).sum()
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_not_pushed_by_default_is_pushed_when_it_is_chosen() {
    let world = attached("repair").await;
    store(&world, "plain", "s1").await;
    let held = world.store_with("held", HELD_BACK, json!({"token": "s2"})).await;
    assert_eq!(reconcile(&world).await, ["default/plain"]);
    assert_eq!((rows(&world, "plain").await, rows(&world, "held").await, counted(&world).await), (1, 0, 1));
    let plan = world.broker.attachments.plan(&world.caller, &account(), &eu()).await.unwrap();
    assert_eq!(plan.items.len(), 1);
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((ensured.ready(), ensured.synced), (true, 1));
    let synced =
        world.broker.attachments.sync_credential(&world.caller, &account(), &Reference::from("held")).await.unwrap();
    assert_eq!((synced.sync.len(), world.shelf.things().len()), (0, 1));
    // By name, or by the form it is to have there.
    for chosen in [json!({"types": [PLAIN, HELD_BACK]}), json!({"formats": {HELD_BACK: ["text"]}})] {
        attach(&world, chosen).await.unwrap();
        assert_eq!(reconcile(&world).await, ["default/held", "default/plain"]);
        assert_eq!((rows(&world, "held").await, counted(&world).await), (1, 2));
        // What is not to be there any more is withdrawn.
        attach(&world, json!({})).await.unwrap();
        assert_eq!(reconcile(&world).await, ["default/plain"]);
        assert_eq!(rows(&world, "held").await, 0);
    }
    attach(&world, json!({"types": [HELD_BACK]})).await.unwrap();
    assert_eq!(reconcile(&world).await, ["default/held"]);
    attach(&world, json!({"types": []})).await.unwrap();
    assert_eq!((reconcile(&world).await.len(), counted(&world).await), (0, 0));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn ensure_takes_out_what_is_not_to_be_there_and_does_not_count_it() {
    let world = attached("repair").await;
    let pair = store(&world, "plain", "s1").await;
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    attach(&world, json!({"types": [HELD_BACK]})).await.unwrap();
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((ensured.ready(), ensured.synced, world.shelf.things().len()), (true, 0, 0));
    let told = std::sync::Mutex::new(0);
    let tell = |progress: bursar_regions::Progress| *told.lock().unwrap() += progress.total;
    world.broker.attachments.ensure(&world.caller, &account(), &eu(), &tell).await.unwrap();
    assert_eq!(told.into_inner().unwrap(), 0, "there is nothing to see to");
}

#[tokio::test(start_paused = true)]
async fn a_choice_that_contradicts_itself_is_refused() {
    let world = attached("repair").await;
    let told = |wrong: Result<(), Vec<(String, String)>>| {
        wrong.unwrap_err().into_iter().map(|(at, code)| format!("{at} {code}")).collect::<Vec<_>>()
    };
    assert_eq!(told(attach(&world, json!({"types": [PLAIN, "no-such"]})).await), ["/types/1 unknown"]);
    assert_eq!(told(attach(&world, json!({"types": PLAIN})).await), ["/types type"]);
    let kept_away = json!({"types": [HELD_BACK, PLAIN], "formats": {PLAIN: []}});
    assert_eq!(told(attach(&world, kept_away).await), ["/types/1 conflict"]);
    let left_out = json!({"types": [HELD_BACK], "formats": {PLAIN: ["text"]}});
    assert_eq!(told(attach(&world, left_out).await), [format!("/formats/{PLAIN} conflict")]);
    attach(&world, json!({"types": [HELD_BACK], "formats": {PLAIN: []}})).await.unwrap();
}

/// Ensure on behalf of an account that lets go uses the region as before.
#[tokio::test(start_paused = true)]
async fn a_region_that_is_used_again_is_used_as_it_was() {
    let world = attached("repair").await;
    store(&world, "plain", "s1").await;
    attach(&world, json!({"types": [HELD_BACK]})).await.unwrap();
    world.store_with("held", HELD_BACK, json!({"token": "s2"})).await;
    reconcile(&world).await;
    world.shelf.keep_all(true);
    world.broker.attachments.detach(&world.caller, &account(), &eu(), None, None).await.unwrap();
    world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    let used = world.broker.attachments.attachment(&world.caller, &account(), &eu()).await.unwrap();
    assert_eq!(used.attachment.types, Some([HELD_BACK.to_owned()].into()));
    assert_eq!(used.attachment.detaching, None);
}
