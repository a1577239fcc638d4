//! Bots whose line is cut now and then, and who come back as the same member.
//!
//! In: when, what the bot said, what it was welcomed with. Out: whether the line is to be cut now,
//! and what is to be said again. Knows no sockets and no clock.

use std::collections::VecDeque;
use std::time::Duration;

use downbeat::rand::RngExt as _;
use downbeat::wire::Welcome;
use downbeat::{Rng, seeded};

/// The cuts of one bot, and what it takes to get over them.
#[derive(Debug)]
pub(super) struct Cuts<I> {
    /// Time between two cuts on average; `None` for a line that is never cut.
    every: Option<Duration>,
    next: Option<Duration>,
    rng: Rng,
    /// Inputs that were not acknowledged, oldest first.
    said: VecDeque<(u32, I)>,
    /// Who it is, and what it shows the next time.
    member: Option<(u32, String)>,
    resuming: bool,
}

/// A line that is cut now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// What to show to come back.
    pub(super) token: String,
    /// The old connection is still to stand then.
    pub(super) old_stands: bool,
}

/// A welcome that no correct server says to a member that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("came back as member {now} and not as {before}")]
pub(super) struct SomebodyElse {
    before: u32,
    now: u32,
}

impl<I> Cuts<I> {
    pub(super) fn new(every: Option<Duration>, seed: u64, room: &str) -> Self {
        Self {
            every,
            next: None,
            rng: seeded(seed, room, 0, "cuts"),
            said: VecDeque::new(),
            member: None,
            resuming: false,
        }
    }

    /// It plays from now on.
    pub(super) fn handle_playing(&mut self, now: Duration) {
        let wait = |every: Duration, share: f32| every.mul_f32(2.0 * share);
        self.next = self.every.map(|every| now + wait(every, self.rng.random()));
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// The line is cut; `None` if the server gave nothing to come back with: no cuts any more.
    pub(super) fn handle_cut(&mut self) -> Option<Cut> {
        self.next = None;
        let (_, token) = self.member.clone().filter(|(_, token)| !token.is_empty())?;
        self.resuming = true;
        Some(Cut {
            token,
            old_stands: self.rng.random_bool(0.2),
        })
    }

    /// What it said, for as long as it may have to be said again.
    pub(super) fn handle_said(&mut self, seq: u32, input: I) {
        if self.every.is_some() {
            self.said.push_back((seq, input));
        }
    }

    pub(super) fn handle_ack(&mut self, ack: u32) {
        while self.said.pop_front_if(|(seq, _)| *seq <= ack).is_some() {}
    }

    /// Takes a welcome in; answers what the server has not taken, if this is one to come back.
    pub(super) fn handle_welcome(
        &mut self,
        welcome: &Welcome,
    ) -> Result<Option<Vec<(u32, I)>>, SomebodyElse>
    where
        I: Clone,
    {
        let before = self.member.as_ref().map(|(player, _)| *player);
        self.member = Some((welcome.player, welcome.resume.clone()));
        if !std::mem::take(&mut self.resuming) {
            return Ok(None);
        }
        if let Some(before) = before.filter(|&before| before != welcome.player) {
            let now = welcome.player;
            return Err(SomebodyElse { before, now });
        }
        let untaken = self.said.iter().filter(|(seq, _)| *seq > welcome.taken);
        Ok(Some(untaken.cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use downbeat::{Seat, Space, Tick};

    use super::*;

    fn welcome(player: u32, taken: u32, token: &str) -> Welcome {
        Welcome {
            player,
            seat: Seat::Player,
            tick: Tick::new(1),
            tick_rate_hz: 20,
            space: Space::Whole,
            game: "field".into(),
            room: "main".into(),
            name: "bot-1".into(),
            taken,
            resume: token.into(),
        }
    }

    #[test]
    fn what_was_not_taken_is_said_again_and_what_was_acknowledged_is_forgotten() {
        let mut cuts = Cuts::new(Some(Duration::from_secs(1)), 1, "main");
        assert_eq!(cuts.handle_welcome(&welcome(7, 0, "a")), Ok(None));
        for seq in 1..=5 {
            cuts.handle_said(seq, seq);
        }
        cuts.handle_ack(2);
        assert_eq!(cuts.handle_cut().expect("a token").token, "a");
        let again = cuts.handle_welcome(&welcome(7, 3, "b"));
        assert_eq!(again, Ok(Some(vec![(4, 4), (5, 5)])));
        assert_eq!(cuts.handle_cut().expect("a token").token, "b");
        let other = cuts.handle_welcome(&welcome(8, 0, "c"));
        assert_eq!(other, Err(SomebodyElse { before: 7, now: 8 }));
    }

    #[test]
    fn a_line_is_cut_as_often_as_it_was_asked_for() {
        let mut cuts = Cuts::<()>::new(Some(Duration::from_secs(10)), 1, "main");
        let (mut now, mut times) = (Duration::ZERO, 0);
        cuts.handle_playing(now);
        while now < Duration::from_secs(10_000) {
            now += Duration::from_millis(100);
            if cuts.is_due(now) {
                times += 1;
                cuts.handle_playing(now);
            }
        }
        assert!((900..1100).contains(&times), "{times}");

        let mut never = Cuts::<()>::new(None, 1, "main");
        never.handle_playing(now);
        assert!(!never.is_due(Duration::MAX));
    }

    #[test]
    fn who_was_given_nothing_to_come_back_with_is_not_cut() {
        let mut cuts = Cuts::<()>::new(Some(Duration::from_secs(1)), 1, "main");
        assert_eq!(cuts.handle_welcome(&welcome(7, 0, "")), Ok(None));
        cuts.handle_playing(Duration::ZERO);
        assert!(cuts.is_due(Duration::from_secs(2)));
        assert_eq!(cuts.handle_cut(), None);
        assert!(!cuts.is_due(Duration::from_secs(2)));
    }
}
