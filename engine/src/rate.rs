//! Token buckets: how much a peer may send.

use std::time::Duration;

use crate::limits::{
    BYTES_BURST, BYTES_PER_S, FLOOD_CLOSE_AFTER, FLOOD_OVER_AFTER, INPUTS_BURST, INPUTS_PER_S,
    NOTES_BURST, NOTES_PER_S,
};

/// A bucket that fills at a steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f32,
    burst: f32,
    per_s: f32,
    at: Duration,
}

impl Bucket {
    /// A full bucket.
    pub const fn new(per_s: f32, burst: f32, now: Duration) -> Self {
        Self {
            tokens: burst,
            burst,
            per_s,
            at: now,
        }
    }

    /// Takes `amount` out, if there is so much.
    pub fn take(&mut self, amount: f32, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f32();
        self.at = now;
        self.tokens = (self.tokens + passed * self.per_s).min(self.burst);
        let enough = self.tokens >= amount;
        if enough {
            self.tokens -= amount;
        }
        enough
    }
}

/// What to do with a message, before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Drop,
    Close,
}

/// One client's buckets.
#[derive(Debug)]
pub(crate) struct RateLimit {
    inputs: Bucket,
    notes: Bucket,
    bytes: Bucket,
    /// Since when messages have been dropped, and the last time.
    flood: Option<(Duration, Duration)>,
}

impl RateLimit {
    /// A room that ticks faster than inputs may come gets as many inputs as ticks.
    pub(crate) fn new(tick_rate_hz: u16, now: Duration) -> Self {
        let inputs_per_s = INPUTS_PER_S.max(f32::from(tick_rate_hz) * 1.1);
        Self {
            inputs: Bucket::new(inputs_per_s, INPUTS_BURST.max(2.0 * inputs_per_s), now),
            notes: Bucket::new(NOTES_PER_S, NOTES_BURST, now),
            bytes: Bucket::new(BYTES_PER_S, BYTES_BURST, now),
            flood: None,
        }
    }

    /// Judges a message by its size and whether it is an input.
    pub(crate) fn judge(&mut self, is_input: bool, bytes: usize, now: Duration) -> Verdict {
        let bucket = if is_input {
            &mut self.inputs
        } else {
            &mut self.notes
        };
        #[expect(clippy::cast_precision_loss, reason = "a message is at most 4 KiB")]
        let size = bytes as f32;
        if bucket.take(1.0, now) && self.bytes.take(size, now) {
            return Verdict::Accept;
        }
        let since = match self.flood {
            Some((since, last)) if now.saturating_sub(last) < FLOOD_OVER_AFTER => since,
            _ => now,
        };
        self.flood = Some((since, now));
        if now.saturating_sub(since) >= FLOOD_CLOSE_AFTER {
            Verdict::Close
        } else {
            Verdict::Drop
        }
    }
}

impl RateLimit {
    /// Whether messages had to be dropped a moment ago.
    pub(crate) fn is_flooding(&self, now: Duration) -> bool {
        self.flood
            .is_some_and(|(_, last)| now.saturating_sub(last) < FLOOD_OVER_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge_for(seconds: u64, per_s: u64) -> (u64, Option<Duration>) {
        let mut limit = RateLimit::new(20, Duration::ZERO);
        let mut accepted = 0;
        for i in 0..seconds * per_s {
            let now = Duration::from_micros(i * 1_000_000 / per_s);
            match limit.judge(true, 8, now) {
                Verdict::Accept => accepted += 1,
                Verdict::Drop => {}
                Verdict::Close => return (accepted, Some(now)),
            }
        }
        (accepted, None)
    }

    #[test]
    fn a_client_that_sends_each_tick_is_never_limited() {
        assert_eq!(judge_for(600, 20), (12_000, None));
    }

    #[test]
    fn a_flood_is_dropped_and_closed_after_three_seconds() {
        let (accepted, closed) = judge_for(10, 1000);
        assert!(accepted < 60 + 30 * 4, "{accepted}");
        let closed = closed.expect("closed").as_secs_f32();
        assert!((3.0..3.2).contains(&closed), "{closed}");
    }

    #[test]
    fn a_burst_now_and_then_is_forgiven() {
        let mut limit = RateLimit::new(20, Duration::ZERO);
        for second in 0..60 {
            for _ in 0..150 {
                let verdict = limit.judge(true, 8, Duration::from_secs(second * 2));
                assert_ne!(verdict, Verdict::Close);
            }
        }
    }

    #[test]
    fn a_fast_room_takes_an_input_each_tick() {
        let mut limit = RateLimit::new(60, Duration::ZERO);
        for i in 0..6000 {
            let now = Duration::from_micros(i * 16_667);
            assert_eq!(limit.judge(true, 8, now), Verdict::Accept);
        }
    }
}
