//! Back to the component before, and what a start finds.

use bursar_kernel::plugin::{Decision, Pin, PluginStatus, Plugins as _, State};

use super::{Live, Place};
use crate::support::{Guest, context, data};

/// As the broker would do it.
async fn roll_back(live: &Live, entry: &PluginStatus) {
    let previous = entry.previous.clone().expect("something to go back to");
    live.decide(&entry.id, |decision| {
        decision.pin = Some(Pin {
            digest: previous.digest,
            set_aside: previous.sets_aside,
            by: "operator:test".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        });
    })
    .await;
}

async fn with_two_versions() -> (Live, PluginStatus) {
    let live = Live::empty().await;
    live.put("mine.wasm", &Guest::new());
    let first = live.until(&[("hostile", "1.0.0", State::Active)]).await.remove(0);
    assert_eq!(first.previous, None);
    live.put("mine.wasm", &Guest::new().version("2.0.0"));
    let second = live.until(&[("hostile", "2.0.0", State::Active)]).await.remove(0);
    assert_eq!(second.previous.as_ref().map(|previous| &previous.digest), Some(&first.digest));
    (live, second)
}

#[tokio::test]
async fn a_rollback_holds_until_another_file_comes() {
    let (live, second) = with_two_versions().await;
    roll_back(&live, &second).await;
    let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Pending)]).await;
    assert!(all[0].pinned && !all[1].pinned && all[0].previous.is_none());
    assert!(all[0].reason.as_deref().unwrap().contains(&second.digest[..19]), "{:?}", all[0].reason);
    assert!(all[1].reason.as_deref().unwrap().contains("set aside by a rollback"));
    live.host.materialize("hostile", &data(""), "login", &context()).await.expect("the earlier one serves");

    // It holds after a start.
    let live = live.again(|_| {}).await;
    let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Pending)]).await;
    assert!(all[0].pinned);

    live.put("mine.wasm", &Guest::new().version("2.0.1"));
    let all = live.until(&[("hostile", "2.0.1", State::Active)]).await;
    assert!(!all[0].pinned);
}

#[tokio::test]
async fn an_approval_of_what_was_set_aside_undoes_a_rollback() {
    let (live, second) = with_two_versions().await;
    roll_back(&live, &second).await;
    let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Pending)]).await;
    live.approve(&all[1]).await;
    let all = live.until(&[("hostile", "2.0.0", State::Active)]).await;
    assert_eq!(all[0].previous, second.previous);
}

#[tokio::test]
async fn a_rollback_goes_to_what_is_built_in_too() {
    let live = Live::start(&Place::new(), |config| {
        config.built_ins = vec![("hostile", Guest::new().bytes().into())];
    })
    .await;
    live.put("mine.wasm", &Guest::new().version("2.0.0"));
    let all = live.until(&[("hostile", "2.0.0", State::Active)]).await;
    roll_back(&live, &all[0]).await;
    let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Pending)]).await;
    assert_eq!((all[0].source.as_str(), all[0].pinned), ("built-in", true));
}

#[tokio::test]
async fn a_component_that_is_not_here_cannot_be_gone_back_to() {
    let (live, second) = with_two_versions().await;
    live.decide("hostile", |decision| {
        decision.pin = Some(Pin {
            digest: format!("sha256:{}", "0".repeat(64)),
            set_aside: second.digest.clone(),
            by: "operator:test".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        });
    })
    .await;
    let all = live.until(&[("hostile", "2.0.0", State::Active)]).await;
    assert!(all[0].reason.as_deref().unwrap().contains("not kept on this node"), "{:?}", all[0].reason);
}

#[tokio::test]
async fn a_start_with_a_broken_file_serves_the_last_good_one() {
    let (live, second) = with_two_versions().await;
    let (place, book) = (live.place.clone(), live.book.clone());
    drop(live);
    let file = place.put("mine.wasm", b"junk");
    let live = Live::start_with(&place, book.clone(), |_| {}).await;
    let all = live.until(&[("hostile", "2.0.0", State::Active), ("hostile", "", State::Rejected)]).await;
    assert_eq!(all[0].digest, second.digest);
    let note = all[0].reason.as_deref().unwrap();
    assert!(note.contains(file.to_str().unwrap()) && note.contains("keeps serving"), "{note}");
    live.host.materialize("hostile", &data(""), "login", &context()).await.expect("it is called");

    // A broken file can be rolled back from, too.
    roll_back(&live, &all[0]).await;
    live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "", State::Rejected)]).await;
    live.decide("hostile", |decision| *decision = Decision { plugin: "hostile".to_owned(), ..Decision::default() })
        .await;
    drop(live);

    // What was altered is not used.
    for entry in std::fs::read_dir(place.archive()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            std::fs::write(path, Guest::new().version("6.6.6").bytes()).unwrap();
        }
    }
    let live = Live::start_with(&place, book, |_| {}).await;
    live.until(&[("hostile", "", State::Rejected)]).await;
}
