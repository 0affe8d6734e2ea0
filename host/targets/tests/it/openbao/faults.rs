//! Servers that cannot, and mounts that are none.

use std::net::SocketAddr;
use std::time::Duration;

use bursar_regions::TargetError;
use serde_json::json;

use super::{Setup, one, ours, target};
use crate::support::fault_proxy::{FaultProxy, Mode};
use crate::support::openbao::OpenBao;
use crate::support::region::{owner, parcel};
use crate::support::scripted::Scripted;

#[tokio::test]
async fn a_sealed_server_is_not_reachable_until_it_is_unsealed() {
    let setup = Setup::new().await;
    setup.server.seal();
    let put = setup.put(&[("password", b"one")]).await;
    assert!(matches!(&put, Err(TargetError::Unreachable(message)) if message.contains("unseal")), "{put:?}");
    setup.server.unseal();
    setup.put(&[("password", b"one")]).await.expect("it is put");
}

#[tokio::test]
async fn a_mount_that_is_no_kv_of_version_2_gets_nothing() {
    let setup = Setup::new().await;
    setup.server.bao(&["secrets", "enable", "-path=old", "-version=1", "kv"], "").output();
    setup.server.bao(&["secrets", "enable", "transit"], "").output();
    for mount in ["old", "transit"] {
        let target = target(&setup.server, &json!({ "mount": mount })).await;
        let place = target.place(&setup.owner).expect("a place");
        let put = target.put(&place, &parcel(&setup.owner, &[("password", b"one")]), None).await;
        let Err(TargetError::Invalid(message)) = &put else { panic!("{put:?}") };
        assert!(message.contains(&format!("`{mount}`")) && message.contains("version 2"), "{message}");
        assert_eq!(target.check().await, put.map(drop));
    }
    let said = setup.server.bao(&["list", "old"], "");
    assert!(!said.ok && said.stderr.contains("No value found"), "{said:?}");
}

#[tokio::test]
async fn a_mount_that_is_not_there_is_told() {
    let setup = Setup::new().await;
    let target = target(&setup.server, &json!({ "mount": "nothing" })).await;
    let check = target.check().await;
    assert!(matches!(&check, Err(TargetError::Refused(message)) if message.contains("`nothing`")), "{check:?}");
}

#[tokio::test]
async fn a_namespace_is_where_the_mount_is() {
    let setup = Setup::new().await;
    setup.server.bao(&["namespace", "create", "team"], "").output();
    setup.server.bao(&["secrets", "enable", "-namespace=team", "-path=secret", "-version=2", "kv"], "").output();
    let within = target(&setup.server, &json!({ "namespace": "team" })).await;
    within.check().await.expect("it can be used");
    within.put(&setup.place, &parcel(&setup.owner, &[("password", b"one")]), None).await.expect("it is put");
    let said = setup.server.bao(&["kv", "get", "-namespace=team", "-field=password", &setup.place], "").output();
    assert_eq!(said, "one");
    assert_eq!(setup.there(), None);

    let nowhere = target(&setup.server, &json!({ "namespace": "nowhere" })).await.check().await;
    assert!(matches!(&nowhere, Err(TargetError::Invalid(message)) if message.contains("`nowhere`")), "{nowhere:?}");
}

#[tokio::test]
async fn a_broken_wire_is_told_and_the_next_try_holds() {
    let setup = Setup::new().await;
    let server: SocketAddr = setup.server.address().trim_start_matches("http://").parse().expect("an address");
    let proxy = FaultProxy::start(server).await;
    let settings = json!({ "address": format!("http://{}", proxy.address()), "timeoutSeconds": 1 });
    let target = target(&setup.server, &settings).await;
    let faults = [
        (Mode::Refuse, "ended before"),
        (Mode::Drop, "no answer"),
        (Mode::Hold, "no answer"),
        (Mode::Delay(Duration::from_mins(1)), "no answer"),
        (Mode::Truncate(40), "ended before"),
        (Mode::Reset(40), "ended before"),
    ];
    for (number, (mode, says)) in faults.into_iter().enumerate() {
        proxy.set(mode);
        let content = format!("number {number}");
        let parcel = parcel(&setup.owner, &[("password", content.as_bytes())]);
        let put = target.put(&setup.place, &parcel, None).await;
        assert!(matches!(&put, Err(TargetError::Unreachable(message)) if message.contains(says)), "{mode:?}: {put:?}");
        proxy.set(Mode::Pass);
        target.put(&setup.place, &parcel, None).await.expect("it is put");
        assert_eq!(ours(setup.look().await), one("password", content.as_bytes()));
    }
    assert!(proxy.accepted() > faults.len());
}

#[tokio::test]
async fn nobody_there_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let settings = json!({ "address": format!("http://{free}"), "token": "some-token" });
    let target = crate::support::region::open("openbao", settings, None).await.expect("it opens");
    let check = target.check().await;
    let Err(TargetError::Unreachable(message)) = &check else { panic!("{check:?}") };
    assert!(message.contains(&free.to_string()) && message.contains("refused"), "{message}");
}

#[tokio::test]
async fn over_tls_its_root_must_be_known() {
    let server = OpenBao::start_with_tls().await;
    let stranger = target(&server, &json!({})).await.check().await;
    let Err(TargetError::Unreachable(message)) = &stranger else { panic!("{stranger:?}") };
    assert!(message.contains("`caFile`"), "{message}");

    let target = target(&server, &json!({ "caFile": server.ca_file() })).await;
    target.check().await.expect("it is trusted");
    let owner = owner("acme", "db");
    let place = target.place(&owner).expect("a place");
    target.put(&place, &parcel(&owner, &[("password", b"one")]), None).await.expect("it is put");
    assert_eq!(server.bao(&["kv", "get", "-field=password", &place], "").output(), "one");
}

#[tokio::test]
async fn a_file_of_roots_that_is_none_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").expect("a file");
    for (path, says) in [(empty.as_path(), "holds no certificate"), (&folder.path().join("missing"), "cannot be read")]
    {
        let settings = json!({ "address": "https://127.0.0.1:1", "token": "some-token", "caFile": path });
        let opened = crate::support::region::open("openbao", settings, None).await.map(drop);
        assert!(matches!(&opened, Err(TargetError::Invalid(message)) if message.contains(says)), "{opened:?}");
    }
}

#[tokio::test]
async fn an_answer_is_never_passed_on() {
    let secret = "hush-hush-hush";
    for (status, word) in [
        (301, "unreachable"),
        (400, "invalid"),
        (405, "invalid"),
        (412, "unreachable"),
        (413, "invalid"),
        (418, "failed"),
        (429, "throttled"),
        (500, "unreachable"),
        (502, "unreachable"),
        (503, "unreachable"),
    ] {
        let server = Scripted::start(status, &json!({ "errors": [format!("echo {secret}")] }).to_string()).await;
        let settings = json!({ "address": server.url(), "token": secret });
        let target = crate::support::region::open("openbao", settings, None).await.expect("it opens");
        let error = target.check().await.expect_err("it is refused");
        assert_eq!(error.code(), word, "{status}: {error}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
        if status == 429 {
            assert!(matches!(error, TargetError::Throttled { seconds: Some(7), .. }), "{error:?}");
        }
    }
}
