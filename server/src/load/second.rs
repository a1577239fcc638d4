//! One second of a run: what the live line shows and the report draws.

use std::fmt;
use std::time::Duration;

use super::summary::{grouped, milliseconds};
use super::tally::Tally;

/// Figures of about a second. Units: milliseconds, per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    /// Since the measurement began; `None` during the ramp.
    pub(super) at_s: Option<f64>,
    pub(super) clients: u32,
    pub(super) connected: u32,
    pub(super) frames_per_s: f64,
    pub(super) missed_per_s: f64,
    pub(super) interframe_p50: Option<f64>,
    pub(super) interframe_p99: Option<f64>,
    pub(super) ack_p50: Option<f64>,
    pub(super) ack_p99: Option<f64>,
    pub(super) inputs_per_s: f64,
    pub(super) kib_per_s: f64,
}

impl Second {
    /// What was counted in `length`.
    pub(super) fn new(tally: &Tally, length: Duration) -> Self {
        let per_s = |count: u64| count as f64 / length.as_secs_f64().max(1e-3);
        let missed = tally.frames_expected.saturating_sub(tally.frames_received);
        Self {
            frames_per_s: per_s(tally.frames_received),
            missed_per_s: per_s(missed),
            interframe_p50: milliseconds(&tally.interframe_us, 0.5),
            interframe_p99: milliseconds(&tally.interframe_us, 0.99),
            ack_p50: milliseconds(&tally.ack_us, 0.5),
            ack_p99: milliseconds(&tally.ack_us, 0.99),
            inputs_per_s: per_s(tally.inputs_sent),
            kib_per_s: per_s(tally.bytes) / 1024.0,
            ..Self::default()
        }
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = grouped(u64::from(self.connected));
        let clients = grouped(u64::from(self.clients));
        write!(f, "connected {connected}/{clients}")?;
        if self.at_s.is_some() {
            write!(f, "  frames {:.0}/s", self.frames_per_s)?;
            if let Some(p99) = self.interframe_p99 {
                write!(f, "  p99 {p99:.1} ms")?;
            }
            write!(f, "  inputs {:.0}/s", self.inputs_per_s)?;
        }
        Ok(())
    }
}
