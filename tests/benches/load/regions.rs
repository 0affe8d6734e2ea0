//! What keeping credentials in place costs: pushes, and looking whether there
//! is anything to push.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::broker::{Process, operator_token};
use crate::client::Connection;
use crate::measure::{AsyncSend, Target, count, micros};
use crate::receiver::Receiver;
use crate::rows::{Get, credential, mebibytes};
use crate::table::Table;

/// How much of it.
pub(crate) struct Scale {
    /// Credentials that are pushed, into each of the regions.
    pushed: usize,
    /// Credentials that are walked, ascending; each is in [`REGIONS`] regions.
    walked: [usize; 3],
    lists: usize,
    /// How long CPU time is counted; a multiple of every interval.
    window: Duration,
}

impl Scale {
    pub(crate) fn full() -> Self {
        Self { pushed: 2_000, walked: [100, 1_000, 10_000], lists: 1_000, window: Duration::from_secs(20) }
    }

    /// To see that everything runs.
    pub(crate) fn quick() -> Self {
        Self { pushed: 50, walked: [10, 20, 50], lists: 50, window: Duration::from_secs(5) }
    }
}

/// All rows about regions.
pub(crate) async fn rows(table: &mut Table, scale: &Scale) {
    pushes(table, scale).await;
    let mut per_thousand = Vec::new();
    for credentials in scale.walked {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data_dir = folder.path().join("data");
        let receiver = Receiver::start().await;
        let pairs = credentials * REGIONS;
        fill(&data_dir, &receiver, credentials).await;
        let cost = pass(&data_dir, scale, credentials).await / count(pairs) * 1e3;
        per_thousand.push(cost);
        let what = format!("walking {pairs} pairs of which none has changed: CPU for each 1000");
        let least = per_thousand[0];
        if credentials == scale.walked[0] {
            table.report(&what, format!("{cost:.2} ms"));
        } else {
            let against = format!("{least:.2} ms with {} pairs", scale.walked[0] * REGIONS);
            table.compare(&what, format!("{cost:.2} ms"), against, cost / least);
        }
        if Some(&credentials) == scale.walked.last() {
            at_this_size(table, &data_dir, scale, credentials).await;
        }
    }
}

/// From attaching to the last one in place.
async fn pushes(table: &mut Table, scale: &Scale) {
    for kind in ["directory", "webhook"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data_dir = folder.path().join("data");
        let broker = Process::broker_with_environment(&data_dir, &pace(AN_HOUR)).await;
        let target = Target { address: broker.address.clone(), token: Some(operator_token(&data_dir)) };
        target.run(64, scale.pushed, Create).await;
        let receiver = Receiver::start().await;
        let mut connection = target.connect().await;
        for number in 0..PUSHED_REGIONS {
            let settings = match kind {
                "directory" => json!({ "path": folder.path().join(format!("region-{number}")) }),
                _ => json!({ "url": receiver.url(), "secret": KEY }),
            };
            region(&mut connection, kind, number, &settings).await;
        }
        let begun = Instant::now();
        for number in 0..PUSHED_REGIONS {
            attach(&mut connection, number).await;
        }
        until_synced(&mut connection, PUSHED_REGIONS, scale.pushed).await;
        let per_second = count(scale.pushed * PUSHED_REGIONS) / begun.elapsed().as_secs_f64();
        let what = format!("pushes of {} credentials into {PUSHED_REGIONS} regions, {kind}", scale.pushed);
        table.report(&what, format!("{per_second:.0}/s"));
        broker.stop();
    }
}

/// Has so many credentials in place in all regions.
async fn fill(data_dir: &Path, receiver: &Receiver, credentials: usize) {
    let broker = Process::broker_with_environment(data_dir, &pace(AN_HOUR)).await;
    let target = Target { address: broker.address.clone(), token: Some(operator_token(data_dir)) };
    target.run(64, credentials, Create).await;
    let mut connection = target.connect().await;
    for number in 0..REGIONS {
        let settings = json!({ "url": receiver.url(), "secret": KEY });
        region(&mut connection, "webhook", number, &settings).await;
        attach(&mut connection, number).await;
    }
    until_synced(&mut connection, REGIONS, credentials).await;
    assert_eq!(receiver.taken(), credentials * REGIONS, "each was pushed once");
    broker.stop();
}

