use downbeat::{Game, OpenError, Player, Refusal, Room, Seat};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Field;

#[downbeat::game]
impl Game for Field {
    const NAME: &'static str = "field";

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Field)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }
}

fn main() {}
