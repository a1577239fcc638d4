//! Herds on their way.

use super::*;
use crate::meadow::animal::Animal;

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
    let herds = &mut room.game().animals.herds;
    let water = herds[0].water.clone();
    let home = herds[0].home;
    let mut nearest: Vec<_> = (0..herds.len()).collect();
    nearest.sort_by(|&a, &b| {
        let away = |n: usize| herds[n].home.distance(home);
        away(a).total_cmp(&away(b))
    });
    let mut sheep = 0;
    for (rank, &number) in nearest.iter().enumerate() {
        let herd = &mut herds[number];
        if rank < 3 {
            herd.water.clone_from(&water);
            sheep += usize::from(herd.make_thirsty());
        } else {
            herd.make_content();
        }
    }
    assert!(sheep > 200, "{sheep} are not many");
    let before = room.game().ways.routes.counts();
    let all = room.game().animals.all.iter();
    let of = |animal: &&Animal| nearest[..3].contains(&usize::from(animal.herd));
    let flock = all.filter(|animal| animal.kind == Kind::Sheep).filter(of);
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
    let mut most = away(&mut room);
    while most < 60 {
        room.step_unseen();
        most = most.max(away(&mut room));
        assert!(
            room.room().tick().number() < 4000,
            "only {most} % were there"
        );
    }
    let counts = room.game().ways.routes.counts();
    let (fields, paths) = (counts.fields - before.fields, counts.asked - before.asked);
    assert_eq!(fields, 1);
    assert!(paths < 60, "{paths} paths for {sheep} sheep");
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
