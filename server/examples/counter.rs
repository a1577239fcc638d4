//! A server of one tiny game: everybody adds to one sum.
//!
//! `cargo run -p downbeat-server --example counter`, then look at
//! <http://127.0.0.1:7777/api/rooms>.

use downbeat::{Bot, Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Counter;

#[derive(Clone, Default, PartialEq, Serialize, Deserialize, Replicate)]
struct Sum {
    sum: u32,
}

#[downbeat::game]
impl Game for Counter {
    const NAME: &'static str = "counter";
    type Shared = Sum;
    type Input = u32;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, _: PlayerId, n: u32) {
        let shared = room.shared_mut();
        shared.sum = shared.sum.wrapping_add(n);
    }

    fn bot(_: u64) -> Option<Box<dyn Bot<Self>>> {
        Some(Box::new(|_: &_, _: &mut _| Some(1)))
    }
}

fn main() -> std::process::ExitCode {
    downbeat_server::App::new().game::<Counter>().run()
}
