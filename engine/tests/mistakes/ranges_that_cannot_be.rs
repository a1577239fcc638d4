use downbeat::Replicate;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Backwards {
    #[replicate(range = 1.0..=-1.0, step = 0.5)]
    load: f32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Standing {
    #[replicate(range = 0.0..=1.0, step = 0.0)]
    load: f32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Endless {
    #[replicate(range = 0.0.., step = 0.5)]
    load: f32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Open {
    #[replicate(range = 0.0..1.0, step = 0.5)]
    load: f32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct TooFine {
    #[replicate(range = 0.0..=1000.0, step = 0.00001)]
    load: f32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Whole {
    #[replicate(range = 0.0..=100.0, step = 1.0)]
    load: u8,
}

fn main() {}
