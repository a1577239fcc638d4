//! Many agents with one goal: paths, until a field is cheaper.

use super::play::Play;
use crate::entities::EntityId;
use crate::nav::{Field, NavGrid, NavJob, Routes, Square};

/// A hundred rooms in rows, each with four doors that are not in line.
fn rooms() -> NavGrid {
    NavGrid::from_fn(100, 100, |at| {
        let door = (at.x / 10 * 3 + at.y / 10 * 5) % 9 + 1;
        let wall = at.x % 10 == 0 || at.y % 10 == 0;
        let edge = at.x == 0 || at.y == 0;
        !wall || (!edge && (at.x % 10 == door) != (at.y % 10 == door))
    })
}

fn herd(play: &mut Play, sheep: u16) -> Vec<EntityId> {
    let places = (0..100).flat_map(|y| (0..100).map(move |x| (x, y)));
    let grid = play.routes.grid().clone();
    let free = places.filter(|&(x, y)| grid.is_free(Square::new(x, y)));
    let places: Vec<_> = free.step_by(7).take(usize::from(sheep)).collect();
    places.iter().map(|&(x, y)| play.agent(x, y)).collect()
}

/// Part of the herd sets out at each tick.
fn flow(play: &mut Play, herd: &[EntityId], goal: (u16, u16), ticks: u32) {
    for chunk in herd.chunks(4) {
        for &sheep in chunk {
            play.go(sheep, &[goal]);
        }
        play.step(1);
    }
    play.step(ticks);
}

#[test]
fn a_herd_shares_a_field_and_asks_for_few_paths() {
    let mut play = Play::on(rooms());
    let sheep = herd(&mut play, 200);
    assert_eq!(sheep.len(), 200);
    flow(&mut play, &sheep, (95, 95), 1200);
    for &one in &sheep {
        assert_eq!(play.square(one), Square::new(95, 95));
    }
    assert_eq!(play.fields_taken(), 1);
    let field_at = play
        .taken
        .iter()
        .find_map(|(tick, job)| matches!(job, NavJob::Field(_)).then_some(*tick));
    let field_at = field_at.expect("a field");
    let after = play
        .taken
        .iter()
        .filter(|(tick, _)| *tick > field_at)
        .count();
    assert!(after <= 5, "{after} jobs after the field");
    let before = play.paths_taken() - after;
    assert!(
        (1..120).contains(&before),
        "{before} paths before the field"
    );
}

#[test]
fn a_few_near_their_goal_walk_paths_of_their_own() {
    let mut play = Play::on(NavGrid::open(100, 100));
    let sheep: Vec<_> = (0..3).map(|y| play.agent(1, y)).collect();
    flow(&mut play, &sheep, (8, 8), 100);
    assert_eq!(play.fields_taken(), 0);
    assert_eq!(play.paths_taken(), 3);
}

#[test]
fn a_herd_that_sets_out_in_one_tick_waits_for_a_field() {
    let mut play = Play::on(rooms());
    let sheep = herd(&mut play, 200);
    for &one in &sheep {
        play.go(one, &[(95, 95)]);
    }
    play.step(6);
    assert_eq!((play.fields_taken(), play.paths_taken()), (1, 0));
    play.step(1200);
    for &one in &sheep {
        assert_eq!(play.square(one), Square::new(95, 95));
    }
}

#[test]
fn who_is_kept_out_by_what_paths_declare_gets_a_field() {
    let jobs = |room: usize| {
        let mut play = Play::on(NavGrid::open(100, 100));
        play.room = room;
        for sheep in herd(&mut play, 20) {
            play.go(sheep, &[(95, 95)]);
        }
        play.step(10);
        (play.paths_taken(), play.fields_taken())
    };
    assert_eq!(jobs(20), (20, 0));
    assert_eq!(jobs(6), (6, 1));
}

#[test]
fn without_fields_everybody_has_a_path() {
    let mut play = Play::with(Routes::new(rooms()).with_tables(0).with_fields(0));
    let sheep = herd(&mut play, 60);
    flow(&mut play, &sheep, (95, 95), 10);
    assert_eq!(play.paths_taken(), 60);
}

