//! `tally`: a poll at 5 Hz. Nobody has a body; what there is to see is shared by all.
//!
//! Everybody has one vote and may change it at any time; every 20 seconds the round is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use downbeat::client::View;
use downbeat::rand::RngExt as _;
use downbeat::{Bot, Game, OpenError, Player, PlayerId, Refusal, Replicate, Rng, Room, Seat};
use serde::{Deserialize, Serialize};

/// What one can vote for.
const OPTIONS: usize = 4;

const ROUND: Duration = Duration::from_secs(20);

/// A vote for the option with this number, 0 to 3; others do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote(pub u8);

/// What everybody sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Replicate)]
pub struct Ballot {
    /// The round, from 1.
    pub round: u32,
    /// Votes in this round, by option.
    pub votes: [u32; OPTIONS],
    /// How often each option has won.
    pub wins: [u32; OPTIONS],
}

/// The rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    votes: BTreeMap<PlayerId, usize>,
}

#[downbeat::game]
impl Game for Tally {
    const NAME: &'static str = "tally";
    const TICK_RATE_HZ: u16 = 5;

    type Input = Vote;
    type Shared = Ballot;

    fn open(_: &(), room: &mut Room<Self>) -> Result<Self, OpenError> {
        room.shared_mut().round = 1;
        room.timer(ROUND, ());
        Ok(Self {
            votes: BTreeMap::new(),
        })
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, vote: Vote) {
        let option = usize::from(vote.0);
        if option < OPTIONS {
            self.take_back(room, player);
            self.votes.insert(player, option);
            room.shared_mut().votes[option] += 1;
        }
    }

    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        self.take_back(room, player);
    }

    fn timer(&mut self, room: &mut Room<Self>, (): ()) {
        let ballot = room.shared_mut();
        let most = ballot.votes.iter().copied().max().unwrap_or(0);
        for (wins, &votes) in ballot.wins.iter_mut().zip(&ballot.votes) {
            *wins += u32::from(votes == most && most > 0); // of equals, all have won
        }
        ballot.votes = [0; OPTIONS];
        ballot.round += 1;
        self.votes.clear();
        room.timer(ROUND, ());
    }

    fn bot(_: u64) -> Option<Box<dyn Bot<Self>>> {
        let think = |_: &View<Self>, rng: &mut Rng| {
            // About once a tick: nobody is that fickle, but it is a load.
            rng.random_bool(0.5).then(|| Vote(rng.random_range(0..4)))
        };
        Some(Box::new(think))
    }
}

impl Tally {
    fn take_back(&mut self, room: &mut Room<Self>, player: PlayerId) {
        if let Some(option) = self.votes.remove(&player) {
            room.shared_mut().votes[option] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use downbeat::testing::TestRoom;

    use super::*;

    #[test]
    fn everybody_has_one_vote_and_a_round_is_won() {
        let mut room = TestRoom::<Tally>::open(());
        let ada = room.join("Ada").expect("let in");
        let bob = room.join("Bob").expect("let in");
        for (player, vote) in [(ada, 0), (ada, 2), (bob, 2), (bob, 200)] {
            room.input(player, Vote(vote));
        }
        room.step(1);
        assert_eq!(room.view(bob).shared.votes, [0, 0, 2, 0]);
        room.leave(ada);
        room.step(1);
        assert_eq!(room.view(bob).shared.votes, [0, 0, 1, 0]);
        room.step(20 * 5);
        let ballot = &room.view(bob).shared;
        assert_eq!((ballot.round, ballot.votes), (2, [0; 4]));
        assert_eq!(ballot.wins, [0, 0, 1, 0]);
    }

    #[test]
    fn a_bot_votes() {
        let mut room = TestRoom::<Tally>::open(());
        let ada = room.join("Ada").expect("let in");
        let mut bot = Tally::bot(1).expect("has a bot");
        let mut rng = downbeat::seeded(1, "test", 0, "bot");
        for _ in 0..20 {
            if let Some(vote) = bot.think(room.view(ada), &mut rng) {
                room.input(ada, vote);
            }
            room.step(1);
        }
        assert_eq!(room.view(ada).shared.votes.iter().sum::<u32>(), 1);
    }
}
