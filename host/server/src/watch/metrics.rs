//! Metrics of pushes to regions.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_kernel::{Done, Notice, SyncCount};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Counts notices. Labels are regions, which only operators create.
pub(crate) struct SyncMetrics {
    pushes: Family<RegionLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    removals: Family<RegionLabels, Counter>,
    drift: Family<RegionLabels, Counter>,
    lag: Family<RegionLabels, Histogram, fn() -> Histogram>,
    pairs: Pairs,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct RegionLabels {
    region: String,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct FailureLabels {
    region: String,
    reason: String,
}

/// How many credentials were in each state at the last round; replaced as a whole, so
/// that a deleted region leaves nothing behind.
#[derive(Clone, Debug, Default)]
struct Pairs(Arc<Mutex<Vec<SyncCount>>>);

impl Default for SyncMetrics {
    fn default() -> Self {
        Self {
            pushes: Family::default(),
            failures: Family::default(),
            removals: Family::default(),
            drift: Family::default(),
            lag: Family::new_with_constructor(lag_histogram as fn() -> Histogram),
            pairs: Pairs::default(),
        }
    }
}

impl SyncMetrics {
    /// Registers the metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("bursar_sync_pushes", "Credentials put in a region", self.pushes.clone());
        registry.register("bursar_sync_failures", "Pushes and removals that failed", self.failures.clone());
        registry.register("bursar_sync_removals", "Credentials removed from a region", self.removals.clone());
        registry.register("bursar_sync_drift", "Changes by others found in a region", self.drift.clone());
        registry.register("bursar_sync_lag_seconds", "From wanted to in place", self.lag.clone());
        registry.register_collector(Box::new(self.pairs.clone()));
    }

    pub(super) fn count(&self, notice: &Notice) {
        match notice {
            Notice::Placement(placement) => self.count_done(&placement.region, &placement.done),
            Notice::Walked(standings) => {
                self.pairs.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(standings);
            }
            Notice::Credential { .. }
            | Notice::Account(_)
            | Notice::Region { .. }
            | Notice::Defect { .. }
            | Notice::Plugins => {}
        }
    }

    fn count_done(&self, region: &str, done: &Done) {
        let labels = || RegionLabels { region: region.to_owned() };
        match done {
            Done::Began | Done::Found => {}
            Done::Pushed(lag) => {
                self.pushes.get_or_create(&labels()).inc();
                if let Some(lag) = lag {
                    self.lag.get_or_create(&labels()).observe(lag.as_secs_f64());
                }
            }
            Done::Removed => {
                self.removals.get_or_create(&labels()).inc();
            }
            Done::Drifted => {
                self.drift.get_or_create(&labels()).inc();
            }
            Done::Failed(reason) => {
                let labels = FailureLabels { region: region.to_owned(), reason: reason.clone() };
                self.failures.get_or_create(&labels).inc();
            }
        }
    }
}

impl Collector for Pairs {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Credentials in regions by how they stand";
        let mut pairs = encoder.encode_descriptor("bursar_sync_pairs", help, None, MetricType::Gauge)?;
        for of in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = [("region", of.region.as_str()), ("state", of.state.as_str())];
            let count = i64::try_from(of.pairs).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(pairs.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn lag_histogram() -> Histogram {
    Histogram::new(LAG_SECONDS)
}

const LAG_SECONDS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bursar_kernel::id::{AccountId, CredentialId};
    use bursar_kernel::{PlacementNotice, SyncState};
    use uuid::Uuid;

    use super::*;

    fn placed(done: Done) -> Notice {
        Notice::Placement(PlacementNotice {
            account: AccountId(Uuid::nil()),
            credential: CredentialId(Uuid::nil()),
            credential_name: "orders-db".to_owned(),
            region: "eu".to_owned(),
            state: Some(SyncState::Synced),
            version: Some(1),
            synced_at: None,
            error: None,
            done,
        })
    }

    fn walked(region: &str, pairs: u64) -> Notice {
        Notice::Walked(vec![SyncCount { region: region.to_owned(), state: SyncState::Synced, pairs }])
    }

    #[test]
    fn notices_are_counted() {
        let metrics = SyncMetrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let lag = Done::Pushed(Some(Duration::from_secs(2)));
        let failed = Done::Failed("refused".to_owned());
        for done in [lag, Done::Pushed(None), Done::Removed, Done::Drifted, failed, Done::Found, Done::Began] {
            metrics.count(&placed(done));
        }
        metrics.count(&walked("old", 3));
        metrics.count(&walked("eu", 4));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            r#"bursar_sync_pushes_total{region="eu"} 2"#,
            r#"bursar_sync_failures_total{region="eu",reason="refused"} 1"#,
            r#"bursar_sync_removals_total{region="eu"} 1"#,
            r#"bursar_sync_drift_total{region="eu"} 1"#,
            r#"bursar_sync_lag_seconds_count{region="eu"} 1"#,
            r#"bursar_sync_pairs{region="eu",state="synced"} 4"#,
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(!text.contains("old") && !text.contains("orders-db"), "{text}");
    }
}
