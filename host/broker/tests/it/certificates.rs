//! Which certificates cover a host (S0-43, S0-44).

use bursar_kernel::Kind;
use serde_json::json;

use crate::support::{CERTIFICATE, PLAIN, World, account, violations};

/// The clock of these tests starts here.
const NOW: i64 = 1_800_000_000;
const DAY: i64 = 24 * 60 * 60;

async fn certificate(world: &World, name: &str, hosts: &[&str], not_before: i64, not_after: i64) {
    let selectors: Vec<_> = hosts.iter().map(|host| json!({"kind": "host", "value": host})).collect();
    let data = json!({"token": "s3cret", "selectors": selectors, "notBefore": not_before, "notAfter": not_after});
    world.store_with(name, CERTIFICATE, data).await;
}

async fn covering(world: &World, host: &str) -> Vec<String> {
    let page = world.broker.bindings.certificates(&world.caller, &account(), host, None, 50).await.unwrap();
    page.items.into_iter().map(|view| view.credential.name.to_string()).collect()
}

/// A certificate covers the names it has, a wildcard one level (S0-43, S0-44).
#[tokio::test(start_paused = true)]
async fn exact_names_and_single_level_wildcards_cover_a_host() {
    let world = World::new().await;
    let valid = (NOW - DAY, NOW + 300 * DAY);
    for (name, hosts) in [
        ("wild", vec!["*.example.com"]),
        ("www", vec!["WWW.example.com", "example.com"]),
        ("deep", vec!["*.b.example.com"]),
        ("idn", vec!["xn--bcher-kva.example"]),
        ("address", vec!["192.0.2.1", "2001:db8::1"]),
        ("partial", vec!["a*.example.com", "*.*.example.com"]),
    ] {
        certificate(&world, name, &hosts, valid.0, valid.1).await;
    }
    for (host, names) in [
        ("api.example.com", vec!["wild"]),
        ("API.EXAMPLE.COM.", vec!["wild"]),
        ("a.b.example.com", vec!["deep"]),
        ("example.com", vec!["www"]),
        ("www.example.com", vec!["www", "wild"]),
        ("b.example.com", vec!["wild"]),
        ("*.example.com", vec!["wild"]),
        ("bücher.example", vec!["idn"]),
        ("192.0.2.1", vec!["address"]),
        ("[2001:DB8:0::1]", vec!["address"]),
        ("192.0.2.2", vec![]),
        ("example.org", vec![]),
        ("xexample.com", vec![]),
    ] {
        assert_eq!(covering(&world, host).await, names, "{host}");
    }
    for host in ["", "a..b", "https://example.com", "a b", "example.com:443"] {
        let error = world.broker.bindings.certificates(&world.caller, &account(), host, None, 50).await.unwrap_err();
        assert_eq!(violations(&error), [("?host", "format")], "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_usable_certificates_come_the_specific_before_the_wide_the_longest_lived_first() {
    let world = World::new().await;
    let host = "api.example.com";
    for (name, of, not_before, not_after) in [
        ("wild-long", "*.example.com", NOW - DAY, NOW + 800 * DAY),
        ("short", host, NOW - 80 * DAY, NOW + 5 * DAY),
        ("long", host, NOW - DAY, NOW + 300 * DAY),
        ("expired", host, NOW - 80 * DAY, NOW - DAY),
        ("to-come", host, NOW + DAY, NOW + 300 * DAY),
    ] {
        certificate(&world, name, &[of], not_before, not_after).await;
    }
    certificate(&world, "both", &[host, "*.example.com"], NOW - DAY, NOW + 100 * DAY).await;
    world.store("login", PLAIN, "host", &[host]).await;
    let deleted = "deleted";
    certificate(&world, deleted, &[host], NOW - DAY, NOW + 900 * DAY).await;
    world.delete(&deleted.into(), bursar_credentials::Deletion::default()).await.unwrap();
    let all = ["long", "both", "short", "wild-long"];
    assert_eq!(covering(&world, host).await, all);

    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page =
            world.broker.bindings.certificates(&world.caller, &account(), host, cursor.as_deref(), 1).await.unwrap();
        seen.extend(page.items.into_iter().map(|view| view.credential.name.to_string()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let error = world.broker.bindings.certificates(&world.caller, &account(), host, Some("x"), 1).await.unwrap_err();
    assert_eq!(violations(&error), [("?cursor", "format")]);
}

/// S0-08.
#[tokio::test(start_paused = true)]
async fn members_pick_among_rows_and_workloads_do_not() {
    let world = World::new().await;
    certificate(&world, "www", &["www.example.com"], NOW - DAY, NOW + 300 * DAY).await;
    let member = world.someone("member", json!({})).await;
    let page = world.broker.bindings.certificates(&member, &account(), "www.example.com", None, 50).await.unwrap();
    assert!(!page.items[0].full);
    let workload = world.someone("workload", json!({})).await;
    let error =
        world.broker.bindings.certificates(&workload, &account(), "www.example.com", None, 50).await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    let narrow = world.someone("member", json!({"credentials": ["other"]})).await;
    let page = world.broker.bindings.certificates(&narrow, &account(), "www.example.com", None, 50).await.unwrap();
    assert!(page.items.is_empty());
}
