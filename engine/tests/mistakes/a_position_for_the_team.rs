use downbeat::{Replicate, Vec2};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    #[replicate(position, team)]
    at: Vec2,
}

fn main() {}
