//! The bot: writes for a moment, then says something, to everybody or to one.

use downbeat::client::View;
use downbeat::rand::RngExt as _;
use downbeat::{Bot, Rng};

use super::{Chat, Input, Kind};

const WORDS: [&str; 12] = [
    "hello", "who", "is", "there", "the", "meadow", "has", "new", "flowers", "today", "tick", "<b>",
];

/// Says something about every three seconds at the load driver's pace.
pub(super) struct Talker {
    seed: u64,
    said: u64,
}

impl Talker {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, said: 0 }
    }

    fn text(&mut self, rng: &mut Rng) -> String {
        self.said += 1;
        let words: Vec<_> = (0..rng.random_range(1..8))
            .map(|_| WORDS[rng.random_range(0..WORDS.len())])
            .collect();
        format!("{} ({}/{})", words.join(" "), self.seed, self.said)
    }
}

impl Bot<Chat> for Talker {
    fn think(&mut self, view: &View<Chat>, rng: &mut Rng) -> Option<Input> {
        if rng.random_bool(0.05) {
            return Some(Input::Typing { on: true });
        }
        if !rng.random_bool(0.035) {
            return None;
        }
        let text = self.text(rng);
        let people = view.entities.values();
        let people = people.filter(|entry| entry.kind == Kind::Person);
        let others: Vec<_> = people
            .map(|entry| entry.number)
            .filter(|&number| number != view.private.person)
            .collect();
        let to = rng.random_range(0..others.len() + 1);
        match others.get(to).filter(|_| rng.random_bool(0.1)) {
            Some(&person) => Some(Input::Tell { person, text }),
            None => Some(Input::Say { text }),
        }
    }
}
