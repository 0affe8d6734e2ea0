//! No secret of a credential, and none of a region's own, is told.

use std::sync::Arc;

use serde_json::{Value, json};

use super::site::{Cluster, Directory, Site, Vault, Webhook};
use super::world::{Region, World, basic, broker};
use crate::leaks::canary::{Canaries, Canary};
use crate::support::fault_proxy::Mode;
use crate::support::receiver::{Fault, Meets};
use crate::support::reply::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_the_log_or_in_any_error() {
    let talkative = broker().env("BURSAR_LOG__LEVEL", "trace").env("BURSAR_SYNC__VERIFY_INTERVAL_SECONDS", "1");
    let world = World::on(talkative.start().await).await;
    let canaries = Canaries::default();
    for name in ["well", "taken"] {
        world.basic(name, &canaries.secret("a first password")).await;
    }
    let (directory, cluster) = (Arc::new(Directory::new()), Arc::new(Cluster::start().await));
    let (vault, webhook) = (Arc::new(Vault::start().await), Arc::new(Webhook::behind_a_proxy().await));
    canaries.adopt("the key of the signatures", Webhook::key());
    let tokens = [cluster.api.token().to_owned(), vault.server.root_token().to_owned()];
    let regions = [
        reporting(&world, &directory).await,
        reporting(&world, &cluster).await,
        reporting(&world, &vault).await,
        reporting(&world, &webhook).await,
    ];
    for region in &regions {
        region.site.plant(&world.account, "taken").await;
    }
    for region in &regions {
        world.attach(region).await;
        world.work(region, "ensure").await;
        world.until_state("taken", region, "error").await;
        world.until_state("well", region, "synced").await;
    }
    let mut errors = errors(&world).await;
    for region in &regions[..3] {
        region.site.tamper(&world.account, "well").await;
        world.until_state("well", region, "drifted").await;
    }
    errors.extend(self::errors(&world).await);
    // Down, slow, cut off, and refusing.
    for mode in [Mode::Refuse, Mode::Hold, Mode::Truncate(20), Mode::Reset(1)] {
        webhook.proxy().set(mode);
        world.rotate("well", &canaries.secret("a later password")).await;
        world.until_state("well", &regions[3], "error").await;
        world.work(&regions[3], "sync").await;
        errors.extend(self::errors(&world).await);
    }
    webhook.proxy().set(Mode::Pass);
    webhook.receiver.fault(Fault::Answer { status: 422, retry_after: None }, Meets::All);
    vault.server.seal();
    cluster.api.forget_user("admin").await;
    world.rotate("well", &canaries.secret("a last password")).await;
    for region in &regions {
        world.work(region, "sync").await;
    }
    errors.extend(self::errors(&world).await);
    println!("{}", errors.join("\n"));
    assert!(errors.len() > 20, "only {} errors were told", errors.len());

    let mut told: Vec<(String, Vec<u8>)> = vec![
        ("the log".to_owned(), world.server.log().into_bytes()),
        ("the errors".to_owned(), errors.join("\n").into_bytes()),
        ("the metrics".to_owned(), world.client.get("/metrics").await.assert_status(200).bytes.clone()),
    ];
    for path in ["/v1/audit?limit=500", "/v1/regions", "credentials", "regions"] {
        told.push((path.to_owned(), serde_json::to_vec(&world.client.all(path).await).expect("JSON")));
    }
    for region in &regions {
        for path in [format!("/v1/regions/{}", region.name), region.path(), format!("{}/plan", region.path())] {
            let shown = world.client.get(&path).await.assert_status(200).bytes.clone();
            told.push((path, shown));
        }
    }
    let mut all = canaries.all();
    all.push(Canary::of("the operator's token", world.server.operator_token()));
    for canary in &all {
        for (what, bytes) in &told {
            canary.not_in(what, bytes);
        }
    }
    for (what, bytes) in &told {
        let text = String::from_utf8_lossy(bytes);
        assert!(tokens.iter().all(|token| !text.contains(token)), "a region's token is in {what}");
    }
    // What is looked for can be found at all.
    let body = basic("shown", all[0].text()).to_string();
    assert!(all[0].is_in(body.as_bytes()));
}

async fn reporting(world: &World, site: &Arc<impl Site + 'static>) -> Region {
    world.region(site, json!({ "drift": "report" })).await
}

/// Every error text of every credential in every region.
async fn errors(world: &World) -> Vec<String> {
    let shown: Vec<Value> = world.client.all("credentials").await;
    let rows = shown.iter().flat_map(|item| item["sync"].as_array().cloned().unwrap_or_default());
    rows.map(|row| text(&row["error"]).to_owned()).filter(|error| !error.is_empty()).collect()
}
