use downbeat::{Replicate, Vec2};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    #[replicate(position)]
    at: Vec2,
    #[replicate(position)]
    goal: Vec2,
}

fn main() {}
