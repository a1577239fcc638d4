//! Whether a peer keeps up: TCP says what was accepted, only the peer's echo says what was read.
//!
//! In: ticks sent, ticks echoed, time. Out: ask, stale, or too slow. A peer that never reads still
//! accepts megabytes into buffers along the way, so a full socket would tell minutes too late.

use std::time::Duration;

use crate::limits::{ECHO_ASK_AFTER, ECHO_CLOSE_AFTER, ECHO_STALE_AFTER};
use crate::tick::Tick;

/// How much later than usual an echo may be before the peer is asked: a player who let go of the
/// keys echoes only once a second by itself.
const ASK_MARGIN: Duration = Duration::from_millis(200);

/// What the echoes of one peer tell.
#[derive(Debug)]
pub(crate) struct Echo {
    /// The oldest tick sent that was not echoed yet, and when it was sent.
    open: Option<(Tick, Duration)>,
    /// The lag that this peer usually has.
    usual: Duration,
    /// When it was asked for.
    asked: Option<Duration>,
}

/// How far behind a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    Fine,
    /// Ask for an echo with a ping, once.
    Ask(Tick),
    /// Send nothing more until it has caught up.
    Stale,
    /// Give up.
    TooSlow,
}

impl Echo {
    pub(crate) const fn new() -> Self {
        Self {
            open: None,
            usual: ECHO_ASK_AFTER,
            asked: None,
        }
    }

    /// How long an echo usually takes.
    pub(crate) const fn usual(&self) -> Duration {
        self.usual
    }

    pub(crate) fn handle_sent(&mut self, tick: Tick, now: Duration) {
        if self.open.is_none() {
            self.open = Some((tick, now));
            self.asked = None;
        }
    }

    pub(crate) fn handle_seen(&mut self, tick: Tick, now: Duration) {
        if let Some((sent, at)) = self.open
            && !sent.is_newer(tick)
        {
            let lag = now.saturating_sub(at).min(ECHO_ASK_AFTER);
            self.usual = (self.usual * 7 + lag) / 8;
            self.open = None;
        }
    }

    /// The peer was asked; it will not be asked again for the same tick.
    pub(crate) const fn handle_asked(&mut self, now: Duration) {
        self.asked = Some(now);
    }

    pub(crate) fn poll(&self, now: Duration) -> Lag {
        let Some((tick, at)) = self.open else {
            return Lag::Fine;
        };
        let late = now.saturating_sub(at);
        let Some(asked) = self.asked else {
            // Whoever was blocked for long is asked as well, before it is judged.
            return if late >= ECHO_CLOSE_AFTER {
                Lag::TooSlow
            } else if late >= (self.usual + ASK_MARGIN).min(ECHO_ASK_AFTER) {
                Lag::Ask(tick)
            } else {
                Lag::Fine
            };
        };
        // An answer is given the time that it usually takes.
        let answer_late = now.saturating_sub(asked) >= self.usual + ASK_MARGIN;
        if late >= ECHO_CLOSE_AFTER {
            Lag::TooSlow
        } else if late >= self.usual + ECHO_STALE_AFTER && answer_late {
            Lag::Stale
        } else {
            Lag::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_peer_that_never_echoes_is_asked_then_stale_then_given_up_within_three_seconds() {
        let mut echo = Echo::new();
        let mut told = Vec::new();
        for at in (0..3000).step_by(50) {
            echo.handle_sent(Tick::new(1), ms(at));
            let lag = echo.poll(ms(at));
            if matches!(lag, Lag::Ask(_)) {
                echo.handle_asked(ms(at));
            }
            if told.last().is_none_or(|(_, last)| *last != lag) {
                told.push((at, lag));
            }
        }
        assert_eq!(
            told,
            [
                (0, Lag::Fine),
                (1000, Lag::Ask(Tick::new(1))),
                (1050, Lag::Fine),
                (2200, Lag::Stale),
                (2500, Lag::TooSlow)
            ]
        );
    }

    #[test]
    fn a_busy_peer_that_stops_reading_is_stale_soon_after() {
        let mut echo = Echo::new();
        for at in (0..10_000).step_by(50) {
            echo.handle_sent(Tick::new(1), ms(at));
            echo.handle_seen(Tick::new(1), ms(at + 30));
        }
        echo.handle_sent(Tick::new(2), ms(10_000));
        assert_eq!(echo.poll(ms(10_250)), Lag::Ask(Tick::new(2)));
        echo.handle_asked(ms(10_250));
        assert_eq!(echo.poll(ms(10_540)), Lag::Stale);
    }

    /// Two seconds of steering, then an echo a second; pings are answered.
    #[test]
    fn a_player_far_away_who_lets_go_of_the_keys_is_never_stale() {
        for rtt in [20, 150, 300, 450, 700] {
            let mut echo = Echo::new();
            // (when it arrives at the server, tick)
            let mut echoes = std::collections::VecDeque::new();
            for at in (0..20_000_u64).step_by(50) {
                let tick = Tick::new(u32::try_from(at / 50).expect("small"));
                while let Some((_, seen)) = echoes.pop_front_if(|&mut (due, _)| due <= at) {
                    echo.handle_seen(seen, ms(at));
                }
                let lag = echo.poll(ms(at));
                if let Lag::Ask(tick) = lag {
                    echo.handle_asked(ms(at));
                    echoes.push_back((at + rtt, tick));
                }
                assert!(
                    !matches!(lag, Lag::Stale | Lag::TooSlow),
                    "{rtt} ms, at {at}"
                );
                echo.handle_sent(tick, ms(at));
                if at < 2000 || at.is_multiple_of(1000) {
                    echoes.push_back((at + rtt, tick));
                }
                echoes
                    .make_contiguous()
                    .sort_unstable_by_key(|&(due, _)| due);
            }
        }
    }

    #[test]
    fn an_old_echo_proves_nothing() {
        let mut echo = Echo::new();
        echo.handle_sent(Tick::new(5), ms(0));
        echo.handle_seen(Tick::new(4), ms(10));
        assert_eq!(echo.poll(ms(2500)), Lag::TooSlow);
        echo.handle_seen(Tick::new(5), ms(2600));
        assert_eq!(echo.poll(ms(2600)), Lag::Fine);
    }
}
