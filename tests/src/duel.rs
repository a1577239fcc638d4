//! The quiz duel of `docs/tutorial.md`, whole: its pieces stand there word by word.

use std::time::Duration;

use downbeat::client::View;
use downbeat::rand::RngExt as _;
use downbeat::{
    Bot, Game, Listing, OpenError, Player, PlayerId, Refusal, Replicate, Rng, Room, Seat, To,
};
use serde::{Deserialize, Serialize};

/// The questions, each with its choices; the first one is right.
const QUESTIONS: [(&str, [&str; 3]); 3] = [
    (
        "On which beat does everybody agree?",
        ["the downbeat", "the upbeat", "the backbeat"],
    ),
    (
        "Which of these keeps a clock honest?",
        ["deadlines", "sleeping longer", "hope"],
    ),
    (
        "What does a client send?",
        ["what it wants", "what is true", "the score"],
    ),
];
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const REVEALED_FOR: Duration = Duration::from_secs(3);

/// What both players see.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Board {
    /// Where the duel stands.
    pub phase: Phase,
    /// The question, and what may be chosen.
    pub question: String,
    /// In the order of this round.
    pub choices: Vec<String>,
    /// Names and points.
    pub scores: Vec<(String, u16)>,
}

/// Where a duel stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// One player waits for the other.
    #[default]
    Waiting,
    /// The question is open.
    Asking,
    /// The right choice is shown.
    Revealed(u8),
}

/// What only the player itself sees: its own choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Choice {
    /// `None`: still thinking.
    pub chosen: Option<u8>,
}

/// What happens once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The duel is decided; nobody wins a draw.
    Won(Option<String>),
}

/// What timers say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Alarm {
    /// Nobody may answer any more.
    TimeIsUp,
    /// On to the next question.
    Next,
}

/// What the room remembers and nobody is shown.
#[derive(Serialize, Deserialize)]
pub struct Duel {
    round: usize,
    right: u8,
    players: Vec<PlayerId>,
}

#[downbeat::game]
impl Game for Duel {
    const NAME: &'static str = "duel";
    const TICK_RATE_HZ: u16 = 5;
    type Shared = Board;
    type Private = Choice;
    type Input = u8;
    type Event = Event;
    type Timer = Alarm;

    fn open(_: &(), room: &mut Room<Self>) -> Result<Self, OpenError> {
        room.set_listing(Listing {
            max: Some(2),
            ..Listing::default()
        });
        Ok(Self {
            round: 0,
            right: 0,
            players: Vec::new(),
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        self.players.push(player.id);
        room.shared_mut().scores.push((player.name.clone(), 0));
        if self.players.len() == 2 {
            self.ask(room);
        }
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, choice: u8) {
        let board = room.shared();
        if board.phase != Phase::Asking || usize::from(choice) >= board.choices.len() {
            return; // too late, or no such choice
        }
        if let Some(mine) = room.private_mut(player) {
            mine.chosen.get_or_insert(choice);
        }
    }

    fn timer(&mut self, room: &mut Room<Self>, alarm: Alarm) {
        match alarm {
            Alarm::TimeIsUp => self.reveal(room),
            Alarm::Next if self.round < QUESTIONS.len() => self.ask(room),
            Alarm::Next => end(room),
        }
    }

    /// A duel of one is no duel.
    fn leave(&mut self, room: &mut Room<Self>, _: PlayerId) {
        end(room);
    }

    fn bot(_: u64) -> Option<Box<dyn Bot<Self>>> {
        Some(Box::new(|view: &View<Self>, rng: &mut Rng| {
            let open = view.shared.phase == Phase::Asking && view.private.chosen.is_none();
            open.then(|| rng.random_range(0..3))
        }))
    }
}

impl Duel {
    fn ask(&mut self, room: &mut Room<Self>) {
        let (question, [right, wrong @ ..]) = QUESTIONS[self.round];
        self.round += 1;
        self.right = room.rng().random_range(0..3);
        let mut choices = wrong.map(String::from).to_vec();
        choices.insert(usize::from(self.right), right.into());
        for &player in &self.players {
            if let Some(mine) = room.private_mut(player) {
                mine.chosen = None;
            }
        }
        let board = room.shared_mut();
        board.phase = Phase::Asking;
        board.question = question.into();
        board.choices = choices;
        room.timer(ANSWER_WITHIN, Alarm::TimeIsUp);
    }

    fn reveal(&self, room: &mut Room<Self>) {
        for (at, &player) in self.players.iter().enumerate() {
            if room.private(player).and_then(|mine| mine.chosen) == Some(self.right) {
                room.shared_mut().scores[at].1 += 1;
            }
        }
        room.shared_mut().phase = Phase::Revealed(self.right);
        room.timer(REVEALED_FOR, Alarm::Next);
    }
}

fn end(room: &mut Room<Duel>) {
    let scores = &room.shared().scores;
    let best = scores.iter().map(|(_, points)| *points).max();
    let mut winners = scores.iter().filter(|(_, points)| Some(*points) == best);
    let winner = match (winners.next(), winners.next()) {
        (Some((name, _)), None) => Some(name.clone()),
        _ => None,
    };
    room.emit(&Event::Won(winner), To::All);
    room.close();
}

#[cfg(test)]
mod tests {
    use downbeat::testing::TestRoom;

    use super::*;

    #[test]
    fn whoever_knows_more_wins() {
        let mut room = TestRoom::<Duel>::open(());
        let ada = room.join("Ada").expect("a free seat");
        assert_eq!(room.view(ada).shared.phase, Phase::Waiting);
        let bob = room.join("Bob").expect("a free seat");
        for _ in 0..QUESTIONS.len() {
            let right = room.game().right;
            room.input(ada, right);
            room.input(bob, (right + 1) % 3);
            room.step(1);
            assert_eq!(room.view(bob).private.chosen, Some((right + 1) % 3));
            room.step(5 * 10); // time is up
            assert_eq!(room.view(bob).shared.phase, Phase::Revealed(right));
            room.step(5 * 3 - 1); // the next question, or the end
        }
        let won = Event::Won(Some("Ada".into()));
        assert_eq!(room.events(bob), [won]);
        assert_eq!(
            room.closed(bob).map(|close| close.reason),
            Some("room closed")
        );
    }
    #[test]
    fn a_duel_has_two_seats_and_ends_with_either() {
        let mut room = TestRoom::<Duel>::open(());
        let [ada, bob] = ["Ada", "Bob"].map(|name| room.join(name).expect("a free seat"));
        assert!(room.join("Cleo").is_err());
        room.leave(ada);
        room.step(1);
        assert_eq!(room.events(bob), [Event::Won(None)]);
    }
}
