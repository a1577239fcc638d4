//! What rooms hear from the layer and ask of it, and what it counts itself.

use std::fmt;

use downbeat::layer::LayerCounts;
use downbeat::{Counter, Counters};

use super::Lines;

/// The name of a metric, what it tells, and where it is counted.
type Row = (&'static str, &'static str, fn(&Counters) -> &Counter);

const COUNTERS: [Row; 8] = [
    ("layer_messages", "Messages that games were handed", |c| {
        &c.layer_messages
    }),
    ("layer_unknown", "Messages of unknown types", |c| {
        &c.layer_unknown
    }),
    ("layer_malformed", "Messages with wrong contents", |c| {
        &c.layer_malformed
    }),
    (
        "layer_missed",
        "Times that rooms may have missed some",
        |c| &c.layer_missed,
    ),
    ("layer_dropped", "Dropped, for too much waited", |c| {
        &c.layer_dropped
    }),
    ("layer_failed", "What the layer did not do", |c| {
        &c.layer_failed
    }),
    ("queries", "Questions of rooms to the outside", |c| {
        &c.queries
    }),
    ("queries_failed", "Questions without an answer", |c| {
        &c.queries_failed
    }),
];

type BusRow = (&'static str, &'static str, fn(&LayerCounts) -> u64);

const OF_THE_BUS: [BusRow; 6] = [
    ("layer_sent", "Messages handed to the layer", |c| c.sent),
    ("layer_delivered", "Deliveries to mailboxes here", |c| {
        c.delivered
    }),
    (
        "layer_full",
        "Deliveries lost, for a channel was full",
        |c| c.full,
    ),
    (
        "layer_expired",
        "Messages that were too old when they came out of Redis",
        |c| c.expired,
    ),
    (
        "layer_unreadable",
        "Messages that no layer could read",
        |c| c.malformed,
    ),
    (
        "layer_gaps",
        "Times that a lost connection may have cost some",
        |c| c.gaps,
    ),
];

/// Writes them.
pub(super) fn encode(to: &mut Lines<'_>, counters: &Counters, bus: &LayerCounts) -> fmt::Result {
    for (name, help, count) in OF_THE_BUS {
        to.counter(name, help, count(bus))?;
    }
    for (name, help, counter) in COUNTERS {
        to.counter(name, help, counter(counters).value())?;
    }
    Ok(())
}
