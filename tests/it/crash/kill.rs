//! Fifty times: start, write from several clients, SIGKILL at a random moment,
//! start again and look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::first_start::kill_after;
use super::world::{Known, State, World};
use super::writers::{Link, Writer};
use super::{assert_verifies, signal, stop};
use crate::support::{Client, Server};

const ROUNDS: u64 = 50;
const WRITERS: u64 = 8;
/// How long a broker lives under load.
const LIFE_MS: std::ops::Range<u64> = 5..300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_nothing_that_was_acknowledged() {
    let seed = std::env::var("BURSAR_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("BURSAR_TEST_SEED={seed}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let mut random = StdRng::seed_from_u64(seed);
    let world = Arc::new(World::default());
    let mut server = Server::builder().data_dir(&data_dir).start().await;
    let mut newest = 0;
    for round in 0..ROUNDS {
        let mut writers = start_writers(&server, &world, round, &mut random);
        tokio::time::sleep(Duration::from_millis(random.random_range(LIFE_MS))).await;
        signal(server.pid(), "KILL");
        while let Some(outcome) = writers.join_next().await {
            outcome.expect("every answer is the expected one");
        }
        drop(server);
        if round % 10 == 9 {
            // What an operator would run before starting again.
            assert_verifies(&data_dir);
        }
        if random.random_ratio(1, 5) {
            // Killed again before it has recovered.
            kill_after(&data_dir, Duration::from_millis(random.random_range(LIFE_MS))).await;
        }
        server = Server::builder().data_dir(&data_dir).start().await;
        newest = look(&server, &world, round, newest).await;
    }
    let credentials = world.credentials().len();
    println!("{credentials} credentials, {newest} audit records");
    assert!(credentials > usize::try_from(ROUNDS).expect("a small number"), "too little was written to mean anything");
    assert!(newest > u64::try_from(credentials).expect("a small number"), "reveals and changes were recorded too");
    stop(server).await;
    assert_verifies(&data_dir);
}

fn start_writers(server: &Server, world: &Arc<World>, round: u64, random: &mut StdRng) -> JoinSet<()> {
    let link = Link::to(server);
    let writers = (0..WRITERS).map(|n| Writer::new(&link, world, random.random(), format!("r{round}w{n}")).run());
    writers.collect()
}

/// Compares what is there with what was acknowledged. Answers the newest audit
/// record's sequence number.
async fn look(server: &Server, world: &World, round: u64, seen: u64) -> u64 {
    let operator = server.operator();
    let live = by_name(operator.all("credentials?limit=500").await);
    let deleted = by_name(operator.all("credentials?limit=500&deleted=true").await);
    let known = world.credentials();
    for name in live.keys().chain(deleted.keys()) {
        assert!(known.contains_key(name), "{name} was never written");
    }
    for (name, known) in &known {
        let found = match (live.get(name), deleted.get(name)) {
            (Some(item), None) => Some(state(&operator, item, known).await),
            (None, Some(item)) => Some(gone(item, known)),
            (None, None) => None,
            (Some(_), Some(_)) => panic!("{name} is both live and deleted"),
        };
        let possible = [Some(&known.acknowledged), known.under_way.is_some().then_some(&known.under_way)];
        assert!(possible.into_iter().flatten().any(|state| *state == found), "{name} is {found:?}, known is {known:?}");
        if known.under_way.is_some() || name.starts_with(&format!("r{round}w0-")) {
            whole(&operator, name, found.as_ref()).await;
        }
        world.settle(name, found);
    }
    records(&operator, world, seen).await
}

fn by_name(items: Vec<Value>) -> BTreeMap<String, Value> {
    items.into_iter().map(|item| (item["name"].as_str().expect("a name").to_owned(), item)).collect()
}

/// The state of a live one. Its secret is looked at where there is doubt.
async fn state(operator: &Client, item: &Value, known: &Known) -> State {
    let id = item["id"].as_str().expect("an id");
    let version = item["version"].as_u64().expect("a version");
    let password = match (&known.acknowledged, &known.under_way) {
        (Some(acknowledged), None) if acknowledged.version == version => acknowledged.password.clone(),
        _ => {
            let revealed = operator.post(&format!("credentials/{id}/reveal"), json!({})).await.expect(200);
            assert_eq!(revealed["version"], version);
            revealed["data"]["password"].as_str().expect("a password").to_owned()
        }
    };
    State { version, password, live: true }
}

fn gone(item: &Value, known: &Known) -> State {
    assert!(item["deletedAt"].is_string(), "{item}");
    let before = known.acknowledged.as_ref().expect("only an answered creation is followed by a deletion");
    State { version: item["version"].as_u64().expect("a version"), password: before.password.clone(), live: false }
}

/// A write that was under way happened altogether or not at all: record, name
/// index, versions and secret agree.
async fn whole(operator: &Client, name: &str, found: Option<&State>) {
    let body = json!({ "type": "basic-auth", "name": name, "data": { "username": "octo", "password": "other" } });
    let name_is_free = operator.get(&format!("credentials/validate-name?name={name}")).await.status == 204;
    let one = operator.get(&format!("credentials/{name}")).await;
    let Some(state) = found.filter(|state| state.live) else {
        assert!(name_is_free, "{name} is not there and its name is taken");
        one.assert_status(404);
        return;
    };
    assert!(!name_is_free, "{name} is there and its name is free");
    operator.post("credentials", body).await.assert_status(409);
    let id = one.expect(200)["id"].as_str().expect("an id").to_owned();
    let versions = operator.all(&format!("credentials/{id}/versions")).await;
    let mut numbers: Vec<_> = versions.iter().filter_map(|version| version["version"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=state.version).collect::<Vec<_>>(), "{name}");
    let files = operator.post(&format!("credentials/{id}/materialize"), json!({ "format": "login" })).await.expect(200);
    assert!(
        files["artifacts"].as_array().expect("a list").iter().any(|file| file["content"] == state.password.as_str())
    );
}

/// Every acknowledged request left its record, newer than `seen`.
async fn records(operator: &Client, world: &World, seen: u64) -> u64 {
    let mut missing = world.take_requests();
    let mut newest = seen;
    let mut cursor = String::new();
    'pages: loop {
        let page = operator.get(&format!("/v1/audit?limit=500{cursor}")).await.expect(200);
        for item in page["items"].as_array().expect("a list") {
            let seq = item["seq"].as_u64().expect("a sequence number");
            if seq <= seen {
                break 'pages;
            }
            newest = newest.max(seq);
            missing.retain(|(action, id)| item["action"] != *action || item["requestId"] != id.as_str());
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(missing.is_empty(), "answered, but not recorded: {missing:?}");
    newest
}
