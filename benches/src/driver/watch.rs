//! What a client makes of the frames it gets: how many were due and came, and when. Pure: bytes
//! and times are handed in.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::header::{Header, follow, welcome_tick};

/// What all clients counted in the window.
pub(super) struct Tally {
    pub(super) frames_due: u64,
    pub(super) frames_received: u64,
    /// Between two whole frames. Units: microseconds.
    pub(super) gaps_us: Histogram<u64>,
    /// The sum of them: how long frames were looked for.
    pub(super) watched: Duration,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            frames_due: 0,
            frames_received: 0,
            gaps_us: Histogram::new(3).expect("three digits are allowed"),
            watched: Duration::ZERO,
        }
    }

    fn add_gap(&mut self, gap: Duration) {
        self.gaps_us += u64::try_from(gap.as_micros()).unwrap_or(u64::MAX);
        self.watched += gap;
    }
}

/// One client's view of the clock.
#[derive(Default)]
pub(super) struct Watch {
    /// The newest tick.
    pub(super) tick: u32,
    pub(super) welcomed: bool,
    due: u16,
    last_at: Option<Instant>,
}

impl Watch {
    /// Takes in a message; counts it where there is a tally.
    pub(super) fn handle_message(
        &mut self,
        message: &[u8],
        now: Instant,
        tally: Option<&mut Tally>,
    ) {
        if let Some(tick) = welcome_tick(message) {
            self.tick = tick;
            self.welcomed = true;
        }
        let Some(header) = Header::parse(message) else {
            return;
        };
        self.tick = follow(self.tick, header.tick);
        if header.more {
            return;
        }
        let grown = header.due.wrapping_sub(self.due);
        self.due = header.due;
        if grown == 0 {
            return; // a heartbeat
        }
        let last_at = self.last_at.replace(now);
        if let (Some(tally), Some(last_at)) = (tally, last_at) {
            tally.frames_due += u64::from(grown);
            tally.frames_received += 1;
            tally.add_gap(now - last_at);
        }
    }

    /// The window ends: a silence counts as the gap that it is already.
    pub(super) fn settle_up(
        &self,
        began: Instant,
        now: Instant,
        period: Duration,
        tally: &mut Tally,
    ) {
        let silence = now.saturating_duration_since(self.last_at.unwrap_or(began));
        if silence > 2 * period {
            tally.add_gap(silence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(50);

    fn frame(tick: u16, due: u16, more: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let ack = None;
        Header {
            tick,
            due,
            ack,
            more,
        }
        .put(&mut bytes);
        bytes
    }

    #[test]
    fn due_frames_count_and_heartbeats_and_parts_do_not() {
        let (mut watch, mut tally) = (Watch::default(), Tally::new());
        let began = Instant::now();
        watch.handle_message(&[0, 1, 1, 5, 20, 0], began, None);
        assert!(watch.welcomed);
        for (tick, due, more) in [
            (6, 1, false),
            (7, 2, true),
            (7, 2, false),
            (27, 2, false),
            (28, 5, false),
        ] {
            let at = began + PERIOD * u32::from(tick);
            watch.handle_message(&frame(tick, due, more), at, Some(&mut tally));
        }
        // The first frame only starts the watch.
        assert_eq!((tally.frames_due, tally.frames_received), (4, 2));
        assert_eq!(tally.watched, 22 * PERIOD);
        assert_eq!(watch.tick, 28);
    }

    #[test]
    fn counts_go_on_over_their_halves() {
        let (mut watch, mut tally) = (Watch::default(), Tally::new());
        let began = Instant::now();
        watch.tick = 65_534;
        for (tick, due) in [(65_535, 65_534), (0, 65_535), (1, 1)] {
            watch.handle_message(&frame(tick, due, false), began, Some(&mut tally));
        }
        assert_eq!((tally.frames_due, tally.frames_received), (3, 2));
        assert_eq!(watch.tick, 65_537);
    }

    #[test]
    fn a_silence_at_the_end_is_a_gap() {
        let (mut watch, mut tally) = (Watch::default(), Tally::new());
        let began = Instant::now();
        watch.settle_up(began, began + PERIOD, PERIOD, &mut tally);
        assert!(tally.gaps_us.is_empty());
        watch.settle_up(began, began + 20 * PERIOD, PERIOD, &mut tally);
        assert!(tally.gaps_us.max() >= 1_000_000);
        watch.handle_message(&frame(1, 1, false), began + 19 * PERIOD, None);
        watch.settle_up(began, began + 20 * PERIOD, PERIOD, &mut tally);
        assert_eq!(tally.gaps_us.len(), 1);
    }
}
