//! What present and cleanup do, and how they are told.

use crate::support::submitted;
use bursar_api as api;
use bursar_dns::{RecordState::Pending, RecordState::Present};
use bursar_kernel::Kind;
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::{PluginError, Progress};
use serde_json::{Value, json};

use crate::support::{NAME, PLAIN, World, account, record, violations, zone};

#[tokio::test(start_paused = true)]
async fn a_record_comes_and_goes_with_its_intent_before_and_its_outcome_after() {
    let world = World::new().await;
    let shown = world.present("one").await.unwrap();
    assert_eq!((shown.state, shown.by.as_str(), shown.fqdn.as_str()), (Present, "operator:initial", NAME));
    assert_eq!(world.provider.values(NAME), ["one"]);
    assert_eq!(world.rows().await, [("one".to_owned(), Present)]);
    assert_eq!(world.store.count(Table::DnsLease), 0, "the lease is given back");
    world.cleanup("one").await.unwrap();
    assert_eq!(world.provider.values(NAME), Vec::<String>::new());
    assert_eq!(world.rows().await, []);

    assert_eq!(world.provider.calls(), ["present", "poll", "cleanup"]);
    let seen = world.provider.seen();
    assert_eq!(
        (seen[0].1.action, &seen[0].1.detail.as_ref().unwrap()["phase"]),
        (Action::DnsPresent, &json!("intent"))
    );
    assert_eq!(
        (seen[2].1.action, &seen[2].1.detail.as_ref().unwrap()["phase"]),
        (Action::DnsCleanup, &json!("intent"))
    );
    for (action, states) in
        [(Action::DnsPresent, ["presenting", "present"]), (Action::DnsCleanup, ["removing", "absent"])]
    {
        assert_eq!(world.told(action, "phase"), ["intent", "outcome"]);
        assert_eq!(world.told(action, "state"), states);
        assert_eq!(world.told(action, "fqdn"), [NAME, NAME]);
        assert_eq!(world.told(action, "value"), ["one", "one"]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_of_the_plugin_is_an_event_of_who_asked() {
    let world = World::new().await;
    world.present("one").await.unwrap();
    let events = world.events(Action::HttpSend);
    assert_eq!(events.len(), 2, "{events:?}");
    let sent = &events[0];
    assert_eq!((sent.actor.as_str(), sent.outcome, sent.version), ("operator:initial", Outcome::Ok, Some(1)));
    assert_eq!((sent.request_id.as_deref(), sent.client.as_deref()), (Some("request-1"), Some("203.0.113.7")));
    assert!(sent.account.is_some() && sent.credential.is_some());
    assert_eq!(sent.plugin.as_deref(), Some(format!("dns-test@sha256:{}", "1".repeat(64)).as_str()));
    let mut detail = sent.detail.clone().unwrap();
    assert!(detail.as_object_mut().unwrap().remove("token").is_some_and(|token| token.is_string()));
    let expected = json!({
        "method": "POST", "host": "api.example.com:443", "path": "/present", "status": 200, "sentBytes": 12,
        "receivedBytes": 34, "endpoint": null, "reason": null
    });
    assert_eq!(detail, expected);
}

#[tokio::test(start_paused = true)]
async fn asking_again_changes_nothing() {
    let world = World::new().await;
    let first = world.present("one").await.unwrap();
    let again = world.present("one").await.unwrap();
    assert_eq!((first.id, first.state), (again.id, again.state));
    assert_eq!(world.provider.values(NAME), ["one"]);
    world.cleanup("one").await.unwrap();
    world.cleanup("one").await.unwrap();
    world.cleanup("never there").await.unwrap();
    assert_eq!(world.provider.calls().iter().filter(|call| **call == "cleanup").count(), 3, "absent is asked for too");
    assert_eq!(world.rows().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_pending_record_is_looked_at_until_it_is_everywhere() {
    let world = World::new().await;
    let looks = [Ok(Progress::Pending(5)), Err(PluginError::Unavailable("no".to_owned())), Ok(Progress::Pending(0))];
    world.provider.progress(looks);
    assert_eq!(world.present("one").await.unwrap().state, Present);
    assert_eq!(world.provider.calls(), ["present", "poll", "poll", "poll", "poll"]);
    assert_eq!(world.told(Action::DnsPresent, "state"), ["presenting", "pending", "present"]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_stays_pending_and_is_looked_at_when_asked_again() {
    let world = World::new().await;
    world.provider.progress(std::iter::repeat_n(Ok(Progress::Pending(10)), 6));
    assert_eq!(world.present("one").await.unwrap().state, Pending);
    assert_eq!(world.rows().await, [("one".to_owned(), Pending)]);
    let before = world.provider.calls().len();
    assert_eq!(before, 7, "looked at for the time a request has: {:?}", world.provider.calls());

    assert_eq!(world.present("one").await.unwrap().state, Present);
    assert_eq!(world.provider.calls()[before..], ["poll"], "it is not added again");
    assert_eq!(world.rows().await, [("one".to_owned(), Present)]);

    world.provider.progress([
        Ok(Progress::Pending(60)),
        Ok(Progress::Pending(60)),
        Ok(Progress::Pending(60)),
        Ok(Progress::Pending(60)),
        Err(PluginError::NotFound("gone".to_owned())),
    ]);
    assert_eq!(world.present("two").await.unwrap().state, Pending);
    let before = world.provider.calls().len();
    assert_eq!(world.present("two").await.unwrap().state, Present);
    assert_eq!(world.provider.calls()[before..], ["poll", "present", "poll"], "a forgotten change is asked for anew");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_to_wait_is_asked_again_a_few_times() {
    let world = World::new().await;
    for seconds in [Some(1), Some(10), None] {
        world.provider.answer(PluginError::Throttled(seconds));
    }
    assert_eq!(world.present("one").await.unwrap().state, Present);
    assert_eq!(world.provider.calls(), ["present", "present", "present", "present", "poll"]);

    for (answers, retry_after_seconds) in [(vec![Some(11)], 11), (vec![Some(1); 4], 1), (vec![None; 4], 30)] {
        for seconds in answers {
            world.provider.answer(PluginError::Throttled(seconds));
        }
        let error = world.present("two").await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_seconds), (Kind::Throttled, Some(retry_after_seconds)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_leaves_nothing_and_is_told_as_the_services() {
    let world = World::new().await;
    world.provider.answer(PluginError::Denied("the token lacks DNS:Edit".to_owned()));
    let error = world.present("one").await.unwrap_err();
    assert_eq!((error.kind, violations(&error)), (Kind::Invalid, vec![("", "refused")]));
    assert!(error.message.contains("DNS:Edit"), "{error}");
    world.provider.answer(PluginError::NotFound("no zone has this name".to_owned()));
    assert_eq!(violations(&world.present("one").await.unwrap_err()), [("/fqdn", "not-found")]);
    assert_eq!(world.rows().await, []);
    assert_eq!(
        world.told(Action::DnsPresent, "reason"),
        [Value::Null, json!("refused"), Value::Null, json!("not-found")]
    );
    let outcomes: Vec<_> = world.events(Action::DnsPresent).into_iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes, [Outcome::Ok, Outcome::Failed, Outcome::Ok, Outcome::Failed]);

    world.present("one").await.unwrap();
    world.provider.answer(PluginError::Unavailable("no".to_owned()));
    assert_eq!(world.present("one").await.unwrap_err().kind, Kind::Unavailable);
    assert_eq!(world.rows().await, [("one".to_owned(), Present)], "what was there is there still");
}

#[tokio::test(start_paused = true)]
async fn only_challenges_and_what_is_granted_may_be_written() {
    let world = World::new().await;
    let at = async |fqdn: &str| {
        let body = json!({"fqdn": fqdn, "value": "v"});
        world.broker.dns.present(&world.caller, &account(), &zone(), submitted::<api::PresentDnsRecord, _>(body)).await
    };
    at("_validation.example.com").await.unwrap();
    let refused = at("www.example.com").await.unwrap_err();
    assert_eq!((refused.kind, violations(&refused)), (Kind::Invalid, vec![("/fqdn", "not-granted")]));
    let last = world.store.events().pop().unwrap();
    assert_eq!((last.action, last.outcome), (Action::DnsPresent, Outcome::Denied));
    assert_eq!(last.detail.unwrap()["fqdn"], "www.example.com");
    assert_eq!(world.provider.calls(), ["present", "poll"], "the provider does not hear of it");
}

#[tokio::test(start_paused = true)]
async fn another_type_writes_no_records() {
    let world = World::new().await;
    world.create("login", PLAIN, false).await.unwrap();
    let error = world
        .broker
        .dns
        .present(&world.caller, &account(), &"login".into(), submitted::<api::PresentDnsRecord, _>(record("v")))
        .await
        .unwrap_err();
    assert_eq!((error.kind, violations(&error)), (Kind::Unsupported, vec![("", "unsupported")]));
    let last = world.store.events().pop().unwrap();
    assert_eq!((last.action, last.outcome), (Action::DnsPresent, Outcome::Failed));
}
