//! The rules as a player sees them, through the real encoders.

use std::collections::BTreeMap;

use downbeat::codec::encode;
use downbeat::testing::{JobThreads, TestRoom};
use downbeat::{EntityId, Vec2};

use super::map::Tile;
use super::*;

mod walking;
mod paths;
mod room;
mod animals;
mod herds;
mod overlay;
mod bots;

const EAST: Input = Input::Walk { dx: 127, dy: 0 };

fn meadow() -> TestRoom<Meadow> {
    TestRoom::open(Settings::default())
}

/// No animals, no flowers.
fn bare() -> TestRoom<Meadow> {
    TestRoom::open(Settings {
        animals: 0,
        flowers: 0,
        ..Settings::default()
    })
}

/// Who was put elsewhere sees that at the next whole beat; so this is the room's own word.
fn body(room: &mut TestRoom<Meadow>, player: PlayerId) -> Entity {
    let room = room.room();
    let id = room.avatar(player).expect("has a body");
    room.entity(id).expect("alive").clone()
}

fn at(room: &mut TestRoom<Meadow>, player: PlayerId) -> Vec2 {
    body(room, player).pos
}

fn put(room: &mut TestRoom<Meadow>, player: PlayerId, pos: Vec2) {
    let room = room.room();
    let id = room.avatar(player).expect("has a body");
    room.entity_mut(id).expect("alive").pos = pos;
}

/// A flower right beside the player, in the way to the east.
fn plant(room: &mut TestRoom<Meadow>, player: PlayerId, points: u16) {
    let pos = at(room, player) + Vec2::new(1.2, 0.0);
    room.room().spawn(Entity {
        pos,
        heading: 0,
        kind: Kind::Flower,
        name: String::new(),
        score: points,
        hue: 35,
    });
}

/// Ada on the path in the very middle, where nothing is in the way.
fn ada(room: &mut TestRoom<Meadow>) -> PlayerId {
    let ada = room.join("Ada").expect("let in");
    put(room, ada, Vec2::splat(64.0));
    room.step(4); // a whole beat
    ada
}

/// From now on no gate turns but this one, at the next tick; none at all if there is no such.
fn turn_gate(room: &mut TestRoom<Meadow>, gate: usize) {
    let now = room.room().tick();
    room.game().gates.turn_only(gate, now);
    room.step(1);
}

/// Whether a body at a point stands on ground with all its corners.
fn stands_free(map: &Map, at: Vec2) -> bool {
    let corners = [(-0.29, -0.29), (0.29, -0.29), (-0.29, 0.29), (0.29, 0.29)];
    let mut tiles = corners
        .iter()
        .map(|&(x, y)| map.under(at + Vec2::new(x, y)));
    tiles.all(Tile::is_ground)
}