#[test]
fn what_is_chosen_depends_on_what_jobs_reported_alone() {
    let run = || {
        let mut play = Play::on(rooms());
        let sheep = herd(&mut play, 100);
        flow(&mut play, &sheep, (95, 95), 50);
        let kinds: Vec<_> = play
            .taken
            .iter()
            .map(|(tick, job)| (*tick, matches!(job, NavJob::Field(_))))
            .collect();
        (kinds, play.bytes())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_field_is_built_anew_after_an_edit_and_followed_where_it_is_still_legal() {
    let mut play = Play::on(rooms());
    let sheep = herd(&mut play, 200);
    flow(&mut play, &sheep, (95, 95), 40);
    assert_eq!(play.fields_taken(), 1);
    // One door less: around it, agents ask for themselves until the new field is there.
    let mut doors = (91..100).map(|y| Square::new(90, y));
    let door = doors.find(|&at| play.routes.grid().is_free(at));
    let door = door.expect("a door");
    play.routes.edit(|grid| {
        grid.set(door, false);
    });
    play.step(10);
    assert_eq!(play.fields_taken(), 2);
    play.step(1500);
    for &one in &sheep {
        assert_eq!(play.square(one), Square::new(95, 95));
    }
    assert_eq!(play.fields_taken(), 2);
}

#[test]
fn a_field_that_nobody_uses_is_dropped() {
    let mut play = Play::on(rooms());
    let sheep = herd(&mut play, 100);
    flow(&mut play, &sheep, (95, 95), 100);
    assert_eq!(play.routes.fields(), 1);
    for &one in &sheep {
        play.routes.stop(one);
    }
    play.step(500);
    assert_eq!(play.routes.fields(), 0);
}

#[test]
fn no_more_fields_are_kept_than_allowed() {
    let mut play = Play::with(Routes::new(rooms()).with_tables(0).with_fields(2));
    let sheep = herd(&mut play, 200);
    for (herd, goal) in sheep.chunks(67).zip([(95, 95), (5, 95), (95, 5)]) {
        flow(&mut play, herd, goal, 10);
        assert!(play.routes.fields() <= 2);
    }
    assert_eq!(play.fields_taken(), 2, "one herd walks on paths");
    for &one in &sheep {
        play.routes.stop(one);
    }
    play.step(100);
    flow(&mut play, &sheep, (5, 94), 10);
    assert!(play.routes.fields() <= 2);
    assert!(play.fields_taken() > 2, "a place was free at last");
}

#[test]
fn of_herds_that_set_out_together_as_many_get_a_field_as_there_may_be() {
    let mut play = Play::with(Routes::new(rooms()).with_tables(0).with_fields(2));
    let sheep = herd(&mut play, 200);
    for (herd, goal) in sheep.chunks(67).zip([(95, 95), (5, 95), (95, 5)]) {
        for &one in herd {
            play.go(one, &[goal]);
        }
    }
    play.step(10);
    assert_eq!((play.fields_taken(), play.routes.fields()), (2, 2));
}

#[test]
fn a_field_says_what_searches_say() {
    let grid = rooms();
    let goals = [Square::new(95, 95), Square::new(5, 55)];
    let mut meter = crate::job::Meter::new(u32::MAX);
    let crate::Answer::Done(field) = Field::build(&grid, &goals, &mut meter) else {
        panic!("all of it");
    };
    assert!(meter.spent() <= Field::price(&grid));
    for (x, y) in (0..100).flat_map(|y| (0..100).map(move |x| (x, y))) {
        let at = Square::new(x, y);
        if (x + 3 * y) % 37 != 0 && !goals.contains(&at) {
            continue;
        }
        let mut meter = crate::job::Meter::new(u32::MAX);
        let path = match crate::nav::find_path(&grid, at, &goals, &mut meter) {
            crate::Answer::Done(path) => Some(path.cost()),
            _ => None,
        };
        assert_eq!(field.cost(at), path, "{at:?}");
        let end = std::iter::successors(Some(at), |&at| field.next(&grid, at)).last();
        let end = end.expect("at least itself");
        assert!(
            path.is_none() || goals.contains(&end),
            "{at:?} leads to {end:?}"
        );
    }
}

#[test]
fn a_field_is_saved_as_little_and_comes_back_whole() {
    let grid = rooms();
    for budget in [u32::MAX, 300] {
        let mut meter = crate::job::Meter::new(budget);
        let answer = Field::build(&grid, &[Square::new(95, 95)], &mut meter);
        let (crate::Answer::Done(field) | crate::Answer::Partial(field)) = answer else {
            panic!("a field");
        };
        let bytes = crate::codec::encode(&field);
        assert!(bytes.len() < 4000, "{} bytes", bytes.len());
        let read: Field = crate::codec::decode(&bytes).expect("just encoded");
        assert_eq!(read, field);
    }
}
