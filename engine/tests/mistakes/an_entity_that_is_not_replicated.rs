use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Room, Seat, Vec2};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Field;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Walker {
    at: Vec2,
}

#[downbeat::game]
impl Game for Field {
    const NAME: &'static str = "field";
    type Entity = Walker;
    type Input = Vec2;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Field)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: Vec2) {}
}

fn main() {}
