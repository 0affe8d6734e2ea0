//! Zones that a provider holds and does not answer for.

use serde_json::json;

use super::{World, cleanup, present};

/// A zone that is not in use is never written to, whether one that is holds the
/// name or none does; the probe says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloudflare_writes_to_active_zones_alone() {
    let world = World::start().await;
    let providers: Vec<_> = world.clouds().into_iter().filter(|provider| provider.name == "cloudflare").collect();
    for (zone, status) in [
        ("pending.example.test", "pending"),
        ("moved.example.test", "moved"),
        ("deactivated.example.test", "deactivated"),
        ("nowhere.test", "initializing"),
    ] {
        world.cloud.add_zone(json!({ "service": "cloudflare", "name": zone, "status": status })).await;
    }
    let client = world.account(&providers).await;
    for status in ["pending", "moved", "deactivated"] {
        let fqdn = format!("_acme-challenge.{status}.example.test");
        present(&client, "cloudflare", &fqdn, "v1").await.expect(200);
        assert_eq!(world.powerdns.txt(&fqdn), ["v1"], "in the zone that is in use");
        let probed = client.post("credentials/cloudflare/probe", json!({ "fqdn": fqdn })).await.expect(200);
        let words = format!("The zone {status}.example.test is {status} and was passed over.");
        assert!(probed["summary"].as_str().is_some_and(|summary| summary.contains(&words)), "{probed}");
        cleanup(&client, "cloudflare", &fqdn, "v1").await.assert_status(204);
        assert_eq!(world.powerdns.txt(&fqdn), Vec::<String>::new());
    }
    let written = world.cloud.records().await;
    assert!(
        !written
            .iter()
            .any(|set| set["zone"].as_str().is_some_and(|zone| zone.contains("pending") || zone == "nowhere.test")),
        "{written:?}"
    );
    let refused = present(&client, "cloudflare", "_acme-challenge.nowhere.test", "v1").await;
    assert_eq!(refused.violations(), [("/fqdn", "not-found")]);
    let words = "Cloudflare has the zone nowhere.test, but it is initializing";
    assert!(refused.body.to_string().contains(words), "{}", refused.body);
    world.all_was_in_order(&client, &providers).await;
}
