//! `Telemetry`: exports the traces of calls over OTLP/HTTP, in batches and off the path of calls.

mod otlp;
mod plan;
mod wire;

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, header};
use prost::Message;
use serde_json::json;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use trunkline::{Egress, HttpRequest, IntegrationConfig, Manager, Profile, Result, Span, Spans};

use self::plan::Plan;
use crate::settings::TelemetrySettings;

/// Spans that wait to be exported.
const QUEUE: usize = 16_384;
/// Spans in one request, as the SDKs of OpenTelemetry have it (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
const BATCH: usize = 512;
/// How often the queue is emptied.
const EVERY: Duration = Duration::from_millis(200);
/// How long a batch may take (`OTEL_EXPORTER_OTLP_TIMEOUT`), and how long the last ones may when the server stops.
const TIMEOUT: Duration = Duration::from_secs(10);
const FLUSH: Duration = Duration::from_secs(5);
/// The name of the collector in log lines.
const COLLECTOR: &str = "otlp-collector";

/// An exporter that is set up.
pub(crate) struct Telemetry {
    spans: Arc<Spans>,
    /// The collector is an integration like any other, but of a manager that nobody else calls: so exporting has
    /// time limits, retries and a circuit that opens, and is itself neither traced nor listed.
    manager: Manager,
    resource: Vec<(String, String)>,
}

/// An exporter that runs.
#[derive(Debug)]
pub(crate) struct Exporting {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Telemetry {
    /// Sets an exporter up, if the file or the environment names an endpoint. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `invalid_config` for an endpoint, a header or a certificate that is not valid.
    pub(crate) async fn open(
        file: &TelemetrySettings,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>> {
        let Some(Plan { url, headers, certificate, sampler, resource }) = Plan::of(file, variable) else {
            return Ok(None);
        };
        let exposed = headers.iter().map(|(name, value)| Ok((name, value.expose()?)));
        let headers = exposed.collect::<Result<Vec<_>>>()?;
        let config = json!({
            "integration_id": COLLECTOR, "type": "rest", "base_url": url,
            "headers": serde_json::Map::from_iter(
                headers.into_iter().map(|(name, value)| (name.clone(), value.into_owned().into()))
            ),
            "tls": { "ca": certificate.map(|path| format!("${{file:{path}}}")) },
            "timeout": TIMEOUT.as_secs(),
        });
        // Where the operator sends traces to is theirs to say: it may well be on this machine.
        let egress = Egress::new(Profile::Lab, &[])?;
        let manager = Manager::builder().egress(egress).activity(0).cache(0).build().await?;
        let opened = manager.register(IntegrationConfig::from_json(config)?).await;
        opened.map_err(|error| error.at("the endpoint for traces (OTLP)"))?;
        Ok(Some(Self { spans: Arc::new(Spans::new(sampler, QUEUE)), manager, resource }))
    }

    /// Where calls leave their spans.
    pub(crate) fn spans(&self) -> Arc<Spans> {
        self.spans.clone()
    }

    /// Begins to export.
    pub(crate) fn start(self) -> Exporting {
        let stop = CancellationToken::new();
        let task = tokio::spawn(self.run(stop.clone()));
        Exporting { stop: stop.drop_guard(), task }
    }

    async fn run(self, stop: CancellationToken) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            self.drain().await;
        }
        self.drain().await;
    }

    /// Exports what is queued.
    async fn drain(&self) {
        loop {
            let batch: Vec<_> = self.spans.drain(BATCH).collect();
            if batch.is_empty() {
                return;
            }
            // That it failed is in the log already.
            let lost = self.export(&batch).await.unwrap_or(batch.len() as u64);
            self.spans.lose(lost);
        }
    }

    /// Sends a batch, and says how many spans of it the collector did not take.
    async fn export(&self, batch: &[Span]) -> Result<u64> {
        let body = otlp::request(&self.resource, batch).encode_to_vec();
        let media = HeaderValue::from_static("application/x-protobuf");
        let request = HttpRequest::post("").header(header::CONTENT_TYPE, media).body(body);
        let reply = self.manager.call(COLLECTOR, request).await?;
        if !reply.status.is_success() {
            return Ok(batch.len() as u64);
        }
        // A collector that answers in another form has taken them all the same.
        let rejected =
            wire::Response::decode(reply.bytes().await?).ok().and_then(|answer| answer.partial_success);
        Ok(rejected.map_or(0, |partial| partial.rejected_spans.max(0).cast_unsigned()))
    }
}

impl Exporting {
    /// Exports what is left, for 5 seconds at most.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        // A task that panicked has nothing left to export.
        if timeout(FLUSH, self.task).await.is_err() {
            tracing::warn!("the last traces were not exported in time");
        }
    }
}
