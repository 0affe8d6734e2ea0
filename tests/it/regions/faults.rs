//! Half of the regions are down or slow for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::site::Webhook;
use super::world::World;
use super::writer::password;
use crate::support::fault_proxy::Mode;
use crate::support::reply::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_that_are_down_or_slow_hold_up_no_other_and_mend_by_themselves() {
    let world = World::start().await;
    world.create(12).await;
    let (mut well, mut unwell, mut regions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..MODES.len() {
        well.push(Arc::new(Webhook::start().await));
        unwell.push(Arc::new(Webhook::behind_a_proxy().await));
    }
    for site in well.iter().chain(&unwell) {
        regions.push(world.attached(site).await);
    }
    world.until_in_place(&regions).await;

    let alone = median_lag(&world, &well).await;
    for (site, mode) in unwell.iter().zip(MODES) {
        site.proxy().set(mode);
    }
    // The first rotations are what finds them unwell; then they stay so.
    let beside_new = median_lag(&world, &well).await;
    let beside_known = median_lag(&world, &well).await;
    println!("lag {alone:?} with all well, {beside_new:?} and {beside_known:?} with half of them unwell");

    let of_unwell = &regions[well.len()..];
    for (region, mode) in of_unwell.iter().zip(MODES) {
        if matches!(mode, Mode::Delay(_)) {
            continue;
        }
        let row = world.until_state("c-0", region, "error").await;
        assert!(text(&row["error"]).starts_with("not reachable: "), "{mode:?}: {row}");
        assert!(text(&row["error"]).len() > "not reachable: ".len(), "{mode:?}: {row}");
    }
    world.client.delete("credentials/c-1").await.expect(204);
    world.rename("c-2", "other-2").await;
    world.until_in_place(&regions[..well.len()]).await;

    for site in &unwell {
        site.proxy().set(Mode::Pass);
    }
    let begun = Instant::now();
    world.until_in_place(&regions).await;
    println!("{:?} from the mending to all in place", begun.elapsed());
    for site in well.iter().chain(&unwell) {
        site.assert_well_treated();
    }
    // Generous: the machine does other things too.
    for beside in [beside_new, beside_known] {
        assert!(beside < alone.max(NOISE) * 3, "{beside:?} beside unwell regions, {alone:?} without");
    }
}

/// From the request that rotates a credential to the receivers that hold it.
async fn median_lag(world: &World, sites: &[Arc<Webhook>]) -> Duration {
    let mut lags = Vec::new();
    for round in 0..ROUNDS {
        let (name, password) = (format!("c-{}", round % 8), password());
        let place = format!("{}/{name}", world.account);
        let begun = Instant::now();
        world.rotate(&name, &password).await;
        let mut waiting: Vec<_> = sites.iter().collect();
        while !waiting.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{name} does not arrive");
            tokio::time::sleep(Duration::from_millis(1)).await;
            waiting.retain(|site| {
                let held = site.receiver.at(&place);
                let is_there = held.is_some_and(|held| held.artifacts["password"] == password.as_bytes());
                lags.extend(is_there.then(|| begun.elapsed()));
                !is_there
            });
        }
    }
    lags.sort_unstable();
    lags[lags.len() / 2]
}

const ROUNDS: usize = 16;
const MODES: [Mode; 5] =
    [Mode::Refuse, Mode::Hold, Mode::Delay(Duration::from_millis(400)), Mode::Truncate(20), Mode::Reset(20)];
const PATIENCE: Duration = Duration::from_mins(1);
/// What two runs may differ by for other reasons.
const NOISE: Duration = Duration::from_millis(100);
