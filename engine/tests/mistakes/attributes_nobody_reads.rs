use downbeat::{Replicate, Vec2};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
#[replicate(position)]
struct Outside {
    at: Vec2,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Place(#[replicate(position)] Vec2);

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
enum Thing {
    Stone {
        #[replicate(position)]
        at: Vec2,
    },
}

fn main() {}
