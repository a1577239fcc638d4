//! Herds on their way.

use super::*;

/// A room whose gates stay as they are and whose wolves sleep.
fn calm() -> TestRoom<Meadow> {
    let mut room = TestRoom::<Meadow>::open(Settings {
        animals: 1000,
        flowers: 0,
        ..Settings::default()
    });
    turn_gate(&mut room, usize::MAX);
    for animal in &mut room.game().animals.all {
        if animal.kind == Kind::Wolf {
            animal.ticks_left = u16::MAX;
        }
    }
    room
}

#[test]
fn hundreds_that_go_to_one_water_cost_one_field_and_few_paths() {
    let mut room = calm();
    let animals = &mut room.game().animals;
    let water = animals.herds[0].water.clone();
    let mut sheep = 0;
    for (number, herd) in animals.herds.iter_mut().enumerate() {
        if number < 3 {
            herd.water.clone_from(&water);
            sheep += usize::from(herd.make_thirsty());
        } else {
            herd.make_content();
        }
    }
    assert!(sheep > 200, "{sheep} are not many");
    let before = room.game().ways.routes.counts();
    let all = room.game().animals.all.iter();
    let flock = all.filter(|animal| animal.kind == Kind::Sheep && animal.herd < 3);
    let flock: Vec<_> = flock.map(|sheep| sheep.body).collect();
    // How many per cent of them are there.
    let away = |room: &mut TestRoom<Meadow>| {
        let room = room.room();
        let places = flock.iter().filter_map(|&body| room.entity(body));
        let near = places.filter(|sheep| {
            let away = water.iter().map(|to| to.middle().distance(sheep.pos));
            away.fold(f32::MAX, f32::min) < 9.0
        });
        near.count() * 100 / sheep
    };
    let at_first = away(&mut room);
    let mut nearest = at_first;
    for _ in 0..40 {
        (0..50).for_each(|_| _ = room.step_unseen());
        nearest = nearest.max(away(&mut room));
    }
    let counts = room.game().ways.routes.counts();
    assert!(
        nearest > 40,
        "only {nearest} % were there, {at_first} % at first"
    );
    let (fields, paths) = (counts.fields - before.fields, counts.asked - before.asked);
    assert!(
        (1..=3).contains(&fields),
        "{fields} fields: one to the water, up to two back"
    );
    assert!(paths < 120, "{paths} paths for {sheep} sheep");
}

#[test]
fn who_is_gone_or_shut_in_is_no_trouble() {
    let mut room = calm();
    let gates = room.room().shared().gates.len();
    for gate in 0..gates {
        turn_gate(&mut room, gate);
    }
    turn_gate(&mut room, usize::MAX);
    for herd in &mut room.game().animals.herds {
        herd.make_thirsty();
    }
    room.step(200);
    let all = room.game().animals.all.iter().map(|animal| animal.body);
    let every_other: Vec<_> = all.step_by(2).collect();
    for gone in every_other {
        room.room().despawn(gone);
    }
    room.step(100);
    let left = room.room().entities().count();
    assert_eq!(left, 500);
}
