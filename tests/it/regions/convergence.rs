//! Many credentials in many regions, through many kills: in the end each region
//! holds exactly what it should, and got nothing that it had.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::site::{Directory, Webhook};
use super::world::{Region, World, broker, kill};
use super::writer::Writer;
use crate::support::reply::text;
use crate::support::server::eventually;

/// How much of it.
struct Size {
    credentials: usize,
    rounds: usize,
    patience: Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_region_converges_through_twenty_kills() {
    let seed = std::env::var("BURSAR_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("BURSAR_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let size = size();
    let begun = Instant::now();

    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let mut world = World::on(broker().data_dir(&data_dir).start().await).await;
    world.create(size.credentials).await;
    let (mut directories, mut webhooks, mut regions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REGIONS / 2 {
        directories.push(Arc::new(Directory::new()));
        webhooks.push(Arc::new(Webhook::start().await));
    }
    let readers = Readers::start(&directories, &world.account);
    for (directory, webhook) in directories.iter().zip(&webhooks) {
        regions.push(world.attached(directory).await);
        regions.push(world.attached(webhook).await);
    }
    println!("{} credentials and {REGIONS} regions after {:?}", size.credentials, begun.elapsed());

    for _ in 0..size.rounds {
        let writer = tokio::spawn(Writer::new(&world, random.random()).await.run());
        tokio::time::sleep(Duration::from_millis(random.random_range(LIFE_MS))).await;
        kill(&world.server).await;
        writer.await.expect("every answer is the expected one");
        world = world.again(broker().data_dir(&data_dir).start().await);
    }
    let pairs = pairs_in_place(&world, &regions).await;
    println!("{} kills after {:?}: {pairs} pairs are in place", size.rounds, begun.elapsed());

    world.until_in_place_within(size.patience, &regions).await;
    println!("all is in place after {:?}", begun.elapsed());
    readers.stop();
    let live = world.client.all("credentials?limit=500").await;
    let manifests = live.iter().map(|item| format!("{}.json", text(&item["id"])));
    let corner: BTreeSet<String> = manifests.chain([format!("accounts/{}", world.account)]).collect();
    for directory in &directories {
        // The last removal may still be taking away what it was known by.
        let differs = || directory.corner().symmetric_difference(&corner).cloned().collect::<Vec<_>>();
        eventually(Duration::from_secs(30), async || differs().is_empty()).await;
        assert_eq!(differs(), Vec::<String>::new(), "in {}", directory.path().display());
    }
    for webhook in &webhooks {
        webhook.assert_well_treated();
        assert_eq!(webhook.receiver.counts().foreign, 0);
    }
    stays_as_it_is(&world, &directories, &webhooks).await;
    let counts: Vec<_> = webhooks.iter().map(|webhook| webhook.receiver.counts()).collect();
    let sum = |of: fn(&crate::support::receiver::Counts) -> usize| counts.iter().map(of).sum::<usize>();
    println!(
        "{} live credentials; the receivers took {} writes and {} removals, and {} again",
        live.len(),
        sum(|counts| counts.written),
        sum(|counts| counts.removed),
        sum(|counts| counts.duplicates)
    );
    let report = world.client.act("/v1/audit/verify").await.expect(200);
    assert_eq!(report["problems"], json!([]));
}

/// Once all is in place, further walks send and write nothing.
async fn stays_as_it_is(world: &World, directories: &[Arc<Directory>], webhooks: &[Arc<Webhook>]) {
    let state = || {
        let stamps: Vec<_> = directories.iter().map(|directory| directory.stamps(&world.account)).collect();
        let requests: Vec<_> = webhooks.iter().map(|webhook| webhook.receiver.counts().requests).collect();
        (stamps, requests)
    };
    let before = state();
    tokio::time::sleep(SOME_WALKS).await;
    let after = state();
    assert_eq!(after.1, before.1, "requests");
    assert!(after.0 == before.0, "files were written again");
}

async fn pairs_in_place(world: &World, regions: &[Region]) -> u64 {
    let mut all = 0;
    for region in regions {
        all += world.counts(region).await["synced"].as_u64().expect("a number");
    }
    all
}

/// Read all passwords in the directories over and over: none may ever be a part of one.
struct Readers {
    stop: Arc<AtomicBool>,
    reading: std::thread::JoinHandle<usize>,
}

impl Readers {
    fn start(directories: &[Arc<Directory>], account: &str) -> Self {
        let folders: Vec<PathBuf> = directories.iter().map(|directory| directory.path().join(account)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let reading = std::thread::spawn(move || {
            let mut read = 0;
            while !stopped.load(Ordering::Relaxed) {
                read += folders.iter().map(read_all).sum::<usize>();
                std::thread::sleep(Duration::from_millis(50));
            }
            read
        });
        Self { stop, reading }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let read = self.reading.join().expect("no password is a part of one");
        println!("{read} passwords were read on the way, each whole");
    }
}

/// How many were read.
fn read_all(folder: &PathBuf) -> usize {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let passwords = folders.filter_map(|folder| fs::read_to_string(folder.path().join("password")).ok());
    let whole = passwords.inspect(|text| assert!(text.starts_with("p-") && text.ends_with("-end"), "a part: {text:?}"));
    whole.count()
}

fn size() -> Size {
    if std::env::var_os("BURSAR_REGIONS_FULL").is_some() {
        Size { credentials: 500, rounds: 20, patience: Duration::from_mins(30) }
    } else {
        Size { credentials: 100, rounds: 20, patience: Duration::from_secs(75) }
    }
}

const REGIONS: usize = 20;
/// How long a broker lives.
const LIFE_MS: std::ops::Range<u64> = 20..900;
/// The broker walks everything each second.
const SOME_WALKS: Duration = Duration::from_millis(2500);
