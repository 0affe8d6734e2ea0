//! Others write at the same time. A proxy holds each answer back, so that they
//! do it at the very moment a test means.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bursar_regions::{Target, TargetError};
use serde_json::{Value, json};

use super::{Setup, one, ours};
use crate::support::fault_proxy::{FaultProxy, Mode};
use crate::support::region::parcel;

#[tokio::test]
async fn who_comes_before_our_first_write_keeps_the_path() {
    let (setup, proxy, target) = behind_proxy().await;
    let put = setup.put_by(&target, b"ours");
    // The answer that there is nothing.
    let put = after_answers(&proxy, 1, put, || setup.write("key=theirs")).await;
    assert!(matches!(put, Err(TargetError::Foreign(_))), "{put:?}");
    assert_eq!(setup.there(), Some((json!({ "key": "theirs" }), 1)));
    assert_eq!(setup.metadata().expect("metadata")["custom_metadata"], Value::Null);
}

#[tokio::test]
async fn who_writes_over_it_before_it_is_marked_has_the_path_and_our_version_is_destroyed() {
    let (setup, proxy, target) = behind_proxy().await;
    let put = setup.put_by(&target, b"ours");
    // That there is nothing; that the first version is written.
    let put = after_answers(&proxy, 2, put, || setup.write("key=theirs")).await;
    assert!(matches!(put, Err(TargetError::Foreign(_))), "{put:?}");
    assert_eq!(setup.there(), Some((json!({ "key": "theirs" }), 2)));
    let metadata = setup.metadata().expect("metadata");
    assert_eq!(metadata["custom_metadata"], Value::Null);
    assert_eq!(metadata["versions"]["1"]["destroyed"], true);
    assert_eq!(metadata["versions"]["2"]["destroyed"], false);
}

#[tokio::test]
async fn who_marks_it_before_we_do_has_the_path() {
    let (setup, proxy, target) = behind_proxy().await;
    let put = setup.put_by(&target, b"ours");
    let theirs = || {
        setup.server.bao(&["kv", "metadata", "put", "-custom-metadata=team=web", &setup.place], "").output();
    };
    // Also: the metadata without a mark, and the first version that says it is ours.
    let put = after_answers(&proxy, 4, put, theirs).await;
    assert!(matches!(put, Err(TargetError::Foreign(_))), "{put:?}");
    let metadata = setup.metadata().expect("metadata");
    assert_eq!(metadata["custom_metadata"], json!({ "team": "web" }));
    assert_eq!(metadata["versions"]["1"]["destroyed"], true);
}

#[tokio::test]
async fn a_write_between_our_look_and_our_write_is_not_lost_unseen() {
    let (setup, proxy, target) = behind_proxy().await;
    setup.put(&[("password", b"first")]).await.expect("it is put");
    let put = setup.put_by(&target, b"second");
    // The metadata; the content. What they write in our secret is drift: it is seen, and put right.
    let put = after_answers(&proxy, 2, put, || setup.write("password=theirs")).await;
    assert_eq!(put, Ok(json!({ "version": 4 })));
    assert_eq!(ours(setup.look().await), one("password", b"second"));
    let third = setup.server.bao(&["kv", "get", "-version=3", "-field=password", &setup.place], "").output();
    assert_eq!(third, "theirs");
}

#[tokio::test]
async fn who_never_gets_a_turn_says_so() {
    let (setup, proxy, target) = behind_proxy().await;
    setup.put(&[("password", b"first")]).await.expect("it is put");
    proxy.set(Mode::Hold);
    let putting = tokio::spawn(setup.put_by(&target, b"second"));
    // A look, a read and a write for each try; they write before each of ours.
    let mut answers = proxy.held();
    while !putting.is_finished() {
        answers += 1;
        tokio::select! {
            () = proxy.until_held(answers) => {}
            () = until_finished(&putting) => break,
        }
        if answers % 3 == 2 {
            setup.write(&format!("password=theirs-{answers}"));
        }
        proxy.step();
    }
    let put = putting.await.expect("no panic");
    assert!(matches!(put, Err(TargetError::Conflict(_))), "{put:?}");
    assert_eq!(ours(setup.look().await), one("password", b"theirs-23"));
}

#[tokio::test]
async fn many_at_once_end_as_one_of_them() {
    let setup = Setup::new().await;
    let contents: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
    let puts = contents.map(|content| setup.put_by(&setup.target, content));
    for put in futures::future::join_all(puts).await {
        assert!(matches!(put, Ok(_) | Err(TargetError::Conflict(_))), "{put:?}");
    }
    let seen = ours(setup.look().await);
    assert!(contents.iter().any(|content| seen == one("password", content)), "{seen:?}");
}

impl Setup {
    fn put_by(
        &self,
        target: &Arc<dyn Target>,
        password: &'static [u8],
    ) -> impl Future<Output = Result<Value, TargetError>> + use<> {
        let (target, place, parcel) =
            (target.clone(), self.place.clone(), parcel(&self.owner, &[("password", password)]));
        async move { target.put(&place, &parcel, None).await }
    }
}

/// A target that reaches the server through a proxy, and has used it before.
async fn behind_proxy() -> (Setup, FaultProxy, Arc<dyn Target>) {
    let setup = Setup::new().await;
    let server: SocketAddr = setup.server.address().trim_start_matches("http://").parse().expect("an address");
    let proxy = FaultProxy::start(server).await;
    let settings = json!({ "address": format!("http://{}", proxy.address()) });
    let target = super::target(&setup.server, &settings).await;
    target.look(&setup.place, &setup.owner).await.expect("it can be looked at");
    (setup, proxy, target)
}

/// Runs `put`, and `meanwhile` when so many answers came and the last has not
/// arrived yet.
async fn after_answers<T: Send + 'static>(
    proxy: &FaultProxy,
    answers: usize,
    put: impl Future<Output = T> + Send + 'static,
    meanwhile: impl FnOnce(),
) -> T {
    proxy.set(Mode::Hold);
    let putting = tokio::spawn(put);
    for answer in 1..answers {
        proxy.until_held(answer).await;
        proxy.step();
    }
    proxy.until_held(answers).await;
    meanwhile();
    proxy.set(Mode::Pass);
    putting.await.expect("no panic")
}

async fn until_finished<T>(task: &tokio::task::JoinHandle<T>) {
    while !task.is_finished() {
        tokio::task::yield_now().await;
    }
}
