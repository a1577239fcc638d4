//! The rules as a player sees them, through the real encoders.

use std::collections::BTreeMap;

use downbeat::codec::encode;
use downbeat::testing::TestRoom;

use super::*;

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

fn body(room: &TestRoom<Meadow>, player: PlayerId) -> Entity {
    room.view(player).avatar().expect("has a body").1.clone()
}

fn at(room: &TestRoom<Meadow>, player: PlayerId) -> Vec2 {
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
    room.step(1);
    ada
}

#[test]
fn a_held_direction_walks_and_ends_three_ticks_after_the_last_word() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, EAST);
    room.step(1);
    assert!((at(&room, ada) - Vec2::new(64.24, 64.0)).length() < 1e-3);
    assert_eq!(body(&room, ada).heading, 0);
    room.step(10);
    let stood = at(&room, ada);
    assert!((stood.x - 64.72).abs() < 1e-3, "three ticks, not {stood}");
    room.input(ada, Input::Walk { dx: 0, dy: -128 });
    room.step(1);
    assert!(
        (at(&room, ada).y - 63.76).abs() < 1e-3,
        "never faster than 1"
    );
    room.input(ada, Input::Walk { dx: 0, dy: 0 });
    room.step(5);
    assert!((at(&room, ada).y - 63.76).abs() < 1e-3, "zero stops");
    assert_eq!(body(&room, ada).heading, 192, "it looks where it went");
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
    assert_eq!(map.under(at(&room, ada)), map.at(column, row));
}

#[test]
fn a_walk_to_a_place_arrives_and_a_held_direction_cancels_it() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, Input::Goto { x: 68.0, y: 67.0 });
    room.step(40);
    assert!((at(&room, ada) - Vec2::new(68.0, 67.0)).length() < 0.02);
    room.input(ada, Input::Goto { x: 60.0, y: 67.0 });
    room.step(5);
    room.input(ada, EAST);
    room.step(3);
    let cancelled = at(&room, ada);
    room.step(20);
    assert_eq!(at(&room, ada), cancelled);
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
    assert!((at(&room, ada) - Vec2::new(61.0, 64.0)).length() < 0.02);
}

#[test]
fn a_place_that_cannot_be_reached_is_given_up() {
    let mut room = bare();
    let ada = ada(&mut room);
    room.input(ada, Input::Goto { x: -1e9, y: 64.0 });
    room.step(1200);
    assert!(at(&room, ada).x < 60.0, "as near as it gets");
    // Nothing is in the way there; it has no wish left.
    put(&mut room, ada, Vec2::splat(64.0));
    room.step(20);
    assert_eq!(at(&room, ada), Vec2::splat(64.0));
}

#[test]
fn hostile_numbers_do_no_harm() {
    let mut room = bare();
    let ada = ada(&mut room);
    let before = at(&room, ada);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        room.input(ada, Input::Goto { x: bad, y: 3.0 });
        room.input(ada, Input::Goto { x: 3.0, y: bad });
        room.step(2);
    }
    assert_eq!(at(&room, ada), before);
    for far in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0] {
        room.input(ada, Input::Goto { x: far, y: far });
        room.input(ada, Input::Emote { emote: 255 });
        room.step(30);
        let pos = at(&room, ada);
        assert!(room.game().map.under(pos).is_ground(), "{pos}");
    }
    assert_eq!(room.events(ada).len(), 1, "only its own joining");
}

#[test]
fn a_flower_raises_the_score_and_the_list_and_grows_again() {
    let mut room = bare();
    let ada = ada(&mut room);
    let bob = room.join("Bob").expect("let in");
    room.events(bob);
    plant(&mut room, ada, 3);
    for _ in 0..5 {
        room.input(ada, EAST);
        room.step(1);
    }
    assert_eq!(body(&room, ada).score, 3);
    let view = room.view(bob);
    assert_eq!(view.shared.picked, 1);
    assert_eq!(
        view.shared.top,
        [Top {
            name: "Ada".into(),
            score: 3
        }]
    );
    let (entity, _) = room.view(ada).avatar().expect("has a body");
    assert!(
        matches!(room.events(bob)[..], [Event::Picked { player, points: 3, flower_hue: 35, .. }]
            if player == entity)
    );
    let flowers = |room: &TestRoom<Meadow>| {
        let entities = room.view(bob).entities.values();
        entities.filter(|e| e.kind == Kind::Flower).count()
    };
    assert_eq!(flowers(&room), 0);
    room.step(12 * 20);
    assert_eq!(flowers(&room), 1);
    room.leave(ada);
    room.step(1);
    assert!(
        room.view(bob).shared.top.is_empty(),
        "the list is of those here"
    );
}

#[test]
fn emotes_are_seen_but_not_too_many() {
    let mut room = bare();
    let ada = ada(&mut room);
    let bob = room.join("Bob").expect("let in");
    room.events(bob);
    for _ in 0..40 {
        room.input(ada, Input::Emote { emote: 2 });
        room.step(1);
    }
    let events = room.events(bob);
    assert_eq!(events.len(), 4, "{events:?}");
    let (entity, _) = room.view(ada).avatar().expect("has a body");
    assert!(
        events
            .iter()
            .all(|e| *e == Event::Emoted { entity, emote: 2 })
    );
}

