//! Files come, change and go.

use std::borrow::Cow;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_kernel::plugin::{PluginError, Plugins as _, State};
use bursar_plugin_host::{Error, PluginEvent, PluginHost, PluginHostConfig};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Live, Place, remove};
use crate::support::{Guest, config, context, data};

#[tokio::test]
async fn a_file_that_is_dropped_in_is_used() {
    let live = Live::empty().await;
    assert!(live.host.types().is_empty() && live.started.is_empty());
    let file = live.put("mine.wasm", &Guest::new());
    let all = live.until(&[("hostile", "1.0.0", State::Active)]).await;
    assert_eq!((all[0].source.as_str(), &all[0].reason), (file.to_str().unwrap(), &None));
    live.host.materialize("hostile", &data(""), "login", &context()).await.expect("it can be called");
    let [PluginEvent::Loaded { id, replaces: None, .. }] = &live.news()[..] else { panic!("one event") };
    assert_eq!(id, "hostile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_files_are_replaced() {
    let live = Live::empty().await;
    live.put("mine.wasm", &Guest::new());
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (host, done) = (Arc::clone(&live.host), Arc::clone(&done));
        callers.spawn(async move {
            let mut calls = 0;
            while !done.load(Ordering::Relaxed) {
                host.materialize("hostile", &data(""), "login", &context()).await.expect("served meanwhile");
                calls += 1;
            }
            calls
        });
    }
    live.put("mine.wasm", &Guest::new().version("1.1.0"));
    live.until(&[("hostile", "1.1.0", State::Active)]).await;
    live.place.put("mine.wasm", b"junk");
    live.until(&[("hostile", "1.1.0", State::Active), ("hostile", "", State::Rejected)]).await;
    live.put("mine.wasm", &Guest::new().version("1.2.0"));
    live.until(&[("hostile", "1.2.0", State::Active)]).await;
    done.store(true, Ordering::Relaxed);
    let calls: u32 = callers.join_all().await.into_iter().sum();
    println!("{calls} calls, none failed");
    assert!(calls > 0);
}

#[tokio::test]
async fn a_bad_file_never_unseats_a_good_one() {
    let live = Live::empty().await;
    let file = live.put("mine.wasm", &Guest::new());
    let good = live.until(&[("hostile", "1.0.0", State::Active)]).await[0].digest.clone();
    live.news();
    for (bad, why) in [
        (b"junk".to_vec(), "not a WebAssembly component"),
        (Guest::new().order("@@MANIFEST@@", "!loop").bytes(), "ran out of its time budget"),
    ] {
        live.place.put("mine.wasm", &bad);
        live.until_told(why).await;
        let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "", State::Rejected)]).await;
        let note = all[0].reason.as_deref().unwrap();
        let refused = all[1].reason.as_deref().unwrap();
        assert!(note.contains(file.to_str().unwrap()) && note.contains(refused), "{note}");
        assert!(note.contains(&good[..19]) && note.contains("keeps serving"), "{note}");
        assert_eq!((all[0].digest.as_str(), all[1].source.as_str()), (good.as_str(), file.to_str().unwrap()));
        assert!(all[1].digest.starts_with("sha256:") && all[1].digest != good);
        live.host.materialize("hostile", &data(""), "login", &context()).await.expect("the good one serves");
        // A touch is not worth another word.
        live.place.put("mine.wasm", &bad);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "", State::Rejected)]).await;
        let [PluginEvent::Rejected { reason, .. }] = &live.news()[..] else { panic!("told once") };
        assert_eq!(reason, refused);
    }
    // A described one is told with its version.
    let mut wrong = Guest::new().version("2.0.0");
    wrong.manifest["abilities"] = json!(["generate"]);
    live.put("mine.wasm", &wrong);
    live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Rejected)]).await;
    live.put("mine.wasm", &Guest::new().version("2.0.0"));
    let all = live.until(&[("hostile", "2.0.0", State::Active)]).await;
    assert_eq!(all[0].reason, None);
}

