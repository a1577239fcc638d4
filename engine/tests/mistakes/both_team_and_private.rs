use downbeat::Replicate;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    #[replicate(team, private)]
    ammo: u8,
}

fn main() {}
