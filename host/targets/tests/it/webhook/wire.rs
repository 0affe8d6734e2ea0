//! What is sent, and what it does at a receiver that keeps to the contract.

use std::time::Duration;

use bursar_regions::{Login, Removal, Seen, TargetError};
use hyper::Method;
use serde_json::{Value, json};

use super::{KEY, Setup, target};
use crate::support::fault_proxy::{FaultProxy, Mode};
use crate::support::receiver::{Fault, Meets, Receiver};
use crate::support::region::{login, open, owner, parcel};
use crate::support::scripted::Scripted;

#[tokio::test]
async fn a_put_has_all_that_a_receiver_needs() {
    let server = Scripted::with(200, &[], r#"{"receipt": {"id": 7}}"#).await;
    let settings = json!({ "url": server.url(), "secret": KEY, "headers": { "X-Tenant": "web" } });
    let target = open("webhook", settings, None).await.expect("it opens");
    let owner = owner("acme", "db");
    let place = target.place(&owner).expect("a place");
    let parcel = parcel(&owner, &[("username", b"octo"), ("store.p12", &[0xFE, 0x00])]);
    let receipt = target.put(&place, &parcel, Some(&json!("before"))).await.expect("it is put");
    assert_eq!(receipt, json!({ "id": 7 }));
    let removal = Removal { owner: owner.clone(), idempotency_key: "removal-1".to_owned() };
    target.remove(&place, &removal, Some(&receipt)).await.expect("it is removed");
    target.check().await.expect("it is there");

    let [put, delete, options] = server.came().try_into().unwrap_or_else(|_| panic!("three requests"));
    assert_eq!((&put.method, &delete.method, &options.method), (&Method::PUT, &Method::DELETE, &Method::OPTIONS));
    let ids = |body: &mut Value| {
        body.as_object_mut().expect("an object").insert("installation".to_owned(), json!("I"));
        body["account"]["id"] = json!("A");
        body["credential"]["id"] = json!("C");
    };
    let mut body: Value = serde_json::from_slice(&put.body).expect("JSON");
    assert_eq!(body["installation"], owner.installation.to_string());
    assert_eq!(body["account"]["id"], owner.account.to_string());
    assert_eq!(body["credential"]["id"], owner.credential.to_string());
    ids(&mut body);
    let artifact = |name: &str, encoding: &str, content: &str| json!({ "name": name, "mediaType": "text/plain", "encoding": encoding, "content": content, "sensitive": true });
    assert_eq!(
        body,
        json!({
            "installation": "I", "region": "eu", "account": { "id": "A", "name": "acme" },
            "credential": { "id": "C", "name": "db", "type": "basic-auth", "version": 3 },
            "place": "acme/db", "receipt": "before", "formats": ["login"],
            "artifacts": [artifact("username", "utf-8", "octo"), artifact("store.p12", "base64", "/gA=")],
        })
    );
    let mut body: Value = serde_json::from_slice(&delete.body).expect("JSON");
    ids(&mut body);
    assert_eq!(
        body,
        json!({
            "installation": "I", "region": "eu", "account": { "id": "A", "name": "acme" },
            "credential": { "id": "C", "name": "db" }, "place": "acme/db", "receipt": { "id": 7 },
        })
    );
    assert!(options.body.is_empty());

    for (came, key) in [(&put, Some("push-1")), (&delete, Some("removal-1")), (&options, None)] {
        let header = |name: &str| came.headers.get(name).map(|value| value.to_str().expect("text"));
        assert_eq!(header("idempotency-key"), key);
        assert_eq!(header("content-type"), key.map(|_| "application/json"));
        assert_eq!(header("x-tenant"), Some("web"));
        assert!(header("user-agent").is_some_and(|agent| agent.starts_with("bursar/")));
        assert!(header("x-bursar-signature").is_some_and(|signature| signature.starts_with("t=")));
    }
}

#[tokio::test]
async fn a_receiver_takes_each_change_once() {
    let setup = Setup::new().await;
    setup.target.check().await.expect("it is there");
    setup.put("push-1", b"one").await.expect("it is put");
    let again = setup.put("push-1", b"one").await.expect("it was put");
    assert_eq!(again, json!("write 1"));
    setup.put("push-2", b"two").await.expect("it is put");
    let held = setup.receiver.at(&setup.place).expect("it is there");
    assert_eq!(held.artifacts["password"], b"two");
    assert_eq!((held.version, &held.owner[2]), (3, &setup.owner.credential.to_string()));
    assert_eq!(setup.receiver.writes_at(&setup.place), 2);
    setup.remove("removal-1").await.expect("it is removed");
    setup.remove("removal-2").await.expect("there is nothing, which is well");
    assert!(setup.receiver.held().is_empty());

    let counts = setup.receiver.counts();
    assert_eq!((counts.written, counts.duplicates, counts.removed, counts.missed), (2, 1, 1, 1));
    assert_eq!((counts.bad_signatures, counts.malformed, counts.altered, counts.unchanged), (0, 0, 0, 0));
    let seen = setup.target.look(&setup.place, &setup.owner).await;
    assert!(matches!(seen, Ok(Seen::CannotTell)));
}

#[tokio::test]
async fn what_is_foreign_there_survives() {
    let setup = Setup::new().await;
    setup.receiver.claim(&setup.place);
    let put = setup.put("push-1", b"one").await;
    assert!(matches!(&put, Err(TargetError::Foreign(message)) if message.contains("somebody else's")), "{put:?}");
    setup.remove("removal-1").await.expect("it is left alone");
    assert_eq!(setup.receiver.counts().foreign, 2);
    setup.receiver.release(&setup.place);
    setup.put("push-1", b"one").await.expect("it is put");
}

#[tokio::test]
async fn another_key_is_refused() {
    let receiver = Receiver::start("another-key-altogether").await;
    let target = target(&receiver.url()).await;
    let put = super::put(&target, "push-1", b"one").await;
    assert!(matches!(&put, Err(TargetError::Refused(message)) if message.contains("`secret`")), "{put:?}");
    assert_eq!(target.check().await.map_err(|error| error.code()), Err("refused"));
    assert_eq!(receiver.counts().bad_signatures, 2);
    assert!(receiver.held().is_empty());
}

#[tokio::test]
async fn a_login_credential_is_the_key() {
    let receiver = Receiver::start(KEY).await;
    let open = async |login: Option<Login>| open("webhook", json!({ "url": receiver.url() }), login).await;
    open(Some(login("", KEY))).await.expect("it opens").check().await.expect("the signature holds");
    for (login, says) in [(None, "`secret`"), (Some(login("", "too-short")), "16 characters")] {
        let opened = open(login).await.map(drop);
        assert!(matches!(&opened, Err(TargetError::Invalid(message)) if message.contains(says)), "{opened:?}");
    }
}

#[tokio::test]
async fn a_try_whose_answer_is_lost_is_not_applied_twice() {
    let setup = Setup::new().await;
    for (number, fault) in [Fault::DropBefore, Fault::DropAfter, Fault::Hang].into_iter().enumerate() {
        setup.receiver.fault(fault, Meets::Next(1));
        let settings = json!({ "url": setup.receiver.url(), "secret": KEY, "timeoutSeconds": 1 });
        let target = open("webhook", settings, None).await.expect("it opens");
        let (key, content) = (format!("push-{number}"), format!("content {number}"));
        let first = super::put(&target, &key, content.as_bytes()).await;
        assert!(matches!(first, Err(TargetError::Unreachable(_))), "{fault:?}: {first:?}");
        super::put(&target, &key, content.as_bytes()).await.expect("it is put");
        assert_eq!(setup.receiver.writes_at(&setup.place), number + 1);
        assert_eq!(setup.receiver.at(&setup.place).expect("it is there").artifacts["password"], content.as_bytes());
    }
    assert_eq!(setup.receiver.counts().duplicates, 1);
}

#[tokio::test]
async fn a_share_of_faults_is_spread_and_ends() {
    let setup = Setup::new().await;
    setup.receiver.fault(Fault::Answer { status: 500, retry_after: None }, Meets::Share(0.25));
    let mut failed = 0;
    for number in 0..40 {
        failed += usize::from(setup.put(&format!("push-{number}"), b"one").await.is_err());
    }
    assert_eq!((failed, setup.receiver.counts().faults), (10, 10));
    setup.receiver.heal();
    setup.receiver.fault(Fault::Delay(Duration::from_millis(20)), Meets::All);
    setup.put("push-40", b"one").await.expect("it is put");
    assert_eq!(setup.receiver.counts().unchanged, 30);
}

#[tokio::test]
async fn a_broken_wire_is_told_and_the_next_try_holds() {
    let setup = Setup::new().await;
    let proxy = FaultProxy::start(setup.receiver.address()).await;
    let settings = json!({ "url": format!("http://{}/hook", proxy.address()), "secret": KEY, "timeoutSeconds": 1 });
    let target = open("webhook", settings, None).await.expect("it opens");
    let faults = [Mode::Refuse, Mode::Drop, Mode::Hold, Mode::Truncate(20), Mode::Truncate(115), Mode::Reset(20)];
    for (number, mode) in faults.into_iter().enumerate() {
        proxy.set(mode);
        let (key, content) = (format!("push-{number}"), format!("content {number}"));
        let first = super::put(&target, &key, content.as_bytes()).await;
        assert!(matches!(first, Err(TargetError::Unreachable(_))), "{mode:?}: {first:?}");
        proxy.set(Mode::Pass);
        super::put(&target, &key, content.as_bytes()).await.expect("it is put");
        assert_eq!(setup.receiver.writes_at(&setup.place), number + 1);
    }
    let counts = setup.receiver.counts();
    assert_eq!((counts.altered, counts.malformed), (0, 0));
}
