//! What a connection that was overtaken still has under way when the room has heard of the new one.

use serde::{Deserialize, Serialize};

use super::TestRoom;
use crate::game::{Game, OpenError, Player, PlayerId, Refusal, Seat};
use crate::inbox::{Epoch, RoomIn};
use crate::room::Room;

/// Keeps what it is told, and what happens to its members.
#[derive(Default, Serialize, Deserialize)]
struct Diary {
    told: Vec<u8>,
    happened: String,
}

#[crate::game]
impl Game for Diary {
    const NAME: &'static str = "diary";
    type Input = u8;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self::default())
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, word: u8) {
        self.told.push(word);
    }

    fn dropped(&mut self, _: &mut Room<Self>, _: PlayerId) {
        self.happened.push('d');
    }

    fn resumed(&mut self, _: &mut Room<Self>, _: PlayerId) {
        self.happened.push('r');
    }

    fn leave(&mut self, _: &mut Room<Self>, _: PlayerId) {
        self.happened.push('l');
    }
}

const NEWEST: Epoch = 2;

/// A room whose one member has come back over its second connection.
fn room() -> (TestRoom<Diary>, PlayerId) {
    let mut room = TestRoom::open(());
    let ada = room.join("Ada").expect("let in");
    room.resume(ada);
    (room, ada)
}

fn input(player: PlayerId, epoch: Epoch, seq: u32, input: u8) -> RoomIn<Diary> {
    let view_back = 1.0;
    RoomIn::Input {
        player,
        epoch,
        seq,
        view_back,
        input,
    }
}

#[test]
fn inputs_and_refusals_of_an_overtaken_connection_count_for_nothing() {
    let (mut room, player) = room();
    let epoch = NEWEST - 1;
    room.entered.push(input(player, epoch, 1, 66));
    room.entered.push(RoomIn::Refused {
        player,
        epoch,
        seq: 2,
    });
    room.entered.push(input(player, NEWEST, 1, 7));
    room.step(1);
    assert_eq!(room.game().told, [7], "number 1 of the newer connection");
    assert_eq!(room.view(player).refused, [0; 0]);
}

#[test]
fn the_end_of_an_overtaken_connection_is_nobodys() {
    let (mut room, player) = room();
    for may_resume in [true, false] {
        room.entered.push(RoomIn::Leave {
            player,
            epoch: NEWEST - 1,
            may_resume,
            missed: Vec::new(),
        });
        room.step(1);
    }
    assert_eq!(room.game().happened, "dr");
}

#[test]
fn of_two_that_come_back_the_newer_one_stays_whichever_is_heard_first() {
    let (mut room, player) = room();
    for epoch in [NEWEST + 2, NEWEST + 1] {
        room.entered.push(RoomIn::Resume { player, epoch });
    }
    room.step(1);
    assert_eq!(room.game().happened, "drdr", "the older one was nothing");
    room.entered.push(input(player, NEWEST + 1, 1, 66));
    room.entered.push(input(player, NEWEST + 2, 1, 7));
    room.step(1);
    assert_eq!(room.game().told, [7]);
}
