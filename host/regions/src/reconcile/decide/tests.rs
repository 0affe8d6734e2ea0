//! The decision as a table, and as a walk: whatever is recorded and seen, carrying
//! out what is decided ends, and ends with what is desired.

use std::sync::Arc;

use bursar_kernel::plugin::CredentialType;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{Attempt, RemoteLocation};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn spec() -> Spec {
    let manifest = json!({
        "id": "t", "title": "T", "summary": "S.", "category": "c", "version": "1.0.0", "formats": [{"id": "f"}]
    });
    let of = CredentialType {
        manifest: serde_json::from_value(manifest).unwrap(),
        schema: json!({}),
        digest: String::new(),
        contract_version: String::new(),
    };
    Spec { of: Arc::new(of), formats: vec!["f".to_owned()], input: "new".to_owned(), form: "form".to_owned() }
}

fn location(place: &str) -> RemoteLocation {
    let (account_name, credential_name) = ("a".to_owned(), "c".to_owned());
    RemoteLocation { place: place.to_owned(), account_name, credential_name, receipt: None }
}

/// In place since `input`, with content of this fingerprint.
fn synced(input: &str, content: &str) -> SyncStatus {
    SyncStatus {
        state: SyncState::Synced,
        input: input.to_owned(),
        content: content.to_owned(),
        form: "form".to_owned(),
        locations: vec![location("here")],
        ..SyncStatus::default()
    }
}

fn failed(wish: &str, due_at: i64) -> SyncStatus {
    let failure = Failure {
        message: "no".to_owned(),
        reason: "unreachable".to_owned(),
        wish: wish.to_owned(),
        at: at(50),
        failures: 1,
        due_at: at(due_at),
    };
    SyncStatus { state: SyncState::Error, failure: Some(failure), ..synced("old", "old") }
}

fn recorded(status: Option<&SyncStatus>) -> Recorded<'_> {
    Recorded {
        status,
        busy_until: None,
        drift: DriftPolicy::Repair,
        region_updated_at: at(0),
        ignore_backoff: false,
        verify: false,
        repair: false,
        now: at(100),
    }
}

fn observed(content: Option<&str>, place: Option<&str>, seen: Option<SeenContent>) -> Observation {
    Observation { content: content.map(str::to_owned), place: place.map(str::to_owned), seen }
}

fn unreachable() -> TargetError {
    TargetError::Unreachable("no".to_owned())
}

#[test]
fn what_needs_no_knowledge_is_decided_at_once() {
    let (present, gone) = (Desired::Present(spec()), Desired::Absent { keep: false });
    let (there, lost) = (synced("new", "x"), SyncStatus::default());
    let nothing = Observation::default();
    let decide = |desired: &Desired, status| decide(desired, &recorded(status), &nothing);
    for (desired, status, action) in [
        (&Desired::Unmanaged, Some(&there), Action::Leave),
        (&Desired::Keep, Some(&there), Action::Nothing),
        (&gone, None, Action::StayAbsent),
        (&gone, Some(&there), Action::Remove),
        (&gone, Some(&lost), Action::Release { keep: false }),
        (&Desired::Absent { keep: true }, Some(&there), Action::Release { keep: true }),
        (&present, Some(&there), Action::Nothing),
        (&present, None, Action::Materialize),
        (&gone, Some(&failed("-", 200)), Action::BackOff(at(200))),
        (&present, Some(&failed("new", 200)), Action::BackOff(at(200))),
        (&present, Some(&failed("new", 100)), Action::Materialize),
        (&present, Some(&failed("older", 200)), Action::Materialize),
        (&Desired::Undetermined(unreachable()), None, Action::Fail { error: unreachable(), doubtful: false }),
    ] {
        assert_eq!(decide(desired, status), action);
    }
}

#[test]
fn a_region_that_was_changed_and_a_person_who_waits_are_not_held_up() {
    let (present, status, nothing) = (Desired::Present(spec()), failed("new", 200), Observation::default());
    let changed = Recorded { region_updated_at: at(60), ..recorded(Some(&status)) };
    assert_eq!(decide(&present, &changed, &nothing), Action::Materialize);
    let eager = Recorded { ignore_backoff: true, ..recorded(Some(&status)) };
    assert_eq!(decide(&present, &eager, &nothing), Action::Materialize);
}

#[test]
fn another_process_is_waited_for() {
    let attempt = Attempt { by: Uuid::nil(), node: None, until: at(400) };
    let status = SyncStatus { attempt: Some(attempt), ..synced("old", "old") };
    let busy = Recorded { busy_until: Some(at(102)), ..recorded(Some(&status)) };
    for desired in [Desired::Present(spec()), Desired::Absent { keep: false }] {
        assert_eq!(decide(&desired, &busy, &Observation::default()), Action::WaitForOther(at(102)));
    }
}