/// CPU milliseconds of one walk: what a broker that walks has used more than one that does not.
async fn pass(data_dir: &Path, scale: &Scale, credentials: usize) -> f64 {
    // A walk must end before the next is due.
    let seconds = if credentials > 1_000 { 5 } else { 1 };
    let idle = used(data_dir, scale, AN_HOUR).await;
    let busy = used(data_dir, scale, seconds).await;
    (busy.saturating_sub(idle)).as_secs_f64() * 1e3 / (scale.window.as_secs_f64() / count(seconds))
}

/// CPU time in a window that is a multiple of the interval, so that the number of walks in it is known.
async fn used(data_dir: &Path, scale: &Scale, interval_seconds: usize) -> Duration {
    let broker = Process::broker_with_environment(data_dir, &pace(interval_seconds)).await;
    // The walk of the start is over by then, and no other begins at the edge of the window.
    sleep(Duration::from_millis(4_500)).await;
    let before = broker.cpu_time();
    sleep(scale.window).await;
    let used = broker.cpu_time().saturating_sub(before);
    broker.stop();
    used
}

/// What else is to be known of the largest.
async fn at_this_size(table: &mut Table, data_dir: &Path, scale: &Scale, credentials: usize) {
    let broker = Process::broker_with_environment(data_dir, &pace(5)).await;
    let target = Target { address: broker.address.clone(), token: Some(operator_token(data_dir)) };
    sleep(scale.window / 2).await;
    let pairs = credentials * REGIONS;
    table.report(&format!("resident memory after walks of {pairs} pairs"), mebibytes(broker.resident_kib()));
    let mut connection = target.connect().await;
    let body = json!({ "name": "nowhere", "title": "" });
    connection.post("/v1/accounts", &body).await.expect("an answer").expect(201);
    for number in 0..PAGE {
        let body = credential(&format!("c-{number}"));
        connection.post("/v1/accounts/nowhere/credentials", &body).await.expect("an answer").expect(201);
    }
    let mut p50 = Vec::new();
    for account in ["nowhere", "default"] {
        let path = format!("/v1/accounts/{account}/credentials?limit={PAGE}");
        target.run(1, scale.lists / 10, Get { path: path.clone() }).await;
        p50.push(micros(target.run(1, scale.lists, Get { path }).await.p50()));
    }
    let what = format!("list page of {PAGE} with the states in {REGIONS} regions, {credentials} credentials, p50");
    table.compare(&what, format!("{:.0} µs", p50[1]), format!("{:.0} µs without regions", p50[0]), p50[1] / p50[0]);
    broker.stop();
}

async fn region(connection: &mut Connection, kind: &str, number: usize, settings: &Value) {
    let body = json!({ "name": format!("r-{number}"), "target": kind, "settings": settings });
    connection.post("/v1/regions", &body).await.expect("an answer").expect(201);
}

async fn attach(connection: &mut Connection, number: usize) {
    // The cheapest to make: this is about the pushes.
    let body = json!({ "formats": { "basic-auth": ["login"] } });
    connection.put(&format!("{REGIONS_PATH}/r-{number}"), &body).await.expect("an answer").expect(200);
}

async fn until_synced(connection: &mut Connection, regions: usize, credentials: usize) {
    let begun = Instant::now();
    loop {
        let shown = connection.get(REGIONS_PATH).await.expect("an answer").expect(200);
        let synced: u64 =
            shown["items"].as_array().expect("a list").iter().filter_map(|of| of["sync"]["synced"].as_u64()).sum();
        if usize::try_from(synced) == Ok(regions * credentials) {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{synced} are in place");
        // Counting costs too.
        sleep(Duration::from_millis(200)).await;
    }
}

fn pace(interval_seconds: usize) -> [(&'static str, String); 4] {
    [
        ("BURSAR_SYNC__INTERVAL_SECONDS", interval_seconds.to_string()),
        ("BURSAR_SYNC__VERIFY_INTERVAL_SECONDS", AN_HOUR.to_string()),
        ("BURSAR_LIMITS__REQUESTS_PER_SECOND", "1000000".to_owned()),
        ("BURSAR_LIMITS__BURST", "1000000".to_owned()),
    ]
}

struct Create;

impl AsyncSend for Create {
    async fn send(&self, connection: &mut Connection, number: usize) {
        let path = "/v1/accounts/default/credentials";
        connection.post(path, &credential(&format!("c-{number}"))).await.expect("an answer").expect(201);
    }
}

const REGIONS_PATH: &str = "/v1/accounts/default/regions";
const PUSHED_REGIONS: usize = 5;
const REGIONS: usize = 10;
const PAGE: usize = 50;
const KEY: &str = "the-key-of-the-signatures";
const AN_HOUR: usize = 3600;
const DEADLINE: Duration = Duration::from_mins(20);
