//! Walking, held or to a place.

use super::*;

#[test]
fn a_held_direction_walks_and_ends_three_ticks_after_the_last_word() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, EAST);
    room.step(1);
    assert!((at(&mut room, ada) - Vec2::new(64.24, 64.0)).length() < 1e-3);
    assert_eq!(body(&mut room, ada).heading, 0);
    room.step(10);
    let stood = at(&mut room, ada);
    assert!((stood.x - 64.72).abs() < 1e-3, "three ticks, not {stood}");
    room.input(ada, Input::Walk { dx: 0, dy: -128 });
    room.step(1);
    assert!(
        (at(&mut room, ada).y - 63.76).abs() < 1e-3,
        "never faster than 1"
    );
    room.input(ada, Input::Walk { dx: 0, dy: 0 });
    room.step(5);
    assert!((at(&mut room, ada).y - 63.76).abs() < 1e-3, "zero stops");
    assert_eq!(body(&mut room, ada).heading, 192, "it looks where it went");
}

#[test]
fn water_blocks() {
    let mut room = bare();
    let ada = ada(&mut room);
    let map = room.game().map.clone();
    let shore = map.cells().find(|&(column, row)| {
        let mut east = (row - 1..=row + 1).map(|row| map.at(column + 1, row));
        map.at(column, row).is_ground() && east.all(|tile| tile == Tile::Water)
    });
    let (column, row) = shore.expect("an eastern shore");
    put(
        &mut room,
        ada,
        Vec2::new(column as f32 + 0.5, row as f32 + 0.5),
    );
    for _ in 0..40 {
        room.input(ada, EAST);
        room.step(1);
    }
    assert_eq!(map.under(at(&mut room, ada)), map.at(column, row));
}

#[test]
fn a_walk_to_a_place_arrives_and_a_held_direction_cancels_it() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, Input::Goto { x: 68.0, y: 67.0 });
    room.step(40);
    assert!((at(&mut room, ada) - Vec2::new(68.0, 67.0)).length() < 0.02);
    room.input(ada, Input::Goto { x: 60.0, y: 67.0 });
    room.step(5);
    room.input(ada, EAST);
    room.step(3);
    let cancelled = at(&mut room, ada);
    room.step(20);
    assert_eq!(at(&mut room, ada), cancelled);
}

#[test]
fn the_echo_of_a_released_key_does_not_cancel_a_click() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, EAST);
    room.step(1);
    room.input(ada, Input::Walk { dx: 0, dy: 0 });
    room.step(1);
    room.input(ada, Input::Goto { x: 61.0, y: 64.0 });
    room.step(40);
    assert!((at(&mut room, ada) - Vec2::new(61.0, 64.0)).length() < 0.02);
}

#[test]
fn a_place_that_cannot_be_reached_is_given_up() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, Input::Goto { x: -1e9, y: 64.0 });
    room.step(1200);
    assert!(at(&mut room, ada).x < 60.0, "as near as it gets");
    // Nothing is in the way there; it has no wish left.
    put(&mut room, ada, Vec2::splat(64.0));
    room.step(20);
    assert_eq!(at(&mut room, ada), Vec2::splat(64.0));
}

#[test]
fn hostile_numbers_do_no_harm() {
    let mut room = bare();
    let ada = ada(&mut room);
    let before = at(&mut room, ada);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        room.input(ada, Input::Goto { x: bad, y: 3.0 });
        room.input(ada, Input::Goto { x: 3.0, y: bad });
        room.step(2);
    }
    assert_eq!(at(&mut room, ada), before);
    for far in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0] {
        room.input(ada, Input::Goto { x: far, y: far });
        room.input(ada, Input::Emote { emote: 255 });
        room.step(30);
        let pos = at(&mut room, ada);
        assert!(room.game().map.under(pos).is_ground(), "{pos}");
    }
    assert_eq!(room.events(ada).len(), 1, "only its own joining");
}
