//! What a run of the driver found, as it goes from its process to ours.

use serde::{Deserialize, Serialize};

/// Interval of frames that a player still takes for smooth, at 20 Hz.
const INTERFRAME_P99_MS_MAX: f64 = 75.0;

const FRAMES_PCT_MIN: f64 = 99.0;

/// What others may take of one core while something is measured: a machine at rest takes 2.
const OTHERS_PCT_MAX: f64 = 10.0;

/// What was counted in the window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Asked for.
    pub(crate) clients: u32,
    /// In the game when the window began.
    pub(crate) playing: u32,
    pub(crate) window_s: f64,
    /// By the growth of the frames' own count.
    pub(crate) frames_due: f64,
    /// By the clock: a server that drops ticks does not make its frames fewer.
    pub(crate) frames_by_clock: f64,
    pub(crate) frames_received: f64,
    pub(crate) interframe_p50_ms: f64,
    pub(crate) interframe_p99_ms: f64,
    pub(crate) bytes_per_client_s: f64,
    /// From the first connection on.
    pub(crate) disconnects: u32,
    /// Of the server, over the window.
    pub(crate) server_cpu_s: f64,
    /// Of the driver itself.
    pub(crate) driver_cpu_s: f64,
    /// Of everybody else on the machine.
    pub(crate) others_cpu_s: f64,
    /// The first thing that went wrong.
    pub(crate) problem: Option<String>,
}

impl Report {
    /// Frames received of those that were due. Units: percent.
    pub(crate) fn frames_due_pct(&self) -> f64 {
        percent(self.frames_received, self.frames_due)
    }

    /// Of those that were due, or should have been at the tick rate, whichever is worse.
    pub(crate) fn frames_pct(&self) -> f64 {
        percent(
            self.frames_received,
            self.frames_due.max(self.frames_by_clock),
        )
    }

    /// Everybody is there and gets their frames in time.
    pub(crate) fn keeps_pace(&self) -> bool {
        self.playing == self.clients
            && self.disconnects == 0
            && self.interframe_p99_ms <= INTERFRAME_P99_MS_MAX
            && self.frames_pct() >= FRAMES_PCT_MIN
    }

    /// Processor seconds of the server per 1,000 seconds of a client.
    pub(crate) fn cpu_s_per_1000_client_s(&self) -> f64 {
        1000.0 * self.server_cpu_s / (f64::from(self.playing) * self.window_s)
    }

    /// What others took of one core.
    pub(crate) fn others_pct(&self) -> f64 {
        percent(self.others_cpu_s, self.window_s)
    }

    /// Others had so much of the machine that a failure says nothing.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.others_pct() > OTHERS_PCT_MAX
    }

    /// How busy the driver was: near 100 it is the driver that was measured.
    pub(crate) fn driver_busy_pct(&self) -> f64 {
        percent(self.driver_cpu_s, self.window_s)
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    // Nothing of nothing is a failure here: there are always frames due.
    if whole > 0.0 {
        100.0 * part / whole
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine() -> Report {
        Report {
            clients: 50,
            playing: 50,
            window_s: 10.0,
            frames_due: 10_000.0,
            frames_by_clock: 10_010.0,
            frames_received: 9990.0,
            interframe_p99_ms: 52.0,
            server_cpu_s: 0.1,
            driver_cpu_s: 5.0,
            ..Report::default()
        }
    }

    #[test]
    fn each_lack_alone_is_a_failure() {
        assert!(fine().keeps_pace());
        let spoil: [fn(&mut Report); 6] = [
            |report| report.playing = 49,
            |report| report.disconnects = 1,
            |report| report.interframe_p99_ms = 75.1,
            |report| report.frames_received = 9890.0,
            |report| report.frames_by_clock = 10_200.0,
            |report| (report.frames_due, report.frames_by_clock) = (0.0, 0.0),
        ];
        for (case, spoil) in spoil.into_iter().enumerate() {
            let mut report = fine();
            spoil(&mut report);
            assert!(!report.keeps_pace(), "case {case}");
        }
    }

    #[test]
    fn processor_time_is_by_client_and_second() {
        assert!((fine().cpu_s_per_1000_client_s() - 0.2).abs() < 1e-9);
        assert!((fine().driver_busy_pct() - 50.0).abs() < 1e-9);
    }
}
