//! Thirty-two clients go on while plugin files come, change and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::guest::Guest;
use super::{Live, states, text};
use crate::support::samples::{artifact, basic};
use crate::support::server::eventually;
use crate::support::{Account, Client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_plugins_come_and_go() {
    let live = Live::start().await;
    let account = Account::on(&live.server).await;
    account.create(basic("kept")).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut others = clients(24, &account.manager, &stop, existing);

    // Dropped in: used through API and command line.
    let file = live.put("live.wasm", &Guest::version("1.0.0").bytes());
    live.until("in use", |entries| states(entries) == [("active", "1.0.0")]).await;
    account.create(login("one")).await;
    let files = account.manager.post("credentials/one/materialize", json!({})).await.expect(200);
    assert_eq!(artifact(&files, "password"), "s3cret");
    let shown = live.server.cli(&[
        "--account",
        &account.name,
        "credential",
        "materialize",
        "one",
        "--format",
        "login",
        "--output",
        "json",
    ]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));

    // Replaced, then by something broken.
    let own_stop = Arc::new(AtomicBool::new(false));
    let mut own = clients(8, &account.manager, &own_stop, of_its_type);
    live.put("live.wasm", &Guest::version("1.1.0").bytes());
    live.until("replaced", |entries| states(entries) == [("active", "1.1.0")]).await;
    live.put("live.wasm", b"not a component");
    let entries = live.until("refused", |entries| states(entries) == [("active", "1.1.0"), ("rejected", "")]).await;
    let (note, refused) = (text(&entries[0]["reason"]), text(&entries[1]["reason"]));
    assert!(note.contains(refused) && note.contains("keeps serving"), "{note}");
    assert_eq!(entries[1]["source"], file.to_str().expect("a printable path"));
    let shown = live.operator().get(&format!("/v1/plugins/{}", Guest::ID)).await.expect(200);
    assert_eq!(shown, entries[0]);
    live.put("live.wasm", &Guest::version("1.2.0").bytes());
    live.until("mended", |entries| states(entries) == [("active", "1.2.0")]).await;
    end(&mut own, &own_stop).await;

    // Removed: what is stored can be read and no more.
    std::fs::remove_file(&file).expect("the file was there");
    live.until("removed", |entries| states(entries) == [("removed", "1.2.0")]).await;
    let shown = account.manager.get("credentials/one").await.expect(200);
    assert_eq!(shown["data"]["username"], "octo");
    assert!(account.manager.all("credentials").await.iter().any(|one| one["name"] == "one"));
    let refused = account.manager.post("credentials", login("two")).await;
    assert_eq!(refused.violations(), [("/type", "not-loaded")]);
    assert!(text(&refused.body["errors"][0]["message"]).contains("`live-login` was removed"), "{}", refused.body);
    account.manager.post("credentials/one/reveal", json!({})).await.expect(200);
    let unused = account.manager.post("credentials/one/materialize", json!({})).await.expect(503);
    assert!(text(&unused["detail"]).contains("`live-login` was removed"), "{unused}");
    let reply = account.manager.patch("credentials/one", json!({ "data": { "username": "x" } })).await;
    assert!(text(&reply.expect(503)["detail"]).contains("was removed"));
    assert_eq!(metric(&live, "removed").await, 1);

    end(&mut others, &stop).await;
    let wanted = ["plugin.load", "plugin.load", "plugin.reject", "plugin.load", "plugin.remove"];
    // What happens to a file is recorded right after it happens.
    let recorded = eventually(super::LIMIT, async || actions(&live).await == wanted).await;
    assert!(recorded, "{:?}", actions(&live).await);
}

/// What is recorded of the file, oldest first.
async fn actions(live: &Live) -> Vec<String> {
    let trail = live.operator().all("/v1/audit?action=plugin.*&limit=500").await;
    let about = trail.iter().rev().filter(|entry| text(&entry["detail"]["source"]).ends_with("live.wasm"));
    about
        .map(|entry| {
            let outcome = if entry["action"] == "plugin.reject" { "denied" } else { "ok" };
            assert_eq!((text(&entry["actor"]), text(&entry["outcome"])), ("system", outcome));
            text(&entry["action"]).to_owned()
        })
        .collect()
}

async fn metric(live: &Live, state: &str) -> u64 {
    let reply = live.operator().get("/metrics").await;
    let text = String::from_utf8(reply.bytes).expect("text");
    let metric = format!("bursar_plugins{{state=\"{state}\"}} ");
    let value = text.lines().find_map(|of| of.strip_prefix(&metric)).unwrap_or_else(|| panic!("no {metric} in {text}"));
    value.parse().expect("a number")
}

fn login(name: &str) -> Value {
    json!({ "type": Guest::ID, "name": name, "data": { "username": "octo", "password": "s3cret" } })
}

/// One round of what does not concern the plugin.
async fn existing(client: Client) -> Vec<u16> {
    let replies = [
        client.get("credentials").await,
        client.get("/v1/credential-types").await,
        client.get("credentials/kept").await,
        client.post("credentials/kept/materialize", json!({ "format": "login" })).await,
        client.post("credentials/kept/reveal", json!({})).await,
    ];
    replies.map(|reply| reply.status).to_vec()
}

/// One round of what does.
async fn of_its_type(client: Client) -> Vec<u16> {
    let replies = [
        client.get("credentials/one").await,
        client.post("credentials/one/materialize", json!({ "format": "login" })).await,
        client.post("credentials/validate", login("free")).await,
        client.get("/v1/credential-types/live-login/template").await,
    ];
    replies.map(|reply| reply.status).to_vec()
}

fn clients<F: Future<Output = Vec<u16>> + Send + 'static>(
    count: usize,
    client: &Client,
    stop: &Arc<AtomicBool>,
    round: fn(Client) -> F,
) -> JoinSet<(usize, Vec<u16>)> {
    let mut running = JoinSet::new();
    for _ in 0..count {
        let (client, stop) = (client.clone(), Arc::clone(stop));
        running.spawn(async move {
            let (mut sent, mut failed) = (0, Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let statuses = round(client.clone()).await;
                sent += statuses.len();
                failed.extend(statuses.into_iter().filter(|status| *status >= 300));
            }
            (sent, failed)
        });
    }
    running
}

async fn end(clients: &mut JoinSet<(usize, Vec<u16>)>, stop: &AtomicBool) {
    stop.store(true, Ordering::Relaxed);
    let (mut sent, mut failed) = (0, Vec::new());
    while let Some(outcome) = clients.join_next().await {
        let (more, wrong) = outcome.expect("no client panicked");
        sent += more;
        failed.extend(wrong);
    }
    println!("{sent} requests, {} failed", failed.len());
    assert!(failed.is_empty() && sent > 0, "{failed:?}");
}
