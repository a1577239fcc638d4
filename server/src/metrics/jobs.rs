//! What the jobs of each kind did.

use std::fmt;
use std::sync::Arc;

use downbeat::{Counter, Counters, Histogram, JobCounters};
use prometheus_client::metrics::MetricType;

use super::{Lines, NoLabels};

type Kinds = [(&'static str, Arc<JobCounters>)];

/// The name of a metric, what it tells, and where it is counted.
type Row<T> = (&'static str, &'static str, fn(&JobCounters) -> &T);

const COUNTERS: [Row<Counter>; 14] = [
    ("submitted", "Jobs taken", |c| &c.submitted),
    ("rejected", "Jobs handed back by admission", |c| &c.rejected),
    ("coalesced", "Jobs answered by another's run", |c| {
        &c.coalesced
    }),
    ("cancelled_queued", "Jobs cancelled while idle", |c| {
        &c.cancelled_queued
    }),
    ("cancelled_running", "Jobs cancelled while they ran", |c| {
        &c.cancelled_running
    }),
    ("done", "Jobs that answered in full", |c| &c.done),
    ("partial", "Jobs that answered with a part", |c| &c.partial),
    ("no_path", "Jobs that found nothing", |c| &c.no_path),
    ("stale", "Answers for a world that had changed", |c| {
        &c.stale
    }),
    ("late", "Jobs applied after they were due", |c| &c.late),
    ("given_up", "Jobs given up, being too late", |c| &c.given_up),
    ("panicked", "Jobs that panicked", |c| &c.panicked),
    ("helped", "Jobs that the tick thread finished", |c| {
        &c.helped
    }),
    ("expansions", "Spent by jobs that were applied", |c| {
        &c.expansions
    }),
];

const HISTOGRAMS: [Row<Histogram>; 4] = [
    (
        "queue_microseconds",
        "From a tick's end to a job's start",
        |c| &c.queue_us,
    ),
    ("run_microseconds", "Jobs at work", |c| &c.run_us),
    ("queue_ticks", "As queue_microseconds, in ticks", |c| {
        &c.queue_ticks
    }),
    ("run_ticks", "As run_microseconds, in ticks", |c| {
        &c.run_ticks
    }),
];

/// Writes them all, each with its kinds.
pub(super) fn encode(to: &mut Lines<'_>, counters: &Counters, queued: usize) -> fmt::Result {
    let kinds = counters.jobs();
    to.gauge("jobs_queued", "Jobs that wait for a thread", queued as u64)?;
    let drain = counters.jobs_drain_nanos.value();
    #[expect(clippy::cast_precision_loss, reason = "a metric, exact for 104 days")]
    to.family(
        "jobs_drain_seconds",
        "Time that ticks took to collect due jobs",
        MetricType::Counter,
        "thread",
        [("tick", drain as f64 / 1e9)].into_iter(),
    )?;
    in_flight(to, &kinds)?;
    for (name, help, count) in COUNTERS {
        let values = kinds.iter().map(|(kind, c)| (*kind, count(c).value()));
        to.counters(&format!("jobs_{name}"), help, "kind", values)?;
    }
    for (name, help, histogram) in HISTOGRAMS {
        let name = format!("jobs_{name}");
        let histogram_type = MetricType::Histogram;
        let mut family = to.0.encode_descriptor(&name, help, None, histogram_type)?;
        for (kind, counters) in kinds.iter() {
            let labels = [("kind", *kind)];
            let mut metric = family.encode_family(&labels)?;
            let histogram = histogram(counters);
            #[expect(clippy::cast_precision_loss, reason = "a metric")]
            let bound = |bound: Option<u64>| bound.map_or(f64::MAX, |bound| bound as f64);
            let buckets = histogram.buckets().map(|(most, n)| (bound(most), n));
            let buckets: Vec<_> = buckets.collect();
            let count = buckets.iter().map(|(_, n)| n).sum();
            #[expect(clippy::cast_precision_loss, reason = "a metric")]
            let sum = histogram.sum() as f64;
            metric.encode_histogram::<NoLabels>(sum, count, &buckets, None)?;
        }
    }
    Ok(())
}

fn in_flight(to: &mut Lines<'_>, kinds: &Kinds) -> fmt::Result {
    let help = "Jobs taken and not yet answered";
    let gauge = MetricType::Gauge;
    let mut family =
        to.0.encode_descriptor("jobs_in_flight", help, None, gauge)?;
    for (kind, counters) in kinds {
        let labels = [("kind", *kind)];
        let mut metric = family.encode_family(&labels)?;
        metric.encode_gauge(&counters.in_flight.value())?;
    }
    Ok(())
}
