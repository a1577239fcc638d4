//! What the driver says to whom: the bytes of a game's hello and inputs.

use downbeat::rand::RngExt as _;
use downbeat::wire::ClientMessage;
use downbeat::{Game, Rng, Schema, client, codec};
use downbeat_benches::plain::Plain;
use downbeat_scenarios::{Arena, arena};

use crate::header::put_input;

/// A game under load.
pub(crate) struct Subject {
    /// As it stands in the URL, and after `drive`.
    pub(crate) game: &'static str,
    /// In which something changes for everybody in every tick while all of them walk.
    pub(crate) tick_rate_hz: u16,
    /// The first message of client number so-and-so.
    pub(crate) hello: fn(client: u32) -> Vec<u8>,
    /// An input with its number and the newest tick that was received.
    pub(crate) input: fn(seq: u32, seen: u32, rng: &mut Rng) -> Vec<u8>,
}

/// The walkers of the bare epoll loop.
pub(crate) const BARE: &str = "bare";

static SUBJECTS: [Subject; 3] = [
    Subject {
        game: BARE,
        tick_rate_hz: 20,
        hello: greet::<Plain>,
        input: |seq, seen, rng| {
            let [dx, dy]: [i8; 2] = [rng.random_range(-127..=127), rng.random_range(-127..=127)];
            let mut bytes = Vec::with_capacity(16);
            put_input(seq, seen, &mut bytes);
            bytes.extend([0, dx.cast_unsigned(), dy.cast_unsigned()]);
            bytes
        },
    },
    Subject {
        game: "arena",
        tick_rate_hz: 20,
        hello: greet::<Arena>,
        input: |seq, seen, rng| {
            let [dx, dy] = [rng.random_range(-127..=127), rng.random_range(-127..=127)];
            let input = arena::Input {
                dx,
                dy,
                aim: rng.random(),
                fire: false,
            };
            message(seq, seen, input)
        },
    },
    Subject {
        game: "plain",
        tick_rate_hz: 20,
        hello: greet::<Plain>,
        input: |seq, seen, rng| {
            // Always a walk, never a rest.
            let way: [i8; 2] = [rng.random_range(40..=127), rng.random_range(-127..=127)];
            let back = if rng.random() { -1 } else { 1 };
            message(seq, seen, (way[0] * back, way[1]))
        },
    },
];

impl Subject {
    /// # Errors
    /// If no game of this name is known here.
    pub(crate) fn of(game: &str) -> Result<&'static Self, String> {
        let known = SUBJECTS.iter().find(|subject| subject.game == game);
        known.ok_or_else(|| format!("{game} is no game that the driver can play"))
    }
}

fn greet<G: Game>(client: u32) -> Vec<u8> {
    let schema = Schema::hash_of::<G>().unwrap_or_default();
    client::hello(&format!("bot-{client}"), schema)
}

/// The bytes of an input.
fn message<I: serde::Serialize>(seq: u32, seen: u32, input: I) -> Vec<u8> {
    let seen = downbeat::Tick::new(seen);
    codec::encode(&ClientMessage::Input {
        seq,
        seen,
        behind: 0,
        input,
    })
}