#[test]
fn two_hundred_players_find_room_and_leaving_removes_the_avatar() {
    let mut room = meadow();
    let players: Vec<_> = (0..200)
        .map(|n| room.join(&format!("player {n}")).expect("let in"))
        .collect();
    let map = room.game().map.clone();
    let view = room.view(players[0]);
    let bodies: Vec<_> = view
        .entities
        .values()
        .filter(|e| e.kind == Kind::Player)
        .collect();
    assert_eq!(bodies.len(), 200);
    assert!(bodies.iter().all(|body| map.under(body.pos).is_ground()));
    let (entity, _) = room.view(players[1]).avatar().expect("has a body");
    room.leave(players[1]);
    room.step(1);
    assert!(!room.view(players[0]).entities.contains_key(&entity));
    assert_eq!(room.game().walkers.len(), 199);
}

#[test]
fn comings_and_goings_are_told_and_a_decorated_name_is_shown() {
    let mut room = bare();
    let ada = room.join("Ada").expect("let in");
    let name = "★ Ædä 🐑 <b>";
    let bob = room.join(name).expect("let in");
    assert_eq!(body(&room, bob).name, name);
    room.leave(bob);
    room.step(1);
    let told = [
        Event::Joined { name: "Ada".into() },
        Event::Joined { name: name.into() },
        Event::Left { name: name.into() },
    ];
    assert_eq!(room.events(ada), told);
}

#[test]
fn a_room_is_full_and_a_crowded_field_is_not_opened() {
    let mut room = TestRoom::<Meadow>::open(Settings {
        players_max: 1,
        ..Settings::default()
    });
    room.join("Ada").expect("let in");
    assert_eq!(room.join("Bob"), Err(Refusal::FULL));
    let settings = Settings {
        animals: 1001,
        ..Settings::default()
    };
    assert!(TestRoom::<Meadow>::try_open(settings, 0).is_err());
}

#[test]
fn the_shared_state_fits_a_message_with_the_largest_map_and_the_longest_names() {
    let top = Top {
        name: "🐑".repeat(24),
        score: u16::MAX,
    };
    let gate = Gate {
        x: u16::MAX,
        y: u16::MAX,
        width: u8::MAX,
        height: u8::MAX,
        open: true,
    };
    let bytes = encode(&Shared {
        width: land::SIDE,
        height: land::SIDE,
        tiles: vec![1; land::RUNS_BYTES_MAX],
        picked: u32::MAX,
        top: vec![top; 5],
        gates: vec![gate; 8],
    });
    assert!(bytes.len() < 7 * 1024, "{} bytes", bytes.len());
}

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
        .iter()
        .find(|a| a.kind() == Kind::Rabbit);
    let rabbit = rabbit.expect("a quarter are rabbits").body();
    let start = room.room().entity(rabbit).expect("alive").pos;
    put(&mut room, ada, start + Vec2::new(0.4, 0.3));
    room.step(40);
    let fled = room.room().entity(rabbit).expect("alive").pos;
    assert!(fled.distance(start) > 3.0, "only from {start} to {fled}");
}

/// Lets bots play for some ticks as the load driver does: a thought every other tick.
fn play(room: &mut TestRoom<Meadow>, count: u64, ticks: u32) -> (Vec<PlayerId>, Vec<u32>) {
    let mut bots: Vec<_> = (0..count)
        .map(|seed| {
            let player = room.join("bot").expect("let in");
            let bot = Meadow::bot(seed).expect("has a bot");
            (player, bot, downbeat::seeded(seed, "bots", 0, "think"))
        })
        .collect();
    let mut moves = vec![0; bots.len()];
    for tick in 0..ticks {
        if tick % 2 == 0 {
            for (player, bot, rng) in &mut bots {
                if let Some(input) = bot.think(room.view(*player), rng) {
                    room.input(*player, input);
                }
            }
        }
        let before: Vec<_> = bots.iter().map(|(player, ..)| at(room, *player)).collect();
        room.step(1);
        for ((moves, (player, ..)), before) in moves.iter_mut().zip(&bots).zip(before) {
            *moves += u32::from(at(room, *player) != before);
        }
    }
    (bots.into_iter().map(|(player, ..)| player).collect(), moves)
}

#[test]
fn bots_pick_flowers_and_hardly_ever_stand_still() {
    for seed in 0..5 {
        let mut room = TestRoom::try_open(Settings::default(), seed).expect("the room opens");
        let (players, moves) = play(&mut room, 20, 1200);
        for (player, moves) in players.iter().zip(moves) {
            assert!(
                moves >= 1200 * 8 / 10,
                "seed {seed}: {player} moved {moves} times"
            );
        }
        let scores: Vec<_> = players.iter().map(|&p| body(&room, p).score).collect();
        let picked = scores.iter().filter(|&&score| score > 0).count();
        assert!(
            picked >= 19,
            "seed {seed}: scores after a minute: {scores:?}"
        );
    }
}

#[test]
fn the_same_seed_and_inputs_make_the_same_world() {
    let run = || {
        let mut room = TestRoom::try_open(Settings::default(), 5).expect("the room opens");
        let (players, _) = play(&mut room, 10, 1000);
        let view = room.view(players[0]);
        (view.entities.clone(), view.shared.clone(), view.tick)
    };
    assert!(run() == run());
}
