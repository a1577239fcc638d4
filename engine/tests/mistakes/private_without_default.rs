use downbeat::Replicate;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize)]
enum Role {
    Spy,
    Citizen,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Walker {
    name: String,
    #[replicate(private)]
    role: Role,
}

fn main() {}
