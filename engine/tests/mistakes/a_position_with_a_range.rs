use downbeat::{Replicate, Vec2};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    #[replicate(position, range = 0.0..=1.0, step = 0.5)]
    at: Vec2,
}

fn main() {}
