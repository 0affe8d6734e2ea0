//! How long each node does not answer, by one client for each that asks all the time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::injury::Suffered;
use super::load::Caller;
use super::site::{NODES, Site};
use crate::support::samples::basic;

/// Clients that ask.
pub(super) struct Pulse {
    stop: Arc<AtomicBool>,
    asking: JoinSet<(usize, Vec<Instant>)>,
}

/// When each node answered.
pub(super) type Beats = BTreeMap<usize, Vec<Instant>>;

/// By kind of fault: the longest that others did not answer, and that the nodes it
/// met did not answer after it was over.
pub(super) struct Judgement(BTreeMap<&'static str, Row>);

#[derive(Default)]
struct Row {
    times: usize,
    longest: Duration,
    others: Duration,
    after: Duration,
}

impl Pulse {
    pub(super) async fn start(site: &Arc<Site>) -> Self {
        site.client(0, "default").post("credentials", basic("pulse")).await.expect(201);
        let stop = Arc::new(AtomicBool::new(false));
        let mut asking = JoinSet::new();
        for node in 0..NODES {
            let (site, stop) = (Arc::clone(site), Arc::clone(&stop));
            asking.spawn(async move {
                let mut answered = vec![Instant::now()];
                let caller = Caller::new(Duration::from_secs(20));
                while !stop.load(Ordering::Relaxed) {
                    let path = "/v1/accounts/default/credentials/pulse/reveal";
                    let reply = caller.call(&site.server(node), Method::POST, path, &json!({}), &[]).await;
                    if reply.is_ok_and(|(status, _)| status == 200) {
                        answered.push(Instant::now());
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                answered.push(Instant::now());
                (node, answered)
            });
        }
        Self { stop, asking }
    }

    pub(super) async fn end(self) -> Beats {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join_all().await.into_iter().collect()
    }
}

pub(super) fn judge(injuries: &[Suffered], beats: &Beats) -> Judgement {
    let mut rows = BTreeMap::<&'static str, Row>::new();
    for Suffered { injury, began, ended } in injuries {
        let row = rows.entry(injury.kind()).or_default();
        row.times += 1;
        row.longest = row.longest.max(*ended - *began);
        for (node, answered) in beats {
            let met = injury.node().is_none_or(|met| met == *node);
            if met && !injury.leaves_the_node() {
                let first = answered.iter().find(|at| **at > *ended);
                row.after = row.after.max(first.map_or(Duration::ZERO, |at| *at - *ended));
            } else {
                row.others = row.others.max(longest_silence(answered, *began, *ended + AFTERMATH));
            }
        }
    }
    Judgement(rows)
}

/// The longest time without an answer that overlaps with this one.
fn longest_silence(answered: &[Instant], began: Instant, ended: Instant) -> Duration {
    let gaps = answered.windows(2).filter(|pair| pair[1] > began && pair[0] < ended);
    gaps.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

impl Judgement {
    /// What the operator guide says.
    pub(super) fn assert_keeps_its_word(&self) {
        for (kind, row) in &self.0 {
            assert!(row.others <= Duration::from_secs(3), "{kind}: others stood still for {:.1?}", row.others);
            assert!(row.after <= Duration::from_secs(5), "{kind}: {:.1?} until it answered again", row.after);
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | times | longest | others stand still for at most | answers again after at most |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for (kind, row) in &self.0 {
            let seconds = |duration: Duration| format!("{:.2} s", duration.as_secs_f64());
            let (longest, others, after) = (seconds(row.longest), seconds(row.others), seconds(row.after));
            writeln!(f, "| {kind} | {} | {longest} | {others} | {after} |", row.times)?;
        }
        Ok(())
    }
}

/// What a fault leaves behind shows within that.
const AFTERMATH: Duration = Duration::from_secs(1);
