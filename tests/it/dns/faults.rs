//! Providers on a bad day: waited for, tried again, or told so that a person
//! can act; nothing of another writer's is lost.

use serde_json::{Value, json};

use super::{World, cleanup, present};

/// The hosts of the four clouds and a credential of each.
const CLOUDS: [(&str, &str, &str); 4] = [
    ("cloudflare", "cloudflare", "api.cloudflare.com"),
    ("route53", "route53", "route53.amazonaws.com"),
    ("azure", "azure", "management.azure.com"),
    ("google", "google", "dns.googleapis.com"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_day_is_waited_out_or_told() {
    let world = World::start().await;
    let providers = world.clouds();
    let client = world.account(&providers).await;
    let fqdn = "_acme-challenge.faults.example.test";
    for (credential, service, host) in CLOUDS {
        let throttled = match service {
            "route53" => json!({ "kind": "throttling", "host": host }),
            "google" => json!({ "kind": "rate-limit-exceeded", "host": host }),
            _ => json!({ "kind": "rate-limited", "host": host, "retry_after": 1 }),
        };
        world.cloud.fault(throttled).await;
        let reply = present(&client, credential, fqdn, "v1").await;
        // Waited for where it said how long, else left to the caller.
        assert!(reply.status == 200 || reply.status == 429, "{credential}: {} {}", reply.status, reply.body);
        if reply.status == 429 {
            assert!(reply.header("retry-after").is_some(), "{credential}: when to come back is not told");
            present(&client, credential, fqdn, "v1").await.expect(200);
        }
        assert_eq!(world.powerdns.txt(fqdn), ["v1"], "{credential}");

        // Longer than a caller can wait for.
        if ["cloudflare", "azure"].contains(&service) {
            world.cloud.fault(json!({ "kind": "rate-limited", "host": host, "retry_after": 300 })).await;
            let reply = present(&client, credential, fqdn, "v2").await;
            reply.assert_status(429);
            assert_eq!(reply.header("retry-after"), Some("300"), "{credential}");
        }
        for kind in ["html", "truncated", "server-error"] {
            world.cloud.fault(json!({ "kind": kind, "host": host, "method": "GET" })).await;
            let reply = present(&client, credential, fqdn, "v2").await;
            reply.assert_status(503);
            let told = reply.body["detail"].as_str().expect("a detail");
            assert!(told.len() > 20 && !told.contains('<'), "{credential}, {kind}: {told}");
        }
        present(&client, credential, fqdn, "v2").await.expect(200);
        assert_eq!(world.powerdns.txt(fqdn), ["v1", "v2"], "{credential}");
        for value in ["v1", "v2"] {
            cleanup(&client, credential, fqdn, value).await.assert_status(204);
        }
        assert_eq!(world.cloud.faults_left().await, Vec::<Value>::new(), "{credential}");
        world.cloud.clear_violations().await;
    }
}

/// Another writer comes between reading and writing: both values are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_writer_in_between_loses_nothing() {
    let world = World::start().await;
    let providers = world.clouds();
    let client = world.account(&providers).await;
    // Route 53's UPSERT takes no condition: no client can notice there.
    for (credential, service, host) in CLOUDS.iter().filter(|(_, service, _)| *service != "route53") {
        let fqdn = format!("_acme-challenge.race-{service}.example.test");
        let method = if *service == "azure" { "PUT" } else { "POST" };
        let race = json!({ "kind": "race", "host": host, "method": method, "name": fqdn, "value": "theirs" });
        world.cloud.fault(race).await;
        present(&client, credential, &fqdn, "ours").await.expect(200);
        assert_eq!(world.powerdns.txt(&fqdn), ["ours", "theirs"], "{credential}");
        cleanup(&client, credential, &fqdn, "ours").await.assert_status(204);
        assert_eq!(world.powerdns.txt(&fqdn), ["theirs"], "{credential}");
    }
    // The host's own lock: many at once at one name, none lost.
    let fqdn = "_acme-challenge.many.example.test";
    for (credential, ..) in CLOUDS {
        let values: Vec<String> = (0..4).map(|n| format!("{credential}-{n}")).collect();
        let writes = values.iter().map(|value| present(&client, credential, fqdn, value));
        for reply in futures::future::join_all(writes).await {
            reply.expect(200);
        }
        assert_eq!(world.powerdns.txt(fqdn), values, "{credential}");
        let removals = values.iter().map(|value| cleanup(&client, credential, fqdn, value));
        for reply in futures::future::join_all(removals).await {
            reply.assert_status(204);
        }
        assert_eq!(world.powerdns.txt(fqdn), Vec::<String>::new(), "{credential}");
    }
    world.all_was_in_order(&client, &providers).await;
}

/// A change that takes its time is asked about until it is through; a token
/// that has run out is renewed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_time_is_polled_and_what_ran_out_is_renewed() {
    let world = World::start().await;
    let providers = world.clouds();
    let client = world.account(&providers).await;
    for (credential, service, host) in [CLOUDS[1], CLOUDS[3]] {
        let fqdn = format!("_acme-challenge.pending-{service}.example.test");
        world.cloud.fault(json!({ "kind": "pending", "host": host, "times": 2 })).await;
        assert_eq!(present(&client, credential, &fqdn, "v1").await.expect(200)["state"], "present", "{credential}");
        assert_eq!(world.cloud.faults_left().await, Vec::<Value>::new(), "{credential}: it was not asked about");
    }
    for (credential, service, host) in [CLOUDS[2], CLOUDS[3]] {
        let fqdn = format!("_acme-challenge.expired-{service}.example.test");
        world.cloud.fault(json!({ "kind": "expired-token", "host": host })).await;
        present(&client, credential, &fqdn, "v1").await.expect(200);
    }
    world.all_was_in_order(&client, &providers).await;
}

/// S1-21: a credential that is refused is told as such, in the provider's
/// words and with the cure, and never as the caller's own 403. At save too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_credential_is_told_before_it_is_stored() {
    let world = World::start().await;
    let mut providers = world.clouds();
    providers.extend(world.servers());
    let client = world.account(&[]).await;
    for provider in &providers {
        let mut data = provider.data.clone();
        for field in ["apiToken", "apiKey", "secretAccessKey", "clientSecret", "password", "bearerToken"] {
            if data.get(field).is_some() {
                data[field] = json!("wrongwrongwrongwrongwrongwrongwrongwrong");
            }
        }
        if provider.name == "google" {
            let file = data["serviceAccount"].as_str().expect("a key file");
            data["serviceAccount"] = json!(file.replace("dns@bursar-lab", "other@bursar-lab"));
        }
        let body = json!({ "type": provider.type_id, "name": provider.name, "data": data });
        let refused = client.post("credentials?probe=true", body.clone()).await;
        refused.assert_status(422);
        let told = refused.body["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(told.len() > 20 && !told.contains("wrongwrong"), "{}: {}", provider.name, refused.body);
        client.get(&format!("credentials/{}", provider.name)).await.assert_status(404);
        client.post("credentials/validate?probe=true", body).await.assert_status(422);
        let good = json!({ "type": provider.type_id, "name": provider.name, "data": provider.data });
        client.post("credentials?probe=true", good).await.expect(201);
    }
}
