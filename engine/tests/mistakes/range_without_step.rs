use downbeat::Replicate;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    #[replicate(range = 0.0..=100.0)]
    stamina: f32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Runner {
    #[replicate(step = 0.5)]
    stamina: f32,
}

fn main() {}
