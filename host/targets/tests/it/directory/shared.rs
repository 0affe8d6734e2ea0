//! Many at once in one directory.

use std::fs;
use std::sync::Arc;

use bursar_regions::{Owner, TargetError};
use futures::future::join_all;
use serde_json::json;

use super::{World, names, open, ours, owner, put, remove, texts};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn credentials_of_one_account_come_at_once() {
    let world = World::new().await;
    let owners: Vec<_> = (0..30).map(|number| owner(&format!("c{number}"))).collect();
    let outcomes =
        join_all(owners.iter().map(async |owner| world.put(owner, &[("a", &owner.credential_name)]).await)).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    for owner in &owners {
        assert_eq!(ours(world.look(owner).await), texts([("a", owner.credential_name.as_str())]));
    }
    assert_eq!(world.files().len(), owners.len());
    let outcomes = join_all(owners.iter().map(|owner| world.remove(owner))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(world.tops().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn removals_beside_puts_of_siblings_lose_nothing() {
    let world = World::new().await;
    // Two that share nothing but the disk, as two processes would.
    let other = open(&world.path(), json!({})).await;
    let tasks = (0..6).map(|number| {
        let target = if number % 2 == 0 { world.target.clone() } else { other.clone() };
        let owner = owner(&format!("c{number}"));
        let place = world.directory(&owner).join("a");
        tokio::spawn(async move {
            for round in 0..40 {
                put(&*target, &owner, &[("a", &round.to_string())]).await.unwrap();
                assert_eq!(fs::read_to_string(&place).unwrap(), round.to_string());
                remove(&*target, &owner).await.unwrap();
            }
        })
    });
    for outcome in join_all(tasks).await {
        outcome.unwrap();
    }
    assert!(world.tops().is_empty());
    assert_eq!(names(&world.corner()), ["accounts", "locks"]);
    assert!(names(&world.corner().join("accounts")).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_want_one_place_one_gets_it() {
    for _ in 0..30 {
        let world = World::new().await;
        let owners = [owner("web"), owner("web")];
        let outcomes = join_all(owners.iter().map(async |owner| world.put(owner, &[("a", &id(owner))]).await)).await;
        let (mut won, mut lost) = (None, 0);
        for (owner, outcome) in owners.iter().zip(outcomes) {
            match outcome {
                Ok(()) => won = Some(owner),
                Err(TargetError::Foreign(_)) => lost += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(lost, 1);
        assert_eq!(world.files(), texts([("team/web/a", id(won.unwrap()).as_str())]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_puts_of_one_credential_take_turns() {
    let world = World::new().await;
    let other: Arc<_> = open(&world.path(), json!({})).await;
    let web = owner("web");
    let files = [[("a", "1"), ("b", "1")], [("b", "2"), ("c", "2")]];
    for _ in 0..20 {
        let (one, two) = tokio::join!(world.put(&web, &files[0]), put(&*other, &web, &files[1]));
        one.unwrap();
        two.unwrap();
        let seen = ours(world.look(&web).await);
        assert!(files.iter().any(|files| seen == texts(*files)), "{seen:?}");
    }
    world.remove(&web).await.unwrap();
    assert!(world.tops().is_empty());
}

fn id(owner: &Owner) -> String {
    owner.credential.to_string()
}
