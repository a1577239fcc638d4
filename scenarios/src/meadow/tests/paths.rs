//! Walks to a click around what is in the way, and gates that turn meanwhile.

use super::*;

fn middle(column: i32, row: i32) -> Vec2 {
    Vec2::new(column as f32 + 0.5, row as f32 + 0.5)
}

/// Three metres before the first gate, and three behind it.
fn sides(room: &mut TestRoom<Meadow>) -> (Vec2, Vec2) {
    let gate = room.room().shared().gates[0];
    let half = Vec2::new(f32::from(gate.width), f32::from(gate.height)) / 2.0;
    let at = Vec2::new(f32::from(gate.x), f32::from(gate.y)) + half;
    let through = if gate.width > gate.height {
        Vec2::Y
    } else {
        Vec2::X
    };
    let [one, other] = [at - through * 3.0, at + through * 3.0];
    let map = &room.game().map;
    assert!(stands_free(map, one) && stands_free(map, other));
    (one, other)
}

/// Ada before a gate that is shut if told so, with a wish to be behind it.
fn before_a_gate(room: &mut TestRoom<Meadow>, shut: &[usize]) -> (PlayerId, Vec2, Vec2) {
    let ada = ada(room);
    turn_gate(room, usize::MAX);
    for &gate in shut {
        turn_gate(room, gate);
        assert!(!room.room().shared().gates[gate].open);
    }
    let (from, to) = sides(room);
    put(room, ada, from);
    room.step(4);
    room.input(ada, Input::Goto { x: to.x, y: to.y });
    (ada, from, to)
}

/// Walks until it stands; the way that it took.
fn walk(room: &mut TestRoom<Meadow>, player: PlayerId) -> Vec<Vec2> {
    let mut way = vec![at(room, player)];
    let mut stood = 0;
    while stood < 20 {
        room.step(1);
        let now = at(room, player);
        assert!(stands_free(&room.game().map, now), "in a wall at {now}");
        stood = if way.last() == Some(&now) {
            stood + 1
        } else {
            0
        };
        way.push(now);
        assert!(way.len() < 5000, "it never arrives");
    }
    way
}

fn length(way: &[Vec2]) -> f32 {
    way.windows(2).map(|two| two[0].distance(two[1])).sum()
}

#[test]
fn a_click_behind_a_lake_is_walked_to_around_it() {
    let mut room = bare();
    let ada = ada(&mut room);
    turn_gate(&mut room, usize::MAX);
    let map = room.game().map.clone();
    let lake = map.cells().find(|&(column, row)| {
        let is_wet = |n: i32| map.at(column + n, row) == Tile::Water;
        let dry = [-1, 9].map(|n| stands_free(&map, middle(column + n, row)));
        dry == [true; 2] && (0..9).all(is_wet)
    });
    let (column, row) = lake.expect("a lake of nine metres");
    let (from, to) = (middle(column - 1, row), middle(column + 9, row));
    put(&mut room, ada, from);
    room.step(4);
    room.input(ada, Input::Goto { x: to.x, y: to.y });
    room.step(1);
    assert_eq!(at(&mut room, ada), from, "nobody knows the way yet");
    room.step(2);
    assert_ne!(at(&mut room, ada), from, "two ticks later it has set out");
    let told = room.view(ada).private.path.clone();
    assert_eq!(
        told.last().map(|&end| middle(end.x.into(), end.y.into())),
        Some(to)
    );
    let way = walk(&mut room, ada);
    assert!(at(&mut room, ada).distance(to) < 0.02);
    assert!(length(&way) > 11.0, "it did not go through the water");
    assert!(room.view(ada).private.path.is_empty());
}

#[test]
fn a_click_into_the_water_is_walked_to_as_near_as_it_gets() {
    let mut room = bare();
    let ada = ada(&mut room);
    turn_gate(&mut room, usize::MAX);
    let map = room.game().map.clone();
    let wet = |&(column, row): &(i32, i32)| {
        (-1..=1).all(|x| (-1..=1).all(|y| map.at(column + x, row + y) == Tile::Water))
    };
    let (column, row) = map.cells().find(wet).expect("a lake");
    let to = middle(column, row);
    room.input(ada, Input::Goto { x: to.x, y: to.y });
    walk(&mut room, ada);
    let stands = at(&mut room, ada);
    let ground = map
        .cells()
        .filter(|&(column, row)| map.at(column, row).is_ground());
    let nearest = ground.map(|(column, row)| middle(column, row).distance(to));
    let nearest = nearest.fold(f32::MAX, f32::min);
    assert!(
        (stands.distance(to) - nearest).abs() < 0.03,
        "{stands} for {to}"
    );
}

