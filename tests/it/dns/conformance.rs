//! What every provider must do, by what a resolver sees before and after.

use serde_json::{Value, json};

use super::{Provider, World, cleanup, present};
use crate::support::Client;

/// One stored credential, configured as JSON, serves many challenges. Two values at one name beside a foreign one,
/// neither lost nor doubled; then only the right one goes, and in the end the zone is as it was (S0-30, S0-32, S1-14,
/// S1-15, S1-16, S1-17).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_values_at_one_name_come_and_go_beside_a_foreign_one() {
    let world = World::start().await;
    let mut providers = world.clouds();
    providers.extend(world.servers());
    let client = world.account(&providers).await;
    for provider in &providers {
        let zone = if provider.name == "powerdns" { "pdns.test" } else { "example.test" };
        two_values(&world, &client, provider, zone).await;
    }
    world.all_was_in_order(&client, &providers).await;
}

/// The longest zone that holds the name is the one that is written to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_zone_wins() {
    let world = World::start().await;
    let mut providers = world.clouds();
    providers.extend(world.servers().into_iter().filter(|provider| provider.name == "powerdns"));
    let client = world.account(&providers).await;
    for Provider { name, .. } in &providers {
        let zone = if *name == "powerdns" { "sub.pdns.test" } else { "sub.example.test" };
        let fqdn = format!("_acme-challenge.{name}.{zone}");
        present(&client, name, &fqdn, "v1").await.expect(200);
        let in_zone = world.powerdns.record_sets(zone).await;
        assert!(in_zone.iter().any(|set| set["name"] == format!("{fqdn}.")), "{name}: not in {zone}");
        cleanup(&client, name, &fqdn, "v1").await.assert_status(204);
    }
    let elsewhere = present(&client, "cloudflare", "_acme-challenge.elsewhere.test", "v1").await;
    assert_eq!(elsewhere.violations(), [("/fqdn", "not-found")]);
    world.all_was_in_order(&client, &providers).await;
}

/// acme-dns keeps the last two values of an account's own name; there is no
/// deleting, and a credential can do nothing elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acme_dns_takes_the_values_of_its_own_name() {
    let world = World::start().await;
    let account = world.acme_dns.credentials("acme-dns").clone();
    let data = json!({
        "url": "https://auth.example.test", "username": account["username"], "password": account["password"],
        "subdomain": account["subdomain"], "fulldomain": account["fulldomain"], "domains": ["example.test"],
    });
    let providers = [Provider { name: "acme-dns", type_id: "dns-acme-dns", data }];
    let client = world.account(&providers).await;
    let fulldomain = account["fulldomain"].as_str().expect("a name");
    let probed = client.post("credentials/acme-dns/probe", json!({})).await.expect(200);
    assert!(probed["summary"].is_string());
    let (apex, wildcard) = ("a".repeat(43), "w".repeat(43));
    for value in [&apex, &wildcard] {
        present(&client, "acme-dns", "_acme-challenge.example.test", value).await.expect(200);
    }
    assert_eq!(world.powerdns.txt(fulldomain), [apex.clone(), wildcard]);
    cleanup(&client, "acme-dns", "_acme-challenge.example.test", &apex).await.assert_status(204);
    // A domain that nobody said leads here.
    let elsewhere = present(&client, "acme-dns", "_acme-challenge.other.test", &apex).await;
    assert_eq!(elsewhere.violations(), [("/fqdn", "not-found")]);
    world.all_was_in_order(&client, &providers).await;
}

async fn two_values(world: &World, client: &Client, provider: &Provider, zone: &str) {
    let (name, fqdn) = (provider.name, format!("_acme-challenge.{}.{zone}", provider.name));
    world.powerdns.set_txt(zone, &fqdn, &["foreign"]).await;
    let before = world.powerdns.record_sets(zone).await;

    let probed = client.post(&format!("credentials/{name}/probe"), json!({ "fqdn": fqdn })).await.expect(200);
    assert!(probed["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {probed}");
    assert_eq!(world.powerdns.record_sets(zone).await, before, "{name}: the probe left something");

    for value in ["apex-value", "wildcard-value", "apex-value"] {
        let told = present(client, name, &fqdn, value).await.expect(200);
        assert_eq!((&told["fqdn"], &told["state"]), (&json!(fqdn), &json!("present")), "{name}: {told}");
    }
    assert_eq!(world.powerdns.txt(&fqdn), ["apex-value", "foreign", "wildcard-value"], "{name}");
    let ledger = client.all(&format!("credentials/{name}/dns")).await;
    assert_eq!(ledger.len(), 2, "{name}: {ledger:?}");

    for _ in 0..2 {
        cleanup(client, name, &fqdn, "apex-value").await.assert_status(204);
        assert_eq!(world.powerdns.txt(&fqdn), ["foreign", "wildcard-value"], "{name}");
    }
    cleanup(client, name, &fqdn, "wildcard-value").await.assert_status(204);
    let after = world.powerdns.record_sets(zone).await;
    assert_eq!(after, before, "{name}: the zone is not as it was");
    assert_eq!(client.all(&format!("credentials/{name}/dns")).await, Vec::<Value>::new(), "{name}");
    on_the_record(client, provider).await;
}

/// Each request is an audit event with method, host, path, status and plugin.
async fn on_the_record(client: &Client, provider: &Provider) {
    let shown = client.get(&format!("credentials/{}", provider.name)).await.expect(200);
    let id = shown["id"].as_str().expect("an id");
    let events = client.all(&format!("audit?credential={id}&limit=500")).await;
    for action in ["credential.probe", "dns.present", "dns.cleanup"] {
        assert!(events.iter().any(|event| event["action"] == action), "{}: no {action}", provider.name);
    }
    let sent: Vec<&Value> = events.iter().filter(|event| event["action"] == "http.send").collect();
    assert!(!sent.is_empty(), "{}: no request is on the record", provider.name);
    for event in sent {
        let detail = &event["detail"];
        assert!(detail["method"].is_string() && detail["host"].is_string(), "{event}");
        assert!(detail["path"].as_str().is_some_and(|path| !path.contains('?')), "{event}");
        assert!(detail["status"].is_u64() && detail["receivedBytes"].is_u64(), "{event}");
        let digest = shown["plugin"]["digest"].as_str().expect("a digest");
        assert_eq!(event["plugin"], format!("{}@{digest}", provider.type_id));
    }
}