#[tokio::test]
async fn a_file_that_is_removed_is_told_of_until_it_comes_back() {
    let live = Live::empty().await;
    let file = live.put("mine.wasm", &Guest::new());
    let digest = live.until(&[("hostile", "1.0.0", State::Active)]).await[0].digest.clone();
    live.news();
    remove(&file);
    let all = live.until(&[("hostile", "1.0.0", State::Removed)]).await;
    assert!(all[0].reason.as_deref().unwrap().contains(file.to_str().unwrap()));
    assert!(live.host.find("hostile").is_none() && live.host.types().is_empty());
    let gone = live.host.materialize("hostile", &data(""), "login", &context()).await.err();
    assert!(matches!(gone, Some(PluginError::Unavailable(_))), "{gone:?}");
    assert_eq!(
        live.news(),
        [PluginEvent::Removed { id: "hostile".to_owned(), digest, source: file.display().to_string() }]
    );

    // Also after a start, and then it is not told again.
    let live = live.again(|_| {}).await;
    live.until(&[("hostile", "1.0.0", State::Removed)]).await;
    assert_eq!(live.started, []);
    live.put("mine.wasm", &Guest::new());
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
    assert!(matches!(&live.news()[..], [PluginEvent::Loaded { .. }]));
}

#[tokio::test]
async fn what_was_built_in_comes_back() {
    let place = Place::new();
    let live = Live::start(&place, |config| {
        config.built_ins = vec![("hostile", Cow::Owned(Guest::new().bytes()))];
    })
    .await;
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
    let file = live.put("mine.wasm", &Guest::new().version("1.1.0"));
    live.until(&[("hostile", "1.1.0", State::Active)]).await;
    let [PluginEvent::Loaded { replaces, .. }] = &live.news()[..] else { panic!("one event") };
    assert_eq!(replaces.as_deref(), Some("1.0.0"));
    live.put("mine.wasm", &Guest::new().version("0.9.0"));
    let all = live.until(&[("hostile", "1.1.0", State::Active), ("hostile", "0.9.0", State::Rejected)]).await;
    assert!(all[1].reason.as_deref().unwrap().contains("not higher than the built-in 1.0.0"));
    live.news();
    remove(&file);
    let all = live.until(&[("hostile", "1.0.0", State::Active)]).await;
    assert_eq!(all[0].source, "built-in");
    assert!(matches!(&live.news()[..], [PluginEvent::Removed { .. }, PluginEvent::Loaded { .. }]));
}

#[tokio::test]
async fn the_first_of_two_files_keeps_the_id() {
    let live = Live::empty().await;
    live.put("b.wasm", &Guest::new());
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
    live.put("a.wasm", &Guest::new().version("2.0.0"));
    let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Rejected)]).await;
    assert!(all[1].reason.as_deref().unwrap().contains("already loaded from"), "{:?}", all[1].reason);
    // Also after a start, whatever the order of names.
    let live = live.again(|_| {}).await;
    live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::Rejected)]).await;
    remove(&live.place.folder().join("b.wasm"));
    live.until(&[("hostile", "2.0.0", State::Active)]).await;
}

#[tokio::test]
async fn what_everybody_can_write_is_refused_until_that_is_mended() {
    let live = Live::empty().await;
    let part = live.place.0.path().join("part");
    std::fs::write(&part, Guest::new().bytes()).unwrap();
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o666)).unwrap();
    let file = live.place.folder().join("mine.wasm");
    std::fs::rename(part, &file).unwrap();
    let all = live.until(&[("mine", "", State::Rejected)]).await;
    assert!(all[0].reason.as_deref().unwrap().contains("chmod o-w"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
}

#[tokio::test]
async fn a_folder_that_is_away_for_a_moment_changes_nothing() {
    let live = Live::empty().await;
    live.put("mine.wasm", &Guest::new());
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
    let away = live.place.0.path().join("away");
    std::fs::rename(live.place.folder(), &away).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert!(live.host.find("hostile").is_some());
    std::fs::rename(&away, live.place.folder()).unwrap();
    live.put("mine.wasm", &Guest::new().version("1.1.0"));
    live.until(&[("hostile", "1.1.0", State::Active)]).await;
}

#[tokio::test]
async fn the_host_s_own_folder_is_no_plugin_folder() {
    let place = Place::new();
    let config = PluginHostConfig { folders: vec![place.folder()], archive_dir: Some(place.folder()), ..config() };
    let outcome = PluginHost::load(config).await;
    assert!(matches!(outcome, Err(Error::FolderIsArchive(_))));
}
