use downbeat::Replicate;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    #[replicate(position)]
    at: [f32; 2],
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Turner {
    #[replicate(heading)]
    heading: u16,
}

fn main() {}
