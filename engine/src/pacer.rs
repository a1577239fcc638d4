//! The pacer: which ticks are due now, given only the time.
//!
//! In: monotonic time as an argument. Out: how many ticks to run, how many were dropped, when the
//! next one is due. It knows no clock and no thread, so a day of ticks is tested in a millisecond.

use std::time::Duration;

use crate::limits::{CATCH_UP_TICKS_MAX, TICK_RATE_HZ_MAX, TICK_RATE_HZ_MIN};

/// Absolute deadlines at a fixed rate.
///
/// Deadline *n* is `origin + n / rate`, computed anew from *n* each time: work, late wakes and
/// rounding never add up to drift.
#[derive(Clone, Debug)]
pub struct Pacer {
    tick_rate_hz: u16,
    origin: Duration,
    /// The next deadline, counted from `origin`.
    next: u64,
    dropped: u64,
}

/// What one wake has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Ticks to run now, at most [`CATCH_UP_TICKS_MAX`].
    pub run: u32,
    /// Deadlines that passed beyond those; nobody will run them.
    pub dropped: u64,
}

impl Pacer {
    /// A pacer whose first tick is due at `now`.
    ///
    /// # Panics
    /// If the rate is outside [`TICK_RATE_HZ_MIN`]..=[`TICK_RATE_HZ_MAX`].
    pub fn new(tick_rate_hz: u16, now: Duration) -> Self {
        assert!(
            (TICK_RATE_HZ_MIN..=TICK_RATE_HZ_MAX).contains(&tick_rate_hz),
            "a tick rate is {TICK_RATE_HZ_MIN} to {TICK_RATE_HZ_MAX} Hz, not {tick_rate_hz}"
        );
        Self {
            tick_rate_hz,
            origin: now,
            next: 0,
            dropped: 0,
        }
    }

    /// Starts anew: the next tick is due at `now`, and no time before it counts.
    pub fn restart(&mut self, now: Duration) {
        self.origin = now;
        self.next = 0;
    }

    /// Takes the deadlines that have passed at `now`.
    pub fn poll_due(&mut self, now: Duration) -> Due {
        if now < self.deadline() {
            return Due::default();
        }
        let elapsed = (now - self.origin).as_nanos();
        // The last n with n / rate ≤ elapsed; `deadline` rounds down, so n + 1 may be due as well.
        let ticks = elapsed * u128::from(self.tick_rate_hz) / 1_000_000_000;
        let mut last = u64::try_from(ticks).unwrap_or(u64::MAX - 1); // millions of years
        if self.deadline_of(last + 1) <= now {
            last += 1;
        }
        let passed = last + 1 - self.next;
        let run = passed.min(u64::from(CATCH_UP_TICKS_MAX));
        self.next = last + 1;
        self.dropped += passed - run;
        Due {
            run: u32::try_from(run).unwrap_or(CATCH_UP_TICKS_MAX),
            dropped: passed - run,
        }
    }

    /// When the next tick is due.
    pub fn deadline(&self) -> Duration {
        self.deadline_of(self.next)
    }

    /// Ticks dropped since the pacer was made.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn deadline_of(&self, n: u64) -> Duration {
        let rate = u64::from(self.tick_rate_hz);
        let nanos = (n % rate) * 1_000_000_000 / rate;
        self.origin + Duration::from_secs(n / rate) + Duration::from_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Wakes at each deadline plus `late`, sleeping through `stall` once, for `seconds`.
    fn run(rate: u16, seconds: u64, late: Duration, stall: Option<(u64, Duration)>) -> (u64, u64) {
        let mut pacer = Pacer::new(rate, Duration::ZERO);
        let (mut now, mut ran) = (Duration::ZERO, 0);
        let mut stall = stall;
        loop {
            now = now.max(pacer.deadline()) + late;
            if let Some((_, length)) = stall.take_if(|(at, _)| now >= Duration::from_secs(*at)) {
                now += length;
            }
            if now >= Duration::from_secs(seconds) {
                return (ran, pacer.dropped());
            }
            let due = pacer.poll_due(now);
            assert!(due.run <= CATCH_UP_TICKS_MAX);
            ran += u64::from(due.run);
        }
    }

    #[test]
    fn twenty_hertz_is_1200_ticks_a_minute_however_late_each_wake_is() {
        for late in [Duration::ZERO, Duration::from_micros(1), 10 * MS, 49 * MS] {
            let (ran, dropped) = run(20, 60, late, None);
            assert!((1199..=1200).contains(&ran), "{ran} with {late:?} late");
            assert_eq!(dropped, 0, "{late:?}");
        }
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_does_not_drift() {
        for rate in [3, 7, 30, 60, 127, 128] {
            let (ran, dropped) = run(rate, 3600, Duration::ZERO, None);
            assert_eq!((ran, dropped), (3600 * u64::from(rate), 0));
        }
    }

    #[test]
    fn a_stall_is_caught_up_by_three_ticks_and_the_rest_is_dropped_and_counted() {
        for (stall, dropped_expected) in [(10 * MS, 0), (200 * MS, 2), (5000 * MS, 98)] {
            let (ran, dropped) = run(20, 60, Duration::ZERO, Some((30, stall)));
            assert_eq!(dropped, dropped_expected, "{stall:?}");
            assert_eq!(ran + dropped, 1200, "{stall:?}");
        }
    }

    #[test]
    fn a_restart_forgets_the_time_asleep() {
        let mut pacer = Pacer::new(20, Duration::ZERO);
        assert_eq!(pacer.poll_due(Duration::ZERO).run, 1);
        pacer.restart(Duration::from_secs(3600));
        assert_eq!(
            pacer.poll_due(Duration::from_secs(3600)),
            Due { run: 1, dropped: 0 }
        );
        assert_eq!(pacer.deadline(), Duration::from_secs(3600) + 50 * MS);
    }

    #[test]
    #[should_panic(expected = "a tick rate is 1 to 128 Hz, not 0")]
    fn a_rate_of_zero_is_refused() {
        let _ = Pacer::new(0, Duration::ZERO);
    }
}
