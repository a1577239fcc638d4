//! What animals do.

use super::*;

#[test]
fn animals_stay_where_they_belong_and_rest_most_of_the_time() {
    let mut room = meadow();
    let ada = ada(&mut room);
    let map = room.game().map.clone();
    let animals = |room: &TestRoom<Meadow>| -> BTreeMap<u32, Entity> {
        let entities = room.view(ada).entities.iter();
        entities
            .filter(|(_, e)| !matches!(e.kind, Kind::Player | Kind::Flower))
            .map(|(&id, e)| (id, e.clone()))
            .collect()
    };
    let mut before = animals(&room);
    assert_eq!(before.len(), 500);
    let mut moves = 0;
    for _ in 0..2000 {
        room.step(1);
        let now = animals(&room);
        for (id, animal) in &now {
            assert_eq!(
                map.under(animal.pos) == Tile::Water,
                animal.kind == Kind::Duck
            );
            moves += u32::from(animal.pos != before[id].pos);
        }
        before = now;
    }
    let share = f64::from(moves) / (2000.0 * 500.0);
    assert!((0.03..0.25).contains(&share), "{share} of them move");
}

#[test]
fn a_rabbit_flees() {
    let mut room = meadow();
    let ada = ada(&mut room);
    let rabbit = room
        .game()
        .animals
        .all
        .iter()
        .find(|animal| animal.kind == Kind::Rabbit);
    let rabbit = rabbit.expect("an eighth are rabbits").body;
    let start = room.room().entity(rabbit).expect("alive").pos;
    put(&mut room, ada, start + Vec2::new(0.4, 0.3));
    room.step(40);
    let fled = room.room().entity(rabbit).expect("alive").pos;
    assert!(fled.distance(start) > 3.0, "only from {start} to {fled}");
}
