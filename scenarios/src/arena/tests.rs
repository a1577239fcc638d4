//! The rules as a player sees them, through the real encoders.

use downbeat::Vec2;
use downbeat::codec::encode;
use downbeat::testing::TestRoom;

use super::*;

fn arena() -> TestRoom<Arena> {
    TestRoom::open(Settings::default())
}

/// A shooter in the north and, 10 m east of it, an enemy that nothing hides.
fn duel(room: &mut TestRoom<Arena>) -> (PlayerId, PlayerId) {
    let ada = room.join("Ada").expect("let in");
    let bob = room.join("Bob").expect("let in");
    put(room, ada, Vec2::new(13.0, 3.0));
    put(room, bob, Vec2::new(23.0, 3.0));
    room.step(1);
    (ada, bob)
}

fn put(room: &mut TestRoom<Arena>, player: PlayerId, pos: Vec2) {
    let room = room.room();
    let id = room.avatar(player).expect("alive");
    room.entity_mut(id).expect("alive").pos = pos;
}

fn body(room: &TestRoom<Arena>, player: PlayerId) -> Fighter {
    room.view(player).avatar().expect("alive").1.clone()
}

/// The number by which clients know a player's fighter.
fn number(room: &TestRoom<Arena>, player: PlayerId) -> u32 {
    room.view(player).avatar().expect("alive").0
}

fn is_at(fighter: &Fighter, x: f32, y: f32) -> bool {
    fighter.pos.distance(Vec2::new(x, y)) < 0.02
}

fn aim(aim: u8, fire: bool) -> Input {
    Input {
        aim,
        fire,
        ..Input::default()
    }
}

fn run(dx: i8, dy: i8) -> Input {
    Input {
        dx,
        dy,
        ..Input::default()
    }
}

/// Holds an input for so many steps.
fn hold(room: &mut TestRoom<Arena>, player: PlayerId, input: Input, ticks: u32) {
    for _ in 0..ticks {
        room.input(player, input);
        room.step(1);
    }
}

/// Fires once and lets the gun cool; answers what is left of the other's health.
fn fire(room: &mut TestRoom<Arena>, by: PlayerId, at: PlayerId, heading: u8) -> u8 {
    room.input(by, aim(heading, true));
    room.step(1);
    hold(room, by, aim(heading, false), 5);
    body(room, at).health
}

#[test]
fn one_runs_looks_around_and_is_stopped_by_walls() {
    let mut room = arena();
    let (ada, _) = duel(&mut room);
    let input = Input {
        dx: 127,
        dy: 0,
        aim: 77,
        fire: false,
    };
    hold(&mut room, ada, input, 5);
    let now = body(&room, ada);
    assert!(is_at(&now, 14.0, 3.0), "{}", now.pos);
    assert_eq!(now.heading, 77, "it looks where it aims");
    put(&mut room, ada, Vec2::new(20.0, 3.0));
    hold(&mut room, ada, run(0, 127), 60);
    assert!(is_at(&body(&room, ada), 20.0, 5.5), "a wall");
    room.step(3);
    assert!(is_at(&body(&room, ada), 20.0, 5.5));
}

#[test]
fn a_shot_hits_the_first_enemy_in_its_way_and_those_concerned_hear_of_it() {
    let mut room = arena();
    let (ada, bob) = duel(&mut room);
    let cleo = room.join("Cleo").expect("let in");
    let dan = room.join("Dan").expect("let in");
    put(&mut room, cleo, Vec2::new(18.0, 3.0)); // a friend in between
    put(&mut room, dan, Vec2::new(26.0, 3.0)); // an enemy behind
    room.step(1);
    let numbers = [ada, bob].map(|player| number(&room, player));
    for player in [ada, bob, cleo, dan] {
        room.events(player);
    }
    room.input(ada, aim(0, true));
    room.step(1);
    let health = [ada, bob, cleo, dan].map(|player| body(&room, player).health);
    assert_eq!(health, [100, 88, 100, 100]);
    let shot = Event::Shot {
        by: numbers[0],
        from: Vec2::new(13.0, 3.0),
        to: Vec2::new(22.5, 3.0),
    };
    let hit = Event::Hit {
        by: numbers[0],
        target: numbers[1],
        health: 88,
    };
    assert_eq!(room.events(ada), [shot.clone(), hit.clone()]);
    assert_eq!(room.events(bob), [shot.clone(), hit]);
    assert_eq!(room.events(cleo), std::slice::from_ref(&shot));
    assert_eq!(room.events(dan), [shot]);
}

#[test]
fn walls_and_distance_stop_shots() {
    let mut room = arena();
    let (ada, bob) = duel(&mut room);
    assert_eq!(fire(&mut room, ada, bob, 0), 88, "in sight");
    assert_eq!(fire(&mut room, ada, bob, 8), 88, "missed");
    for (from, to) in [((13.0, 7.0), (26.0, 7.0)), ((1.0, 3.0), (32.0, 3.0))] {
        put(&mut room, ada, Vec2::from(from));
        put(&mut room, bob, Vec2::from(to));
        room.step(10);
        assert_eq!(fire(&mut room, ada, bob, 0), 88, "{from:?} to {to:?}");
    }
}