#[test]
fn a_shut_gate_on_the_way_makes_a_detour() {
    let mut room = bare();
    let (ada, from, to) = before_a_gate(&mut room, &[]);
    assert!(length(&walk(&mut room, ada)) < 6.1, "straight through");
    put(&mut room, ada, from);
    let mut room = bare();
    let (ada, _, to_again) = before_a_gate(&mut room, &[0]);
    assert_eq!(to_again, to);
    assert!(
        length(&walk(&mut room, ada)) > 15.0,
        "through the other one"
    );
    assert!(at(&mut room, ada).distance(to) < 0.02);
}

#[test]
fn behind_gates_that_are_all_shut_one_comes_as_near_as_it_gets() {
    let mut room = bare();
    let (ada, from, to) = before_a_gate(&mut room, &[0, 1]);
    walk(&mut room, ada);
    let stands = at(&mut room, ada);
    assert!(
        (1.0..4.5).contains(&stands.distance(to)),
        "{stands} for {to}"
    );
    assert!(stands.distance(from) < 4.5, "on its side of the fence");
    assert!(room.view(ada).private.path.is_empty());
}

#[test]
fn a_gate_that_shuts_ahead_is_gone_around() {
    let mut room = bare();
    let (ada, _, to) = before_a_gate(&mut room, &[]);
    room.step(3);
    turn_gate(&mut room, 0);
    let way = walk(&mut room, ada);
    assert!(at(&mut room, ada).distance(to) < 0.02);
    assert!(length(&way) > 15.0, "through the other one");
}

#[test]
fn a_gate_that_opens_ahead_lets_one_through_who_was_to_stop_before_it() {
    let mut room = bare();
    let (ada, _, to) = before_a_gate(&mut room, &[0, 1]);
    put(&mut room, ada, Vec2::splat(64.0));
    room.step(4);
    room.input(ada, Input::Goto { x: to.x, y: to.y });
    room.step(10);
    turn_gate(&mut room, 1);
    walk(&mut room, ada);
    assert!(at(&mut room, ada).distance(to) < 0.02);
}

#[test]
fn no_gate_shuts_on_somebody_who_stands_in_it() {
    let mut room = bare();
    let (ada, from, to) = before_a_gate(&mut room, &[]);
    put(&mut room, ada, (from + to) / 2.0 + Vec2::splat(0.3));
    room.input(ada, Input::Walk { dx: 0, dy: 0 });
    turn_gate(&mut room, 0);
    room.step(60);
    assert!(room.room().shared().gates[0].open);
    put(&mut room, ada, from);
    room.step(30);
    assert!(!room.room().shared().gates[0].open);
}

/// Clicks while it still walks to the last click: it must not matter where exactly it is when the
/// answer comes.
#[test]
fn a_click_on_the_way_to_another_one_is_never_lost() {
    let mut room = bare();
    let ada = ada(&mut room);
    turn_gate(&mut room, usize::MAX);
    let map = room.game().map.clone();
    let mut rng = downbeat::seeded(3, "test", 0, "clicks");
    for click in 0..2500 {
        let around = (at(&mut room, ada), 14.0);
        let Some(to) = map.find(&mut rng, around, Tile::is_ground) else {
            continue;
        };
        let before = at(&mut room, ada);
        room.input(ada, Input::Goto { x: to.x, y: to.y });
        if click % 3 != 2 {
            room.step(click % 7 + 3);
            continue;
        }
        walk(&mut room, ada);
        let there = at(&mut room, ada);
        assert!(
            there.distance(to) < 0.02,
            "click {click} at {before}: {there} for {to}"
        );
    }
}

#[test]
fn who_clicks_all_the_time_gets_somewhere() {
    let mut room = bare();
    let (ada, _, to) = before_a_gate(&mut room, &[0]);
    for n in 0..300u16 {
        let aside = f32::from(n % 2) * 0.2;
        room.input(
            ada,
            Input::Goto {
                x: to.x + aside,
                y: to.y,
            },
        );
        room.step(1);
    }
    assert!(at(&mut room, ada).distance(to) < 1.0);
    let asked = room.game().ways.walks.asked;
    assert!(asked < 160, "one question at a time, not {asked} of 300");
}

#[test]
fn who_leaves_while_the_way_is_looked_for_leaves_nothing_behind() {
    let mut room = bare();
    let (ada, ..) = before_a_gate(&mut room, &[0]);
    room.step(1);
    room.leave(ada);
    room.step(5);
    assert_eq!(room.game().walkers.len(), 0);
    assert_eq!(room.room().jobs_in_flight().count(), 0);
}