#[test]
fn the_same_content_under_another_version_is_adopted_and_another_is_pushed() {
    let (present, status) = (Desired::Present(spec()), synced("old", "x"));
    let decide = |observed| decide(&present, &recorded(Some(&status)), &observed);
    assert_eq!(decide(observed(Some("x"), None, None)), Action::Locate);
    assert_eq!(decide(observed(Some("x"), Some("here"), None)), Action::Adopt);
    assert_eq!(decide(observed(Some("x"), Some("there"), None)), Action::Push { repairs: None });
    assert_eq!(decide(observed(Some("y"), Some("here"), None)), Action::Push { repairs: None });
}

#[test]
fn drift_is_put_right_or_reported_as_the_policy_says() {
    let (present, status) = (Desired::Present(spec()), synced("new", "x"));
    let changed = || observed(Some("x"), Some("here"), Some(SeenContent::Ours("y".to_owned())));
    let removed = || observed(Some("x"), Some("here"), Some(SeenContent::Nothing));
    let verify = |drift, repair| Recorded { verify: true, drift, repair, ..recorded(Some(&status)) };
    let (repair, report) = (DriftPolicy::Repair, DriftPolicy::Report);
    for (recorded, observed, action) in [
        (verify(repair, false), changed(), Action::Push { repairs: Some("somebody changed it") }),
        (verify(repair, false), removed(), Action::Push { repairs: Some("somebody removed it") }),
        (verify(report, false), changed(), Action::ReportDrift("somebody changed it")),
        (verify(report, true), changed(), Action::Push { repairs: Some("somebody changed it") }),
        (verify(report, false), observed_same(), Action::Adopt),
    ] {
        assert_eq!(decide(&present, &recorded, &observed), action);
    }
    let reported = SyncStatus { reported: true, state: SyncState::Drifted, ..synced("new", "x") };
    let known = Recorded { drift: report, ..recorded(Some(&reported)) };
    assert_eq!(decide(&present, &known, &Observation::default()), Action::LeaveDrifted);
}

fn observed_same() -> Observation {
    observed(Some("x"), Some("here"), Some(SeenContent::Ours("x".to_owned())))
}

#[test]
fn what_cannot_be_verified_becomes_doubtful_only_where_something_was_to_be_put() {
    let (present, seen) = (Desired::Present(spec()), || Some(SeenContent::Failed(unreachable())));
    let there = synced("new", "x");
    let only_checks = Recorded { verify: true, ..recorded(Some(&there)) };
    let action = decide(&present, &only_checks, &observed(Some("x"), Some("here"), seen()));
    assert_eq!(action, Action::Postpone(unreachable()));
    let cut_off = SyncStatus { begun_for: "new".to_owned(), state: SyncState::Syncing, ..synced("old", "old") };
    let action = decide(&present, &recorded(Some(&cut_off)), &observed(Some("x"), Some("here"), seen()));
    assert_eq!(action, Action::Fail { error: unreachable(), doubtful: true });
}

/// Every combination of what may be recorded and seen: a decision asks for each
/// thing once, and then acts. What is already as desired is never pushed.
#[test]
fn each_walk_ends_and_asks_for_nothing_twice() {
    let desired = Desired::Present(spec());
    let mut walks = 0;
    for bits in 0_u32..1 << 12 {
        let bit = |index: u32| bits >> index & 1 == 1;
        let status = SyncStatus {
            state: if bit(0) { SyncState::Synced } else { SyncState::Error },
            input: if bit(1) { "new" } else { "old" }.to_owned(),
            content: if bit(2) { "x" } else { "old" }.to_owned(),
            form: if bit(3) { "form" } else { "other" }.to_owned(),
            locations: if bit(4) { vec![location("here")] } else { Vec::new() },
            begun_for: if bit(5) { "new" } else { "" }.to_owned(),
            reported: bit(6),
            doubtful: bit(7),
            ..SyncStatus::default()
        };
        for seen in
            [SeenContent::Nothing, SeenContent::Ours("x".to_owned()), SeenContent::Foreign, SeenContent::CannotTell]
        {
            let recorded = Recorded {
                verify: bit(8),
                repair: bit(9),
                ignore_backoff: bit(10),
                drift: if bit(11) { DriftPolicy::Report } else { DriftPolicy::Repair },
                ..recorded(Some(&status))
            };
            let mut known = Observation::default();
            let last = loop {
                match decide(&desired, &recorded, &known) {
                    Action::Materialize => assert!(known.content.replace("x".to_owned()).is_none()),
                    Action::Locate => assert!(known.place.replace("here".to_owned()).is_none()),
                    Action::Look => assert!(known.seen.replace(seen.clone()).is_none()),
                    action => break action,
                }
            };
            if matches!(last, Action::Push { .. }) {
                assert!(known.content.is_some() && known.place.is_some());
                assert!(!matches!(&known.seen, Some(SeenContent::Ours(_))) || status.form != "form");
            }
            walks += 1;
        }
    }
    assert_eq!(walks, 4 << 12);
}
