//! What animals do, and where they never are.

use super::*;
use crate::meadow::animal::Mood;

/// The animals, by id.
fn animals(room: &mut TestRoom<Meadow>) -> BTreeMap<EntityId, (Kind, Vec2)> {
    let all = room.room().entities();
    let animals = all.filter(|(_, e)| !matches!(e.kind, Kind::Player | Kind::Flower));
    animals.map(|(id, e)| (id, (e.kind, e.pos))).collect()
}

#[test]
fn five_hundred_stay_where_they_belong_and_most_of_them_rest() {
    for seed in 0..3 {
        let settings = Settings::default();
        let mut room = TestRoom::<Meadow>::try_open(settings, seed).expect("the room opens");
        let mut before = animals(&mut room);
        assert_eq!(before.len(), 500);
        let mut moves = 0;
        for tick in 0..2000 {
            room.step_unseen();
            let now = animals(&mut room);
            let map = &room.game().map;
            for (id, &(kind, at)) in &now {
                let free = match kind {
                    Kind::Duck => map.under(at) == Tile::Water,
                    _ => stands_free(map, at),
                };
                assert!(free, "seed {seed}, tick {tick}: {kind:?} at {at}");
                moves += u32::from(before[id].1 != at);
            }
            before = now;
        }
        let share = f64::from(moves) / (2000.0 * 500.0);
        assert!(
            (0.1..0.4).contains(&share),
            "seed {seed}: {share} of them move"
        );
    }
}

#[test]
fn a_rabbit_flees() {
    let mut room = meadow();
    let ada = ada(&mut room);
    let animals = &room.game().animals.all;
    let rabbit = animals.iter().find(|animal| animal.kind == Kind::Rabbit);
    let rabbit = rabbit.expect("an eighth are rabbits").body;
    let start = room.room().entity(rabbit).expect("alive").pos;
    put(&mut room, ada, start + Vec2::new(0.4, 0.3));
    room.step(40);
    let fled = room.room().entity(rabbit).expect("alive").pos;
    assert!(fled.distance(start) > 3.0, "only from {start} to {fled}");
}

/// A room with one wolf that rests no longer than it has to, and 25 or so sheep.
fn with_a_wolf() -> (TestRoom<Meadow>, usize) {
    let settings = Settings {
        animals: 25,
        flowers: 0,
        ..Settings::default()
    };
    let mut room = TestRoom::<Meadow>::open(settings);
    let all = &room.game().animals.all;
    let wolf = all.iter().position(|animal| animal.kind == Kind::Wolf);
    (room, wolf.expect("one of 25"))
}

#[test]
fn a_wolf_catches_up_with_sheep_that_stand_and_lets_them_go() {
    let (mut room, wolf) = with_a_wolf();
    let (mut hunted, mut caught) = (false, 0);
    for _ in 0..12_000 {
        room.step_unseen();
        let animals = &mut room.game().animals.all;
        let hunts = matches!(animals[wolf].mood, Mood::Hunt(_));
        if matches!(animals[wolf].mood, Mood::Rest) {
            animals[wolf].ticks_left = 1;
        }
        let body = animals[wolf].body;
        if hunted && !hunts {
            let room = room.room();
            let at = room.entity(body).expect("alive").pos;
            let near = room.near(at, 1.5).into_iter();
            let sheep = near.filter(|&id| room.entity(id).is_some_and(|e| e.kind == Kind::Sheep));
            caught += u32::from(sheep.count() > 0);
        }
        hunted = hunts;
    }
    assert!(caught >= 5, "only {caught} times in ten minutes");
    assert!(animals(&mut room).len() > 20, "they come to no harm");
}

#[test]
fn a_wolf_whose_prey_is_gone_hunts_no_more() {
    let (mut room, wolf) = with_a_wolf();
    for _ in 0..4000 {
        room.step_unseen();
        let animals = &mut room.game().animals.all;
        if matches!(animals[wolf].mood, Mood::Hunt(_)) {
            break;
        }
        animals[wolf].ticks_left = animals[wolf].ticks_left.min(1);
    }
    let all = room.game().animals.all.iter();
    assert!(
        all.clone()
            .any(|animal| matches!(animal.mood, Mood::Hunt(_)))
    );
    let sheep: Vec<_> = all
        .filter(|a| a.kind == Kind::Sheep)
        .map(|a| a.body)
        .collect();
    for sheep in sheep {
        room.room().despawn(sheep);
    }
    room.step(3);
    assert!(matches!(room.game().animals.all[wolf].mood, Mood::Rest));
    room.step(600);
}
