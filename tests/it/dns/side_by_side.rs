//! The same operation by the vendor's own SDK and by the plugin: the same
//! writes, by method, path, query and body.

use serde_json::{Value, json};

use super::{World, cleanup, present};

/// The credential, the SDK's name in the lab, and the host that is written to.
const PAIRS: [(&str, &str, &str); 4] = [
    ("cloudflare", "cloudflare", "api.cloudflare.com"),
    ("route53", "route53", "route53.amazonaws.com"),
    ("azure", "azure", "management.azure.com"),
    ("google", "google", "dns.googleapis.com"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_writes_what_the_vendors_sdk_writes() {
    let world = World::start().await;
    let providers = world.clouds();
    let client = world.account(&providers).await;
    let (zone, fqdn) = ("example.test", "_acme-challenge.same.example.test");
    for (credential, vendor, host) in PAIRS {
        let vendor_does = async |operation: &str, value: &str| {
            world.cloud.clear_log().await;
            world.cloud.vendor(vendor, operation, zone, fqdn, value);
            writes(&world, host).await
        };
        let present_ours = async |value: &str| {
            world.cloud.clear_log().await;
            present(&client, credential, fqdn, value).await.expect(200);
            writes(&world, host).await
        };
        let cleanup_ours = async |value: &str| {
            world.cloud.clear_log().await;
            cleanup(&client, credential, fqdn, value).await.assert_status(204);
            writes(&world, host).await
        };
        // First to come, second beside it, first to go, last to go: each from
        // the same state, by the SDK and by us.
        let first = vendor_does("present", "one").await;
        vendor_does("cleanup", "one").await;
        assert_eq!(present_ours("one").await, first, "{credential}: the first value");
        let second = vendor_does("present", "two").await;
        vendor_does("cleanup", "two").await;
        assert_eq!(present_ours("two").await, second, "{credential}: a second value");
        let removed = vendor_does("cleanup", "two").await;
        vendor_does("present", "two").await;
        assert_eq!(without_ids(cleanup_ours("two").await), without_ids(removed), "{credential}: one of two");
        let last = vendor_does("cleanup", "one").await;
        vendor_does("present", "one").await;
        assert_eq!(without_ids(cleanup_ours("one").await), without_ids(last), "{credential}: the last one");
        assert_eq!(world.powerdns.txt(fqdn), Vec::<String>::new());
    }
    world.all_was_in_order(&client, &providers).await;
}

/// What changed something at `host`, in order: method, path, query, body. What
/// the order of is no matter has been sorted.
async fn writes(world: &World, host: &str) -> Vec<Value> {
    let log = world.cloud.log().await;
    let of_host = log.into_iter().filter(|entry| entry["host"] == host && entry["method"] != "GET");
    let writes: Vec<Value> = of_host
        .map(|entry| {
            let body = entry["body"].as_str().unwrap_or_default();
            json!({
                "method": entry["method"], "path": entry["path"], "query": query(&entry["query"]),
                "ifMatch": entry["headers"]["if-match"].is_string(), "ifNoneMatch": entry["headers"]["if-none-match"],
                "body": serde_json::from_str(body).unwrap_or_else(|_| json!(body.trim())),
            })
        })
        .collect();
    assert!(!writes.is_empty(), "nothing was written at {host}");
    writes
}

/// Without `alt`, with which Google's SDK asks for the JSON that is the default.
fn query(query: &Value) -> Vec<Value> {
    let mut fields = query.as_array().expect("pairs of name and value").clone();
    fields.retain(|field| *field != json!(["alt", "json"]));
    fields.sort_by_key(Value::to_string);
    fields
}

/// A record made anew has an id of its own, which stands in Cloudflare's path.
fn without_ids(mut writes: Vec<Value>) -> Vec<Value> {
    for write in &mut writes {
        let path = write["path"].as_str().unwrap_or_default();
        if let Some((records, _)) = path.split_once("/dns_records/") {
            write["path"] = json!(format!("{records}/dns_records/ID"));
        }
    }
    writes
}