#[test]
fn a_runner_is_hit_where_the_shooter_saw_it_and_not_where_it_is_now() {
    let mut room = arena();
    let (ada, bob) = duel(&mut room);
    let cross = |room: &mut TestRoom<Arena>, lag: f32, ticks: u32| {
        room.step(10); // nothing is held any more
        put(room, bob, Vec2::new(23.0, 1.0));
        room.lag(ada, lag);
        let before = body(room, bob).health;
        hold(room, bob, run(0, 127), ticks); // 0.2 m each
        room.input(bob, run(0, 127));
        // Straight east, at (23, 3), where Bob was after ten steps.
        room.input(ada, aim(0, true));
        room.step(1);
        body(room, bob).health < before
    };
    assert!(cross(&mut room, 1.0, 10), "seen at once: he stands there");
    assert!(
        cross(&mut room, 5.0, 14),
        "four ticks later, seen five back"
    );
    assert!(!cross(&mut room, 1.0, 14), "he is 0.8 m past what she hit");
    assert!(!cross(&mut room, 5.0, 10), "he was not there yet");
    assert!(cross(&mut room, 7.5, 17), "a quarter of a second");
    assert!(!cross(&mut room, 12.0, 21), "longer ago is over");
    assert!(cross(&mut room, 12.0, 17), "a longer lag counts as that");
    assert!(cross(&mut room, f32::NAN, 10), "nonsense counts as none");
}

#[test]
fn who_shoots_is_where_it_is_now_however_far_behind_it_sees() {
    let mut room = arena();
    let (ada, bob) = duel(&mut room);
    room.lag(ada, 5.0);
    put(&mut room, ada, Vec2::new(13.0, 1.0));
    room.step(10);
    hold(&mut room, ada, run(0, 127), 9);
    let run_and_fire = Input {
        fire: true,
        ..run(0, 127)
    };
    hold(&mut room, ada, run_and_fire, 1);
    assert!(is_at(&body(&room, ada), 13.0, 3.0));
    assert_eq!(body(&room, bob).health, 88, "it shot from there");
}

#[test]
fn a_gun_cools_runs_empty_and_is_loaded_again() {
    let mut room = arena();
    let (ada, _) = duel(&mut room);
    room.events(ada);
    // A cheater's trigger is down in every input of every tick.
    let mut shots = Vec::new();
    for tick in 0..200u32 {
        for _ in 0..4 {
            room.input(ada, aim(64, true));
        }
        room.step(1);
        let told = room.events(ada).into_iter();
        let fired = told.filter(|event| matches!(event, Event::Shot { .. }));
        shots.extend(fired.map(|_| tick));
    }
    assert!(shots.len() > 12, "{shots:?}");
    for (number, pair) in shots.windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        let reloads = number % 12 == 11; // full at the end of the 45th tick
        assert_eq!(
            gap,
            if reloads { 46 } else { 5 },
            "after {number}: {shots:?}"
        );
    }
}

#[test]
fn one_held_input_is_one_shot_at_any_rate() {
    for tick_rate_hz in [20, 30, 60] {
        let mut room = TestRoom::<Arena>::open(Settings {
            tick_rate_hz,
            ..Settings::default()
        });
        let ada = room.join("Ada").expect("let in");
        room.input(ada, aim(0, true));
        room.step(10);
        assert_eq!(body(&room, ada).ammo, 11, "at {tick_rate_hz} Hz");
    }
    for tick_rate_hz in [0, 19, 61] {
        let settings = Settings {
            tick_rate_hz,
            ..Settings::default()
        };
        assert!(TestRoom::<Arena>::try_open(settings, 0).is_err());
    }
}

#[test]
fn who_falls_is_gone_for_three_seconds_and_its_enemy_scores() {
    let mut room = arena();
    let (ada, bob) = duel(&mut room);
    let fallen = number(&room, bob);
    for left in [88, 76, 64, 52, 40, 28, 16, 4] {
        assert_eq!(fire(&mut room, ada, bob, 0), left);
    }
    room.events(bob);
    room.input(ada, aim(0, true));
    room.input(bob, aim(128, true));
    room.step(1);
    let fell = Event::Fell {
        fighter: fallen,
        at: Vec2::new(23.0, 3.0),
        name: "Bob".into(),
        team: 1,
        by: "Ada".into(),
    };
    assert!(room.events(bob).contains(&fell));
    assert_eq!(room.view(bob).seat, Seat::Player);
    assert_eq!(body(&room, ada).health, 88, "he fired in the same step");
    assert_eq!(body(&room, ada).score, 1);
    let shared = &room.view(bob).shared;
    assert_eq!(shared.teams, [1, 0]);
    let top = Top {
        name: "Ada".into(),
        team: 0,
        score: 1,
    };
    assert_eq!(shared.top, [top]);

    hold(&mut room, bob, run(127, 0), 89);
    assert!(
        room.view(bob).avatar().is_none(),
        "and nothing it asks for counts"
    );
    room.step(1);
    let back = body(&room, bob);
    assert_eq!((back.health, back.ammo, back.team), (100, AMMO, 1));
    assert!(back.pos.x > 35.0, "on its own side: {}", back.pos);
    assert!(room.view(bob).refused.is_empty(), "no input was an offence");

    room.leave(ada);
    room.step(1);
    assert_eq!(room.view(bob).shared.top, []);
    assert_eq!(room.view(bob).shared.teams, [1, 0], "what is won is won");
}

