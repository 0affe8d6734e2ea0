//! What waits for an operator's word.

use bursar_kernel::plugin::{Decision, Derived, PermissionDiff, Plugins as _, Revocation, State};
use bursar_plugin_host::{Approval, PluginEvent};
use serde_json::json;

use super::{Live, Place, asking, grant};
use crate::support::{Guest, context, data};

#[tokio::test]
async fn what_asks_for_a_host_waits_for_a_grant() {
    let live = Live::empty().await;
    live.put("mine.wasm", &asking("1.0.0", &["a.example.com"]));
    let all = live.until(&[("hostile", "1.0.0", State::Pending)]).await;
    assert!(live.host.types().is_empty(), "not listed");
    assert!(live.host.materialize("hostile", &data(""), "login", &context()).await.is_err(), "not called");
    assert!(all[0].reason.as_deref().unwrap().contains("a.example.com"));
    assert_eq!((&all[0].grant, all[0].granted_hosts.len()), (&None, 0));
    let diff = all[0].permission_diff.as_ref().unwrap();
    let fills = |field| format!("fill the public field {field} from a secret");
    let asked = ["reach a.example.com: It lives there.".to_owned(), fills("/publicKey"), fills("/fingerprint")];
    assert_eq!(diff.added.words(), asked);
    assert!(matches!(&live.news()[..], [PluginEvent::Waiting { state: State::Pending, .. }]));

    live.approve(&all[0]).await;
    let all = live.host.status();
    assert_eq!((all[0].state, all[0].granted_hosts.as_slice()), (State::Active, &["a.example.com".to_owned()][..]));
    assert_eq!((&all[0].permission_diff, &all[0].grant), (&None, &Some(grant(&all[0]))));
    assert!(matches!(&live.news()[..], [PluginEvent::Loaded { .. }]));

    // The grant holds after a start, and on other nodes.
    let live = live.again(|_| {}).await;
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
}

#[tokio::test]
async fn a_grant_of_another_node_is_seen() {
    let live = Live::empty().await;
    live.put("mine.wasm", &asking("1.0.0", &["a.example.com"]));
    let all = live.until(&[("hostile", "1.0.0", State::Pending)]).await;
    let decision = Decision { plugin: "hostile".to_owned(), grant: Some(grant(&all[0])), ..Decision::default() };
    live.book.0.lock().unwrap().push(decision);
    live.until(&[("hostile", "1.0.0", State::Active)]).await;
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_beside_the_old_one() {
    let live = Live::empty().await;
    live.put("mine.wasm", &asking("1.0.0", &["a.example.com", "b.example.com"]));
    live.approve(&live.until(&[("hostile", "1.0.0", State::Pending)]).await[0]).await;
    live.until(&[("hostile", "1.0.0", State::Active)]).await;

    // No more than was granted: at once.
    live.put("mine.wasm", &asking("1.1.0", &["b.example.com"]));
    let all = live.until(&[("hostile", "1.1.0", State::Active)]).await;
    let diff = all[0].permission_diff.as_ref().unwrap();
    assert_eq!(diff.removed.words(), ["reach a.example.com: It lives there."]);

    live.put("mine.wasm", &asking("2.0.0", &["b.example.com", "c.example.com"]));
    let all = live.until(&[("hostile", "1.1.0", State::Active), ("hostile", "2.0.0", State::Pending)]).await;
    let diff = all[1].permission_diff.as_ref().unwrap();
    assert_eq!(diff.added.words(), ["reach c.example.com: It lives there."]);
    assert_eq!(diff.removed.words(), ["reach a.example.com: It lives there."]);
    assert!(all[0].reason.as_deref().unwrap().contains("version 2.0.0"), "{:?}", all[0].reason);
    assert_eq!(live.host.find("hostile").unwrap().manifest.version, "1.1.0");

    // It still waits after a start, and the old one still serves.
    let live = live.again(|_| {}).await;
    let all = live.until(&[("hostile", "1.1.0", State::Active), ("hostile", "2.0.0", State::Pending)]).await;
    live.host.materialize("hostile", &data(""), "login", &context()).await.expect("from the archive");
    live.approve(&all[1]).await;
    live.until(&[("hostile", "2.0.0", State::Active)]).await;
}

#[tokio::test]
async fn a_form_that_forgets_a_secret_waits_for_review_under_every_policy() {
    for approval in [Approval::Ask, Approval::Allow] {
        let live = Live::start(&Place::new(), |config| config.approval = approval).await;
        live.put("mine.wasm", &Guest::new());
        live.until(&[("hostile", "1.0.0", State::Active)]).await;
        let mut open = Guest::new().version("2.0.0");
        open.schema["properties"]["password"] = json!({"type": "string"});
        live.put("mine.wasm", &open);
        let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "2.0.0", State::NeedsReview)]).await;
        assert!(all[1].reason.as_deref().unwrap().contains("/password"), "{:?}", all[1].reason);
        live.approve(&all[1]).await;
        live.until(&[("hostile", "2.0.0", State::Active)]).await;
        let live = live.again(|config| config.approval = approval).await;
        live.until(&[("hostile", "2.0.0", State::Active)]).await;
    }
}

#[tokio::test]
async fn what_is_revoked_is_not_called() {
    for approval in [Approval::Ask, Approval::Allow] {
        let live = Live::start(&Place::new(), |config| {
            config.approval = approval;
            config.built_ins = vec![("hostile", Guest::new().bytes().into())];
        })
        .await;
        live.put("mine.wasm", &asking("1.1.0", &["a.example.com"]));
        if approval == Approval::Ask {
            let all = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "1.1.0", State::Pending)]).await;
            live.approve(&all[1]).await;
        }
        let all = live.until(&[("hostile", "1.1.0", State::Active)]).await;
        let revoked = Revocation { by: "operator:test".to_owned(), at: jiff::Timestamp::UNIX_EPOCH };
        live.decide("hostile", |decision| {
            *decision = Decision { plugin: "hostile".to_owned(), revoked: Some(revoked), ..Decision::default() };
        })
        .await;
        let now = live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "1.1.0", State::Pending)]).await;
        assert_eq!(
            (now[0].source.as_str(), now[1].reason.as_deref()),
            ("built-in", Some("it was revoked by operator:test"))
        );
        live.approve(&all[0]).await;
        live.until(&[("hostile", "1.1.0", State::Active)]).await;
    }
}

#[tokio::test]
async fn derived_fields_come_with_approval() {
    let live = Live::empty().await;
    live.put("mine.wasm", &Guest::new());
    let all = live.until(&[("hostile", "1.0.0", State::Active)]).await;
    assert_eq!(fields(all[0].permission_diff.as_ref().unwrap()), ["/publicKey", "/fingerprint"]);
    let derive = async || {
        let secrets = ["/password".to_owned()];
        live.host.check("hostile", &data("rewrite-derived"), &secrets, &context()).await.is_ok()
    };
    assert!(!derive().await, "not granted");
    live.approve(&all[0]).await;
    assert!(derive().await, "granted");
    assert_eq!(live.host.status()[0].permission_diff, None);
}

fn fields(diff: &PermissionDiff) -> Vec<&str> {
    diff.added.derives.iter().map(Derived::field).collect()
}
