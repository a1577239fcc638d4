//! The timers of a room: what fires at which tick, in the order in which it was asked for.

use std::collections::BTreeMap;

/// A timer that has not fired yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    due: u64,
    sequence: u64,
}

/// Timers by (due step, sequence). Steps are counted in 64 bits here, so nothing wraps.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    waiting: BTreeMap<TimerId, T>,
    now: u64,
    sequence: u64,
}

impl<T> Timers<T> {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            now: 0,
            sequence: 0,
        }
    }

    /// Fires after `ticks` steps, at least one.
    pub(crate) fn start(&mut self, ticks: u64, timer: T) -> TimerId {
        self.sequence += 1;
        let id = TimerId {
            due: self.now.saturating_add(ticks.max(1)),
            sequence: self.sequence,
        };
        self.waiting.insert(id, timer);
        id
    }

    pub(crate) fn cancel(&mut self, id: TimerId) -> Option<T> {
        self.waiting.remove(&id)
    }

    /// A step passes.
    pub(crate) const fn advance(&mut self) {
        self.now += 1;
    }

    /// The next timer that is due, one at a time: a timer may cancel another.
    pub(crate) fn take_due(&mut self) -> Option<T> {
        let entry = self.waiting.first_entry()?;
        (entry.key().due <= self.now).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_at_their_tick_in_the_order_asked() {
        let mut timers = Timers::new();
        timers.start(2, 'b');
        timers.start(2, 'c');
        timers.start(0, 'a');
        let cancelled = timers.start(2, 'x');
        assert_eq!(timers.cancel(cancelled), Some('x'));
        assert_eq!(timers.cancel(cancelled), None);
        let mut fired = Vec::new();
        for step in 1..=3 {
            timers.advance();
            while let Some(timer) = timers.take_due() {
                fired.push((step, timer));
            }
        }
        assert_eq!(fired, [(1, 'a'), (2, 'b'), (2, 'c')]);
    }
}
