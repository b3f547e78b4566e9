//! How full pools of connections are, by the semantic conventions of OpenTelemetry
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>), read at each scrape.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use trunkline_core::Occupancy;

/// The pools of integrations that have one, those of all connections of an integration added up.
pub(super) struct Pools<F>(pub(super) F);

impl<F> fmt::Debug for Pools<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pools")
    }
}

/// What a metric says of a pool.
enum Says {
    /// Its idle connections, and those in use.
    Count,
    Gauge(fn(&Occupancy) -> u32),
    Counter(fn(&Occupancy) -> u64),
}

const METRICS: [(&str, &str, Says); 5] = [
    ("db_client_connection_count", "Connections of the pool, by what they do now", Says::Count),
    ("db_client_connection_max", "The most connections that there may be", Says::Gauge(|pool| pool.max)),
    (
        "db_client_connection_pending_requests",
        "Calls that wait for a connection",
        Says::Gauge(|pool| pool.waiting),
    ),
    (
        "db_client_connection_timeouts",
        "Calls that gave up waiting for a connection",
        Says::Counter(|pool| pool.timeouts),
    ),
    ("db_client_connection_opened", "Connections that were made", Says::Counter(|pool| pool.opened)),
];

impl<F: Fn() -> Vec<(Arc<str>, Occupancy)> + Send + Sync + 'static> Collector for Pools<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let pools = (self.0)();
        if pools.is_empty() {
            return Ok(());
        }
        for (name, help, says) in &METRICS {
            let kind = match says {
                Says::Counter(_) => MetricType::Counter,
                Says::Count | Says::Gauge(_) => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
            for (integration, pool) in &pools {
                let integration = ("integration", &**integration);
                let mut gauge = |labels: &[(&str, &str)], value: u32| {
                    ConstGauge::new(i64::from(value)).encode(metric.encode_family(&labels)?)
                };
                match says {
                    Says::Count => {
                        gauge(&[integration, ("state", "idle")], pool.idle)?;
                        gauge(&[integration, ("state", "used")], pool.used)?;
                    }
                    Says::Gauge(read) => gauge(&[integration], read(pool))?,
                    Says::Counter(read) => {
                        ConstCounter::new(read(pool)).encode(metric.encode_family(&[integration])?)?;
                    }
                }
            }
        }
        Ok(())
    }
}
