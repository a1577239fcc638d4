//! How the store does, and the work that blocks.

use std::fmt;

use prometheus_client::metrics::MetricType;

use super::Lines;
use crate::blocking::BlockingCounts;
use crate::store::StoreHealth;

pub(super) fn encode(to: &mut Lines<'_>, health: &StoreHealth) -> fmt::Result {
    for (name, help, value) in [
        ("up", "Whether the store answers", u64::from(health.up)),
        (
            "writable",
            "Whether it takes writes",
            u64::from(health.writable),
        ),
        ("queued", "Writes that wait", health.queued as u64),
        (
            "connections",
            "Connections to it",
            u64::from(health.connections),
        ),
        (
            "connections_idle",
            "Of those, unused ones",
            health.idle as u64,
        ),
    ] {
        to.gauge(&format!("store_{name}"), help, value)?;
    }
    for (name, help, value) in [
        ("written", "Writes that were made", health.written),
        ("batches", "Transactions in which they were", health.batches),
        (
            "retried",
            "Transactions that failed for now",
            health.retried,
        ),
        (
            "failed",
            "Writes that the database does not take",
            health.failed,
        ),
        (
            "refused",
            "Writes that found the queue full",
            health.refused,
        ),
        (
            "given_up",
            "Writes that were no longer waited for",
            health.given_up,
        ),
        ("reads_failed", "Reads that failed", health.reads_failed),
    ] {
        to.counter(&format!("store_{name}"), help, value)?;
    }
    Ok(())
}

pub(super) fn encode_blocking(to: &mut Lines<'_>, counts: &BlockingCounts) -> fmt::Result {
    to.gauge(
        "blocking_running",
        "Blocking work that runs",
        counts.running as u64,
    )?;
    to.gauge(
        "blocking_waiting",
        "Blocking work that waits",
        counts.waiting as u64,
    )?;
    for (name, help, value) in [
        ("done", "Blocking work that was run", counts.done),
        ("refused", "Blocking work without a place", counts.refused),
        ("panicked", "Blocking work that panicked", counts.panicked),
    ] {
        to.counter(&format!("blocking_{name}"), help, value)?;
    }
    let of = [("all", counts.seconds)].into_iter();
    let help = "Time that blocking work took on its threads";
    to.family("blocking_seconds", help, MetricType::Counter, "of", of)
}
