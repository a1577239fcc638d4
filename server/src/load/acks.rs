//! How long inputs take until a frame acknowledges them, free of coordinated omission.
//!
//! An input counts from when it was *scheduled*, not from when it was sent: a bot that was held up
//! sends late, and what it waited is part of what a player would have waited. An input that is
//! never acknowledged counts with its age. Knows no sockets and no clock.

use std::collections::VecDeque;
use std::time::Duration;

/// Moments that one call may catch up on; a bot that was held up for longer counts the rest as
/// lost, for a burst of more would only be a flood.
pub(super) const CATCH_UP_MAX: usize = 16;

/// When to think: at a fixed rate, whatever happens in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    next: Duration,
    period: Duration,
}

impl Schedule {
    pub(super) const fn new(first: Duration, period: Duration) -> Self {
        Self {
            next: first,
            period,
        }
    }

    /// When to look again.
    pub(super) const fn next(&self) -> Duration {
        self.next
    }

    /// The oldest moment that has come and was not taken yet.
    pub(super) fn take(&mut self, now: Duration) -> Option<Duration> {
        let at = self.next;
        (at <= now).then(|| {
            self.next += self.period;
            at
        })
    }
}

/// The inputs of one bot that were not acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Acks {
    sent: u32,
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    seq: u32,
    scheduled: Duration,
}

/// An ack of an input that was never sent, or one older than the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input {ack} is acknowledged, but only {sent} were sent")]
pub(super) struct NeverSent {
    ack: u32,
    sent: u32,
}

impl Acks {
    /// The number of the input that is sent now and was scheduled then.
    pub(super) fn handle_sent(&mut self, scheduled: Duration) -> u32 {
        self.sent += 1;
        self.open.push_back(Open {
            seq: self.sent,
            scheduled,
        });
        self.sent
    }

    /// Takes in a frame's ack; `count` gets each acknowledged input's schedule and latency.
    pub(super) fn handle_ack(
        &mut self,
        ack: u32,
        now: Duration,
        mut count: impl FnMut(Duration, Duration),
    ) -> Result<(), NeverSent> {
        if ack > self.sent {
            return Err(NeverSent {
                ack,
                sent: self.sent,
            });
        }
        while let Some(open) = self.open.pop_front_if(|open| open.seq <= ack) {
            count(open.scheduled, now.saturating_sub(open.scheduled));
        }
        Ok(())
    }

    /// The schedule and the age of each input that was never acknowledged.
    pub(super) fn unacked(&self, now: Duration) -> impl Iterator<Item = (Duration, Duration)> {
        self.open
            .iter()
            .map(move |open| (open.scheduled, now.saturating_sub(open.scheduled)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn latencies(acks: &mut Acks, ack: u32, now: u64) -> Vec<Duration> {
        let mut out = Vec::new();
        acks.handle_ack(ack, ms(now), |_, latency| out.push(latency))
            .expect("sent before");
        out
    }

    #[test]
    fn a_bot_that_was_held_up_counts_from_its_schedule() {
        let mut schedule = Schedule::new(ms(0), ms(100));
        let mut acks = Acks::default();
        // Held up for 950 ms: ten moments have passed, and all are sent at once.
        let mut sent = 0;
        while let Some(at) = schedule.take(ms(950)) {
            sent = acks.handle_sent(at);
        }
        assert_eq!(sent, 10);
        assert_eq!(schedule.next(), ms(1000));
        let measured = latencies(&mut acks, 10, 1000);
        let expect: Vec<_> = (1..=10).rev().map(|n| ms(n * 100)).collect();
        assert_eq!(measured, expect, "not ten times 50 ms");
    }

    #[test]
    fn one_ack_is_for_all_up_to_it() {
        let mut acks = Acks::default();
        for at in [0, 100, 200] {
            acks.handle_sent(ms(at));
        }
        assert_eq!(latencies(&mut acks, 0, 210), []);
        assert_eq!(latencies(&mut acks, 2, 250), [ms(250), ms(150)]);
        assert_eq!(latencies(&mut acks, 2, 260), []);
        assert_eq!(latencies(&mut acks, 3, 300), [ms(100)]);
    }

    #[test]
    fn what_was_never_acknowledged_has_an_age() {
        let mut acks = Acks::default();
        acks.handle_sent(ms(0));
        acks.handle_sent(ms(100));
        latencies(&mut acks, 1, 150);
        let left: Vec<_> = acks.unacked(ms(2100)).collect();
        assert_eq!(left, [(ms(100), ms(2000))]);
    }

    #[test]
    fn an_ack_of_what_was_never_sent_is_told() {
        let mut acks = Acks::default();
        acks.handle_sent(ms(0));
        assert_eq!(
            acks.handle_ack(2, ms(50), |_, _| ()),
            Err(NeverSent { ack: 2, sent: 1 })
        );
    }
}
