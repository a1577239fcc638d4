//! What frames tell about their pace: how many were due, how many came, and how far apart.
//!
//! In: the tick and the `due` count of each whole frame, and when it arrived. Out: what to count.
//! Knows no sockets and no clock.

use std::time::Duration;

use downbeat::Tick;

/// One member's frames, as they arrive.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The last frame that was due.
    last: Option<Arrival>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    tick: Tick,
    due: u32,
    at: Duration,
}

/// A frame that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DueFrame {
    /// By how much the count grew: this frame, and those that were skipped before it.
    pub(super) expected: u32,
    /// Ticks since the last frame that was due.
    pub(super) ticks: u32,
    /// Time since the last frame that was due; `None` if ticks between them had nothing to show,
    /// so that the time says nothing about the server.
    pub(super) gap: Option<Duration>,
}

/// A header that no correct server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Impossible {
    #[error("a frame of an older tick")]
    OlderTick,
    #[error("more frames were due than there were ticks")]
    MoreDueThanTicks,
}

impl Pace {
    /// Takes in a whole frame; `None` is the first one, or a heartbeat.
    pub(super) fn handle_frame(
        &mut self,
        tick: Tick,
        due: u32,
        at: Duration,
    ) -> Result<Option<DueFrame>, Impossible> {
        let arrival = Arrival { tick, due, at };
        let Some(last) = self.last else {
            self.last = Some(arrival);
            return Ok(None);
        };
        if last.tick.is_newer(tick) {
            return Err(Impossible::OlderTick);
        }
        let expected = due.wrapping_sub(last.due);
        let ticks = tick.since(last.tick);
        if expected > ticks {
            return Err(Impossible::MoreDueThanTicks);
        }
        if expected == 0 {
            return Ok(None);
        }
        self.last = Some(arrival);
        let gap = (expected == ticks).then(|| at.saturating_sub(last.at));
        Ok(Some(DueFrame {
            expected,
            ticks,
            gap,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Frames as (tick, due, arrival in ms); what is counted as (expected, ticks, gap in ms).
    fn check(frames: &[(u32, u32, u64)], expect: &[(u32, u32, Option<u64>)]) {
        let mut pace = Pace::default();
        let counted: Vec<_> = frames
            .iter()
            .filter_map(|&(tick, due, at)| {
                pace.handle_frame(Tick::new(tick), due, ms(at))
                    .expect("possible")
            })
            .map(|f| (f.expected, f.ticks, f.gap.map(|gap| gap.as_millis())))
            .collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|&(expected, ticks, gap)| (expected, ticks, gap.map(u128::from)))
            .collect();
        assert_eq!(counted, expect);
    }

    #[test]
    fn the_first_frame_is_where_counting_begins() {
        check(&[(300, 17, 0)], &[]);
        check(&[(300, 17, 0), (301, 18, 50)], &[(1, 1, Some(50))]);
    }

    #[test]
    fn a_skipped_frame_is_expected_and_its_gap_counts_as_it_is() {
        check(
            &[(1, 1, 0), (2, 2, 50), (5, 5, 200), (6, 6, 250)],
            &[(1, 1, Some(50)), (3, 3, Some(150)), (1, 1, Some(50))],
        );
    }

    #[test]
    fn quiet_ticks_are_neither_expected_nor_in_a_gap() {
        check(
            &[(1, 1, 0), (2, 2, 50), (40, 3, 1950), (41, 4, 2000)],
            &[(1, 1, Some(50)), (1, 38, None), (1, 1, Some(50))],
        );
    }

    #[test]
    fn a_heartbeat_is_no_frame() {
        check(
            &[(1, 1, 0), (21, 1, 1000), (21, 1, 1500), (22, 2, 1550)],
            &[(1, 21, None)],
        );
    }

    #[test]
    fn a_late_frame_shows_its_lateness() {
        check(
            &[(1, 1, 0), (2, 2, 350), (3, 3, 351)],
            &[(1, 1, Some(350)), (1, 1, Some(1))],
        );
    }

    #[test]
    fn ticks_go_on_after_the_wrap() {
        check(&[(u32::MAX, 9, 0), (0, 10, 50)], &[(1, 1, Some(50))]);
    }

    #[test]
    fn what_no_server_sends_is_told() {
        let mut pace = Pace::default();
        assert_eq!(pace.handle_frame(Tick::new(10), 10, ms(0)), Ok(None));
        assert_eq!(
            pace.handle_frame(Tick::new(9), 11, ms(50)),
            Err(Impossible::OlderTick)
        );
        assert_eq!(
            pace.handle_frame(Tick::new(11), 12, ms(50)),
            Err(Impossible::MoreDueThanTicks)
        );
        assert_eq!(
            pace.handle_frame(Tick::new(11), 9, ms(50)),
            Err(Impossible::MoreDueThanTicks)
        );
    }
}
