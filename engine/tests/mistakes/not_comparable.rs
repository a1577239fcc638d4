use downbeat::Replicate;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Suit(u8);

#[derive(Clone, Serialize, Deserialize, Replicate)]
struct Card {
    rank: u8,
    suit: Suit,
}

#[derive(Clone, Serialize, Deserialize, Replicate)]
enum Phase {
    Lobby,
    Play,
}

fn main() {}
