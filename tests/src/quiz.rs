//! A quiz duel: phases and questions as shared state, players without avatars, a spectator.

use std::time::Duration;

use downbeat::{
    Game, Listing, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, TimerId, To,
};
use serde::{Deserialize, Serialize};

/// Seconds for an answer, and to look at the solution.
const QUESTION_S: u64 = 10;
const REVEAL_S: u64 = 3;

/// What a duel is opened with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// How many play; whoever comes later watches.
    pub players: u32,
    /// The questions, each with its choices; the first choice is right.
    pub questions: Vec<(String, Vec<String>)>,
}

impl Default for Settings {
    fn default() -> Self {
        let question = |text: &str, choices: &[&str]| {
            (
                text.to_owned(),
                choices.iter().map(|&c| c.to_owned()).collect(),
            )
        };
        Self {
            players: 2,
            questions: vec![
                question("First beat of the bar?", &["downbeat", "upbeat"]),
                question("Beats in 3/4?", &["three", "four"]),
            ],
        }
    }
}

/// What everybody sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Board {
    /// Where the duel stands.
    pub phase: Phase,
    /// Points by player number.
    pub scores: Vec<(u32, u16)>,
}

/// Where a duel stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// Waiting for players.
    #[default]
    Lobby,
    /// A question is open.
    Question {
        /// Which.
        number: u8,
        /// Its text.
        text: String,
        /// What may be chosen.
        choices: Vec<String>,
    },
    /// The solution is shown.
    Reveal {
        /// The right choice.
        right: u8,
    },
    /// The duel is over.
    Over,
}

/// What only the player itself sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Hand {
    /// What it has chosen.
    pub chosen: Option<u8>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// To the player alone: whether its choice was right.
    Judged {
        /// It was.
        right: bool,
    },
    /// To all: the duel is decided.
    Winner {
        /// Its number.
        player: u32,
    },
}

/// What a timer says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Alarm {
    /// Time is up for the question.
    QuestionOver,
    /// On to the next.
    RevealOver,
}

/// The rules.
#[derive(Serialize, Deserialize)]
pub struct Quiz {
    settings: Settings,
    order: Vec<usize>,
    asked: u8,
    #[serde(skip)]
    question_over: Option<TimerId>,
}

#[downbeat::game]
impl Game for Quiz {
    const NAME: &'static str = "quiz";
    const TICK_RATE_HZ: u16 = 5;
    type Settings = Settings;
    type Shared = Board;
    type Private = Hand;
    type Input = u8;
    type Event = Event;
    type Timer = Alarm;

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        if settings.questions.is_empty() {
            return Err(OpenError("a quiz needs questions".into()));
        }
        room.set_listing(Listing {
            max: Some(settings.players + 10),
            ..Listing::default()
        });
        Ok(Self {
            settings: settings.clone(),
            order: (0..settings.questions.len()).collect(),
            asked: 0,
            question_over: None,
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        if room.shared().phase != Phase::Lobby {
            return Ok(Seat::Spectator);
        }
        let board = room.shared_mut();
        board.scores.push((player.id.number(), 0));
        if board.scores.len() == self.settings.players as usize {
            self.ask(room);
        }
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, choice: u8) {
        let Phase::Question { choices, .. } = &room.shared().phase else {
            return;
        };
        if usize::from(choice) >= choices.len() {
            return room.kick(player, "no such choice");
        }
        if let Some(hand) = room.private_mut(player) {
            hand.chosen.get_or_insert(choice);
        }
        let playing = room.shared().scores.clone();
        let chosen = |(number, _): &(u32, u16)| {
            let hand = room.private(PlayerId::new(*number));
            hand.is_none_or(|hand| hand.chosen.is_some())
        };
        if playing.iter().all(chosen) {
            if let Some(timer) = self.question_over.take() {
                room.cancel(timer);
            }
            self.reveal(room);
        }
    }

    fn timer(&mut self, room: &mut Room<Self>, alarm: Alarm) {
        match alarm {
            Alarm::QuestionOver => self.reveal(room),
            Alarm::RevealOver if usize::from(self.asked) < self.order.len() => self.ask(room),
            Alarm::RevealOver => {
                let scores = &room.shared().scores;
                let winner = scores.iter().max_by_key(|(_, score)| *score);
                if let Some(&(player, _)) = winner {
                    room.emit(&Event::Winner { player }, To::All);
                }
                room.shared_mut().phase = Phase::Over;
                room.close();
            }
        }
    }
}

impl Quiz {
    fn ask(&mut self, room: &mut Room<Self>) {
        let (text, choices) = self.settings.questions[self.order[usize::from(self.asked)]].clone();
        self.asked += 1;
        for player in room.members().map(|p| p.id).collect::<Vec<_>>() {
            if let Some(hand) = room.private_mut(player) {
                hand.chosen = None;
            }
        }
        room.lock(false);
        room.shared_mut().phase = Phase::Question {
            number: self.asked,
            text,
            choices,
        };
        let timer = room.timer(Duration::from_secs(QUESTION_S), Alarm::QuestionOver);
        self.question_over = Some(timer);
    }

    fn reveal(&self, room: &mut Room<Self>) {
        let right = 0;
        let mut scores = room.shared().scores.clone();
        for (number, score) in &mut scores {
            let player = PlayerId::new(*number);
            let chosen = room.private(player).and_then(|hand| hand.chosen);
            let judged = Event::Judged {
                right: chosen == Some(right),
            };
            *score += u16::from(chosen == Some(right));
            room.emit(&judged, To::Player(player));
        }
        let board = room.shared_mut();
        board.scores = scores;
        board.phase = Phase::Reveal { right };
        room.timer(Duration::from_secs(REVEAL_S), Alarm::RevealOver);
    }
}