#[test]
fn who_has_left_does_not_come_back() {
    let mut room = arena();
    let (ada, bob) = duel(&mut room);
    for _ in 0..9 {
        hold(&mut room, ada, aim(0, true), 5);
    }
    assert!(room.view(bob).avatar().is_none());
    room.leave(bob);
    room.step(200);
    assert_eq!(room.view(ada).entities.len(), 1);
}

#[test]
fn sides_stay_even() {
    let mut room = arena();
    let players: Vec<_> = (0..4).map(|_| room.join("one").expect("let in")).collect();
    let teams = [0, 1, 2, 3].map(|at| body(&room, players[at]).team);
    assert_eq!(teams, [0, 1, 0, 1]);
    room.leave(players[1]);
    room.leave(players[3]);
    for _ in 0..2 {
        let late = room.join("late").expect("let in");
        assert_eq!(body(&room, late).team, 1);
        assert_eq!(room.room().team(late), Some(Team(1)));
    }
    for _ in 4..16 {
        room.join("more").expect("let in");
    }
    assert_eq!(room.join("one too many"), Err(Refusal::FULL));
}

#[test]
fn the_shared_state_is_small() {
    let top = Top {
        name: "🐑".repeat(24),
        team: 1,
        score: u16::MAX,
    };
    let bytes = encode(&Shared {
        side: rules::SIDE_M,
        walls: rules::WALLS.into(),
        teams: [u16::MAX; 2],
        top: vec![top; 5],
    });
    assert!(bytes.len() < 1024, "{} bytes", bytes.len());
}

/// What came of a battle of bots.
struct Battle {
    /// In what share of its ticks the laziest ran.
    laziest: f64,
    /// How many fell, of both sides.
    fell: u16,
    /// The most events that one member got within a second.
    events_max: usize,
    players: Vec<PlayerId>,
}

/// Lets bots play as the load driver does: a thought every third tick.
fn battle(room: &mut TestRoom<Arena>, count: u64, ticks: u32) -> Battle {
    let mut bots: Vec<_> = (0..count)
        .map(|seed| {
            let player = room.join("bot").expect("let in");
            let bot = Arena::bot(seed).expect("has a bot");
            (player, bot, downbeat::seeded(seed, "bots", 0, "think"))
        })
        .collect();
    let mut moves = vec![0; bots.len()];
    let mut events = Vec::new();
    let at = |room: &TestRoom<Arena>, player| room.view(player).avatar().map(|(_, f)| f.pos);
    for tick in 0..ticks {
        for (number, (player, bot, rng)) in (0..).zip(&mut bots) {
            if (tick + number) % 3 == 0
                && let Some(input) = bot.think(room.view(*player), rng)
            {
                room.input(*player, input);
            }
        }
        let before: Vec<_> = bots.iter().map(|(player, ..)| at(room, *player)).collect();
        room.step(1);
        for ((moves, (player, ..)), before) in moves.iter_mut().zip(&bots).zip(before) {
            let now = at(room, *player);
            assert!(now.is_none_or(Vec2::is_finite));
            *moves += u32::from(now != before);
        }
        events.push(room.events(bots[0].0).len());
    }
    let shared = &room.view(bots[0].0).shared;
    Battle {
        laziest: f64::from(moves.into_iter().min().unwrap_or(0)) / f64::from(ticks),
        fell: shared.teams[0] + shared.teams[1],
        events_max: events
            .windows(30)
            .map(|w| w.iter().sum())
            .max()
            .unwrap_or(0),
        players: bots.into_iter().map(|(player, ..)| player).collect(),
    }
}

#[test]
fn bots_fight_and_hardly_ever_stand_still() {
    for (count, seed) in [(8, 1), (16, 2), (50, 6)] {
        let settings = Settings {
            players_max: 50,
            ..Settings::default()
        };
        let mut room = TestRoom::try_open(settings, seed).expect("the room opens");
        let battle = battle(&mut room, count, 1800);
        assert!(battle.laziest > 0.8, "{count} bots: {}", battle.laziest);
        assert!(
            u64::from(battle.fell) >= count / 3,
            "{count} bots: {} fell",
            battle.fell
        );
        // What a member that stalls for a second can catch up with.
        let events_max = battle.events_max;
        assert!(
            events_max < 80,
            "{count} bots: {events_max} events a second"
        );
    }
}

#[test]
fn the_same_seed_and_inputs_make_the_same_world() {
    let run = || {
        let mut room = TestRoom::try_open(Settings::default(), 5).expect("the room opens");
        let battle = battle(&mut room, 10, 1000);
        let view = room.view(battle.players[0]);
        (view.entities.clone(), view.shared.clone(), view.tick)
    };
    assert!(run() == run());
}
