//! Flowers, emotes, comings and goings, and what does not fit.

use super::*;

#[test]
fn a_flower_raises_the_score_and_the_list_and_grows_again() {
    let mut room = bare();
    let ada = ada(&mut room);
    let bob = room.join("Bob").expect("let in");
    room.step(4); // what happens waits for the first picture
    room.events(bob);
    plant(&mut room, ada, 3);
    for _ in 0..5 {
        room.input(ada, EAST);
        room.step(1);
    }
    assert_eq!(body(&mut room, ada).score, 3);
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
    room.step(4); // what happens waits for the first picture
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
    assert_eq!(body(&mut room, bob).name, name);
    room.leave(bob);
    room.step(4);
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
