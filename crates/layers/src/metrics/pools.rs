//! How full pools of connections are, read at each scrape: of databases by the semantic conventions of OpenTelemetry
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>), of connections that stay by names of ours.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use trunkline_core::{Lag, Messages, Occupancy, Streams};

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
    Gauge(fn(&Occupancy) -> u64),
    /// Of each group by itself: a sum says nothing of who is behind, and one that nobody reads as any more would stay in it.
    Groups(fn(&Occupancy) -> &[Lag]),
    Counter(fn(&Occupancy) -> u64),
}

/// Of pools whose connections are shared by those who use them.
const SHARED: [(&str, &str, Says); 5] = [
    (
        "trunkline_socket_connections",
        "WebSocket connections and those to brokers, by what they do now",
        Says::Count,
    ),
    (
        "trunkline_socket_connections_opened",
        "WebSocket connections and those to brokers that were made",
        Says::Counter(|pool| pool.opened),
    ),
    ("trunkline_stream_readers", "Who is subscribed", Says::Gauge(|pool| streams(pool).readers.into())),
    (
        "trunkline_stream_dropped",
        "Messages that a subscriber missed, being too slow",
        Says::Counter(|pool| streams(pool).dropped),
    ),
    (
        "trunkline_late_replies",
        "Replies that came after their callers had gone",
        Says::Counter(|pool| streams(pool).late),
    ),
];

/// Of brokers.
const MESSAGES: [(&str, &str, Says); 7] = [
    (
        "trunkline_messages_in_flight",
        "Messages that were sent and that the broker has not confirmed yet",
        Says::Gauge(|pool| messages(pool).in_flight.into()),
    ),
    (
        "trunkline_messages_unacknowledged",
        "Messages that were handed out and not acknowledged yet",
        Says::Gauge(|pool| messages(pool).unacknowledged.into()),
    ),
    (
        "trunkline_messages_confirmed",
        "Messages that the broker has confirmed",
        Says::Counter(|pool| messages(pool).confirmed),
    ),
    (
        "trunkline_messages_returned",
        "Messages that the broker refused, or that nobody would have got",
        Says::Counter(|pool| messages(pool).returned),
    ),
    (
        "trunkline_messages_put_aside",
        "Messages that were put aside, having failed too often or for a reason",
        Says::Counter(|pool| messages(pool).put_aside),
    ),
    (
        "trunkline_messages_put_aside_failed",
        "How often a message could not be put aside, and was held",
        Says::Counter(|pool| messages(pool).put_aside_failed),
    ),
    (
        "trunkline_messages_lag",
        "Messages that a group has not dealt with, as was last found out",
        Says::Groups(|pool| pool.messages.as_ref().map_or(&[], |messages| &messages.lag)),
    ),
];

fn messages(pool: &Occupancy) -> &Messages {
    static NONE: Messages = Messages::NONE;
    pool.messages.as_ref().unwrap_or(&NONE)
}

fn streams(pool: &Occupancy) -> Streams {
    pool.streams.unwrap_or_default()
}

const METRICS: [(&str, &str, Says); 5] = [
    ("db_client_connection_count", "Connections of the pool, by what they do now", Says::Count),
    (
        "db_client_connection_max",
        "The most connections that there may be",
        Says::Gauge(|pool| pool.max.into()),
    ),
    (
        "db_client_connection_pending_requests",
        "Calls that wait for a connection",
        Says::Gauge(|pool| pool.waiting.into()),
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
        let (shared, own): (Vec<_>, Vec<_>) =
            (self.0)().into_iter().partition(|(_, pool)| pool.streams.is_some());
        encode_all(&mut encoder, &METRICS, &own)?;
        encode_all(&mut encoder, &SHARED, &shared)?;
        let brokers: Vec<_> = shared.into_iter().filter(|(_, pool)| pool.messages.is_some()).collect();
        encode_all(&mut encoder, &MESSAGES, &brokers)
    }
}

fn encode_all(
    encoder: &mut DescriptorEncoder<'_>,
    metrics: &[(&str, &str, Says)],
    pools: &[(Arc<str>, Occupancy)],
) -> fmt::Result {
    if pools.is_empty() {
        return Ok(());
    }
    for (name, help, says) in metrics {
        let kind = match says {
            Says::Counter(_) => MetricType::Counter,
            Says::Count | Says::Gauge(_) | Says::Groups(_) => MetricType::Gauge,
        };
        let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
        for (integration, pool) in pools {
            let integration = ("integration", &**integration);
            let mut gauge = |labels: &[(&str, &str)], value: u64| {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(metric.encode_family(&labels)?)
            };
            match says {
                Says::Count => {
                    gauge(&[integration, ("state", "idle")], pool.idle.into())?;
                    gauge(&[integration, ("state", "used")], pool.used.into())?;
                }
                Says::Gauge(read) => gauge(&[integration], read(pool))?,
                Says::Groups(read) => {
                    for Lag { queue, group, messages } in read(pool) {
                        let queue = ("queue", &**queue);
                        match group {
                            Some(group) => gauge(&[integration, queue, ("group", &**group)], *messages)?,
                            None => gauge(&[integration, queue], *messages)?,
                        }
                    }
                }
                Says::Counter(read) => {
                    ConstCounter::new(read(pool)).encode(metric.encode_family(&[integration])?)?;
                }
            }
        }
    }
    Ok(())
}
