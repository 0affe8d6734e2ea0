//! Metrics in the OpenMetrics text format.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::operations::Operations;
use crate::watch::SyncMetrics;

/// The registry and the server's own metrics.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    rate_limited: Counter,
    auth_refused: Counter,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

impl Metrics {
    pub(crate) fn new(operations: Arc<dyn Operations>, sync: &SyncMetrics) -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let seconds = Family::new_with_constructor(duration_histogram as fn() -> Histogram);
        let (rate_limited, auth_refused) = (Counter::default(), Counter::default());
        registry.register("bursar_http_requests", "Requests answered", requests.clone());
        registry.register("bursar_http_request_seconds", "How long requests took", seconds.clone());
        registry.register("bursar_rate_limited", "Requests refused for a token's rate limit", rate_limited.clone());
        registry.register("bursar_auth_refused", "Requests without a valid token", auth_refused.clone());
        sync.register(&mut registry);
        registry.register_collector(Box::new(Installation(operations)));
        Self { registry, requests, seconds, rate_limited, auth_refused }
    }

    /// Everything, in the OpenMetrics text format.
    ///
    /// # Errors
    ///
    /// Where a metric could not be written out.
    pub(crate) fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts an answered request under the route's template, never its path.
    pub(crate) fn count_request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.requests.get_or_create(&RequestLabels { method, route: route.clone(), status }).inc();
        self.seconds.get_or_create(&RouteLabels { method, route }).observe(took.as_secs_f64());
    }

    pub(crate) fn count_rate_limited(&self) {
        self.rate_limited.inc();
    }

    pub(crate) fn count_auth_refused(&self) {
        self.auth_refused.inc();
    }
}

/// Media type of [`Metrics::encode`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters of the store and the plugin host, read at each scrape.
struct Installation(Arc<dyn Operations>);

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Installation(..)")
    }
}

impl Collector for Installation {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        let counters = [
            ("bursar_store_commits", "Durable commits of the store", stats.store_commits),
            ("bursar_store_batches", "Batches committed, many to a commit", stats.store_batches),
            ("bursar_store_conflicts", "Batches refused because a record had changed", stats.store_conflicts),
            ("bursar_audit_events", "Audit records written", stats.audit_events),
        ];
        for (name, help, value) in counters {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        let mut calls = encoder.encode_descriptor("bursar_plugin_calls", "Plugin calls", None, MetricType::Counter)?;
        for of in &stats.plugin_calls {
            let labels = [("plugin", of.plugin.as_str()), ("call", &of.call), ("outcome", &of.outcome)];
            ConstCounter::new(of.count).encode(calls.encode_family(&labels)?)?;
        }
        let mut plugins = encoder.encode_descriptor("bursar_plugins", "Plugins by state", None, MetricType::Gauge)?;
        for (state, count) in &stats.plugins {
            let name = serde_json::to_value(state).unwrap_or_default();
            let labels = [("state", name.as_str().unwrap_or_default())];
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(plugins.encode_family(&labels)?)?;
        }
        let mut nodes = encoder.encode_descriptor("bursar_nodes", "Nodes by state", None, MetricType::Gauge)?;
        for (state, count) in [("live", stats.nodes.0), ("silent", stats.nodes.1)] {
            ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
                .encode(nodes.encode_family(&[("state", state)])?)?;
        }
        if let Some(ms) = stats.clock_ahead_ms {
            let help = "How far this node's clock is ahead of the database's";
            let metric = encoder.encode_descriptor("bursar_clock_ahead_seconds", help, None, MetricType::Gauge)?;
            #[expect(clippy::cast_precision_loss, reason = "of more than 285,000 years")]
            ConstGauge::new(ms as f64 / 1000.0).encode(metric)?;
        }
        Ok(())
    }
}

fn duration_histogram() -> Histogram {
    Histogram::new(SECONDS)
}

const SECONDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
