//! Three brokers over one database, under load, while one thing after another goes
//! wrong: nodes freeze, die, are cut off, have the wrong time; the database crashes
//! and ends sessions; a receiver is unwell; the root key is rotated.
//!
//! What clients were told is written down and judged at the end: by a checker that
//! others wrote (`history`), by the audit trail, and by what the receiver got. The
//! short form runs with the other tests; `cargo xtask faults` runs for ten minutes
//! on the release build, and holds what it measures to what the operator guide says.

mod history;
mod injury;
mod load;
mod pulse;
mod site;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use self::injury::Injury;
use self::load::Load;
use self::pulse::Pulse;
use self::site::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_histories_are_linearizable() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("BURSAR_TEST_SEED").unwrap_or_else(rand::random);
    let seconds = number("BURSAR_FAULTS_SECONDS");
    println!("BURSAR_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let site = Arc::new(Site::start().await);
    let pulse = Pulse::start(&site).await;
    let load = Load::start(&site, &mut random).await;

    let begun = Instant::now();
    let lasts = Duration::from_secs(seconds.unwrap_or(SHORT_SECONDS));
    // Each kind once, then by chance.
    let mut first = Injury::each(&mut random);
    let mut injuries = Vec::new();
    while begun.elapsed() < lasts {
        let injury = first.pop().unwrap_or_else(|| Injury::any(&mut random));
        let suffered = injury.inflict(&site, &mut random).await;
        println!("{:>6.1} s  {}", begun.elapsed().as_secs_f64(), suffered.told());
        injuries.push(suffered);
        tokio::time::sleep(Duration::from_millis(random.random_range(1_500..4_000))).await;
    }
    site.heal().await;
    let told = load.end().await;
    let beats = pulse.end().await;
    let table = pulse::judge(&injuries, &beats);
    println!("{table}");
    println!("{} operations, {} of them without an answer", told.answered(), told.unanswered());
    told.assert_nothing_is_lost(&site).await;
    told.assert_is_linearizable();
    load::assert_pushed_once(&site).await;
    site.assert_verifies().await;
    if seconds.is_some() {
        // Not in a run among others: no test depends on how fast a machine is.
        table.assert_keeps_its_word();
    }
}

/// In CI: long enough for each kind once.
const SHORT_SECONDS: u64 = 45;
