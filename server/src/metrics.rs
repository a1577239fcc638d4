//! The operators' port: what the server counts, in the words of Prometheus.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downbeat::JobPool;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::admin::guard;
use crate::http::healthz;
use crate::server::Server;
use crate::workers::WorkerCounts;

mod jobs;
mod layer;
mod store;

/// All routes.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route_layer(from_fn_with_state(Arc::clone(&server), guard))
        // Whether a process lives is no secret, and what asks for it has no token.
        .route("/healthz", get(healthz))
        .with_state(server)
}

async fn metrics(State(server): State<Arc<Server>>) -> Response {
    let mut registry = Registry::with_prefix("downbeat");
    registry.register_collector(Box::new(Counts(server)));
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
            (kind, body).into_response()
        }
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Everything that is counted, read when it is asked for.
struct Counts(Arc<Server>);

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counts")
    }
}

impl Collector for Counts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Lines(encoder);
        self.encode_world(&mut to)?;
        let world = &self.0.world;
        let queued = world.jobs().map_or(0, JobPool::queued);
        jobs::encode(&mut to, world.counters(), queued)?;
        let layer = self.0.services.layer();
        layer::encode(&mut to, world.counters(), &layer.counts())?;
        to.gauge(
            "layer_up",
            "Whether the layer answers",
            layer.health().is_ok().into(),
        )?;
        self.encode_members(&mut to)?;
        store::encode(&mut to, &self.0.services.store().health())?;
        store::encode_blocking(&mut to, &self.0.services.blocking().counts())?;
        self.encode_connections(&mut to)?;
        self.encode_workers(&mut to)
    }
}

impl Counts {
    fn encode_world(&self, to: &mut Lines<'_>) -> fmt::Result {
        let counters = self.0.world.counters();
        let clocks: Vec<_> = counters
            .clocks()
            .map(|clock| (clock.tick_rate_hz.to_string(), clock))
            .collect();
        let by_rate = |value: fn(&downbeat::ClockCounts) -> u64| {
            clocks
                .iter()
                .map(move |(rate, clock)| (rate.as_str(), value(clock)))
        };
        to.counters("ticks", "Ticks run", "tick_rate_hz", by_rate(|c| c.run))?;
        let help = "Ticks that passed without being run";
        to.counters(
            "ticks_dropped",
            help,
            "tick_rate_hz",
            by_rate(|c| c.dropped),
        )?;
        #[expect(clippy::cast_precision_loss, reason = "a metric, exact for 104 days")]
        let seconds = clocks
            .iter()
            .map(|(rate, clock)| (rate.as_str(), clock.step_nanos as f64 / 1e9));
        let help = "Time spent in steps of rooms";
        to.family(
            "step_seconds",
            help,
            MetricType::Counter,
            "tick_rate_hz",
            seconds,
        )?;
        to.gauge("rooms", "Rooms that are open", counters.rooms_open.value())?;
        let failed = counters.rooms_failed.value();
        to.counter(
            "rooms_failed",
            "Rooms ended by a panic of their game",
            failed,
        )
    }

    fn encode_members(&self, to: &mut Lines<'_>) -> fmt::Result {
        let c = self.0.world.counters();
        to.gauge("members", "Members that are connected", c.members.value())?;
        for (name, help, counter) in [
            ("inputs", "Inputs handed to rooms", &c.inputs),
            (
                "inputs_refused",
                "Inputs that found an inbox full",
                &c.inputs_refused,
            ),
            (
                "messages_dropped",
                "Messages of clients over their rate",
                &c.messages_dropped,
            ),
            (
                "messages_sent",
                "Messages written to members",
                &c.messages_sent,
            ),
            (
                "bytes_sent",
                "Bytes of those, without framing",
                &c.bytes_sent,
            ),
            (
                "frames_skipped",
                "Frames that slow members did not get",
                &c.frames_skipped,
            ),
            (
                "notices_lagged",
                "Times that a room task lagged behind the tick",
                &c.notices_lagged,
            ),
        ] {
            to.counter(name, help, counter.value())?;
        }
        // 1006 is never sent: it stands for those who vanished.
        let closes = c.closes().map(|(code, n)| (code.number().to_string(), n));
        let lost = ("1006".to_owned(), c.connections_lost.value());
        let closes: Vec<_> = closes.chain([lost]).collect();
        let closes = closes.iter().map(|(code, n)| (code.as_str(), *n));
        to.counters(
            "closes",
            "Conversations that the server ended",
            "code",
            closes,
        )
    }

    fn encode_connections(&self, to: &mut Lines<'_>) -> fmt::Result {
        let server = &self.0;
        let open = server.admission.open();
        to.gauge("connections", "Connections that are open", open)?;
        let refused = server.admission.refused();
        let help = "Connections that found no place";
        to.counters("connections_refused", help, "limit", refused)?;
        let outcomes = server.handshakes.counts();
        to.counters("handshakes", "WebSocket handshakes", "outcome", outcomes)?;
        match resident_bytes() {
            Some(bytes) => to.gauge("resident_memory_bytes", "Memory of the process", bytes),
            None => Ok(()),
        }
    }
}

impl Counts {
    fn encode_workers(&self, to: &mut Lines<'_>) -> fmt::Result {
        type Count = fn(&WorkerCounts) -> &AtomicU64;
        let families: [(&str, &str, Count); 3] = [
            ("worker_done", "Messages that workers are done with", |c| {
                &c.done
            }),
            (
                "worker_panicked",
                "Messages over which a worker panicked",
                |c| &c.panicked,
            ),
            ("worker_missed", "Messages that workers lost", |c| &c.missed),
        ];
        for (name, help, count) in families {
            let workers = self.0.workers.iter();
            let values = workers.map(|w| (&*w.channel, count(w).load(Ordering::Relaxed)));
            to.counters(name, help, "channel", values)?;
        }
        Ok(())
    }
}

/// What no exemplar is labelled with.
type NoLabels = [(&'static str, &'static str); 0];

/// Writes metrics, one after the other.
struct Lines<'a>(DescriptorEncoder<'a>);

impl Lines<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = MetricType::Counter;
        let mut to = self.0.encode_descriptor(name, help, None, counter)?;
        to.encode_counter::<NoLabels, _, u64>(&value, None)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut to = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        to.encode_gauge(&value)
    }

    fn counters<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, label, values)
    }

    fn family<'v, V: prometheus_client::encoding::EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        label: &str,
        values: impl Iterator<Item = (&'v str, V)>,
    ) -> fmt::Result {
        let mut to = self.0.encode_descriptor(name, help, None, kind)?;
        for (of, value) in values {
            let labels = [(label, of)];
            let mut to = to.encode_family(&labels)?;
            to.encode_counter::<NoLabels, _, u64>(&value, None)?;
        }
        Ok(())
    }
}

/// What the system says that this process takes; only where there is a `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
