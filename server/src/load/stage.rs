//! Which part of the run it is: ramp, measurement, end. Read by every bot at every frame, so it is
//! two atomics.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Shared by all bots and the conductor. Time is since the run's start.
#[derive(Debug)]
pub(super) struct Stage {
    epoch: Instant,
    measure_from_us: AtomicU64,
    over_from_us: AtomicU64,
    /// Bots that got their first frame or failed; the ramp is over when all have.
    settled: AtomicU32,
    playing: AtomicU32,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            measure_from_us: AtomicU64::new(u64::MAX),
            over_from_us: AtomicU64::new(u64::MAX),
            settled: AtomicU32::new(0),
            playing: AtomicU32::new(0),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// That moment on the system's clock.
    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.epoch + at
    }

    pub(super) fn begin_measurement(&self) {
        self.measure_from_us
            .store(micros(self.now()), Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.over_from_us
            .store(micros(self.now()), Ordering::Relaxed);
    }

    /// Whether what happened then counts.
    pub(super) fn measures(&self, at: Duration) -> bool {
        let at = micros(at);
        at >= self.measure_from_us.load(Ordering::Relaxed)
            && at < self.over_from_us.load(Ordering::Relaxed)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over_from_us.load(Ordering::Relaxed) != u64::MAX
    }

    /// The part of the measurement that lies between two moments.
    pub(super) fn measured_between(&self, from: Duration, to: Duration) -> Duration {
        let from = micros(from).max(self.measure_from_us.load(Ordering::Relaxed));
        let to = micros(to).min(self.over_from_us.load(Ordering::Relaxed));
        Duration::from_micros(to.saturating_sub(from))
    }

    /// A bot got its first frame.
    pub(super) fn handle_playing(&self) {
        self.playing.fetch_add(1, Ordering::Relaxed);
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    /// A bot that had its first frame is gone.
    pub(super) fn handle_gone(&self) {
        self.playing.fetch_sub(1, Ordering::Relaxed);
    }

    /// A bot will never get its first frame.
    pub(super) fn handle_failed(&self) {
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled(&self) -> u32 {
        self.settled.load(Ordering::Relaxed)
    }

    pub(super) fn playing(&self) -> u32 {
        self.playing.load(Ordering::Relaxed)
    }
}

/// Microseconds, in all the time that a process can run.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_beginning_and_end_counts() {
        let stage = Stage::new();
        let ms = Duration::from_millis;
        assert!(!stage.measures(ms(5)));
        assert_eq!(stage.measured_between(ms(0), ms(10)), Duration::ZERO);
        stage.measure_from_us.store(1000, Ordering::Relaxed);
        stage.over_from_us.store(6000, Ordering::Relaxed);
        assert!(!stage.measures(Duration::from_micros(999)));
        assert!(stage.measures(ms(1)));
        assert!(!stage.measures(ms(6)));
        assert_eq!(stage.measured_between(ms(0), ms(10)), ms(5));
        assert_eq!(stage.measured_between(ms(2), ms(4)), ms(2));
    }
}
