//! Who gets a path, when, and where it leads.

use super::play::{Play, drawn};
use crate::codec::decode;
use crate::job::{Job as _, Late, Outcome};
use crate::nav::{Going, NavGrid, NavJob, Routes, Square};

#[test]
fn an_agent_walks_around_a_wall_and_arrives() {
    let mut play = Play::on(drawn(&[
        "..........",
        ".########.",
        ".#......#.",
        ".#.####.#.",
        ".....##...",
    ]));
    let agent = play.agent(3, 2);
    play.go(agent, &[(9, 0)]);
    play.step(3);
    assert_eq!(play.routes.going(agent), Some(Going::Walking));
    assert!(play.routes.path(agent).is_some());
    play.step(300);
    assert_eq!(play.routes.going(agent), Some(Going::Arrived));
    assert_eq!(play.square(agent), Square::new(9, 0));
    assert_eq!(play.paths_taken(), 1);
}

#[test]
fn on_open_ground_an_agent_walks_straight() {
    let mut play = Play::on(drawn(&[
        "..............................",
        "..............................",
        "...........#..................",
        "..............................",
        "..............................",
        "..............................",
        "..............................",
        "..............................",
    ]));
    let agent = play.agent(0, 0);
    play.go(agent, &[(29, 7)]);
    let (mut walked, mut at) = (0.0, play.agents[&agent]);
    let straight = at.distance(Square::new(29, 7).middle());
    for _ in 0..200 {
        play.step(1);
        walked += at.distance(play.agents[&agent]);
        at = play.agents[&agent];
    }
    assert_eq!(play.square(agent), Square::new(29, 7));
    assert!(walked < 1.03 * straight, "{walked} m for {straight} m");
}

#[test]
fn who_was_pushed_off_its_way_finds_back_or_asks_anew() {
    let mut play = Play::on(drawn(&[
        "..............",
        ".############.",
        "..............",
        ".############.",
        "..............",
    ]));
    let agent = play.agent(0, 2);
    play.go(agent, &[(13, 2)]);
    play.step(20);
    *play.agents.get_mut(&agent).expect("there") += glam::Vec2::new(0.3, 0.45);
    play.step(10);
    assert_eq!(play.paths_taken(), 1);
    *play.agents.get_mut(&agent).expect("there") = Square::new(7, 0).middle();
    play.step(150);
    assert_eq!(play.paths_taken(), 2);
    assert_eq!(play.square(agent), Square::new(13, 2));
}

#[test]
fn the_nearest_of_several_goals_is_walked_to() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(20, 20);
    play.go(agent, &[(1, 1), (24, 22), (39, 39)]);
    play.step(60);
    assert_eq!(play.square(agent), Square::new(24, 22));
}

#[test]
fn an_answer_is_followed_at_the_tick_that_it_is_due() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(1, 1);
    play.go(agent, &[(30, 1)]);
    play.step(2);
    assert_eq!(play.square(agent), Square::new(1, 1));
    let before = play.agents[&agent];
    play.step(1);
    assert_ne!(play.agents[&agent], before);
}

#[test]
fn who_is_at_a_goal_or_cannot_get_there_asks_nobody() {
    let mut play = Play::on(drawn(&["...#.", "...#.", "...#."]));
    let there = play.agent(1, 1);
    let cut_off = play.agent(0, 0);
    play.go(there, &[(1, 1), (2, 2)]);
    play.go(cut_off, &[(4, 0)]);
    play.step(4);
    assert_eq!(play.routes.going(there), Some(Going::Arrived));
    assert_eq!(play.routes.going(cut_off), Some(Going::NoWay));
    assert_eq!(play.taken.len(), 0);
}

#[test]
fn asking_again_for_the_same_costs_nothing() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(1, 1);
    for _ in 0..50 {
        play.go(agent, &[(30, 1)]);
        play.step(1);
    }
    assert_eq!(play.paths_taken(), 1);
}

#[test]
fn a_hunter_that_changes_its_mind_at_each_tick_gets_answers() {
    let mut play = Play::on(NavGrid::open(80, 80));
    let agent = play.agent(1, 1);
    for tick in 0..60 {
        play.go(agent, &[(70, 2 + tick)]);
        play.step(1);
    }
    assert!(play.agents[&agent].x > 8.0, "{}", play.agents[&agent]);
}

#[test]
fn what_is_handed_back_is_asked_again_oldest_first() {
    let mut play = Play::on(NavGrid::open(40, 40));
    play.room = 2;
    let agents: Vec<_> = (0..9).map(|y| play.agent(1, y)).collect();
    for (&agent, y) in agents.iter().rev().zip(0..) {
        play.go(agent, &[(30, 30 + y)]);
    }
    play.step(60);
    let askers: Vec<_> = play.taken.iter().map(|(_, job)| job.owner()).collect();
    let expected: Vec<_> = agents.iter().rev().map(|&agent| Some(agent)).collect();
    assert_eq!(askers, expected);
    assert!(play.routes.counts().rejected > 0);
}

#[test]
fn who_waits_for_a_place_follows_its_old_path() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(1, 1);
    play.go(agent, &[(30, 1)]);
    play.step(5);
    play.room = 0;
    play.go(agent, &[(1, 30)]);
    play.step(20);
    assert!(play.agents[&agent].x > 4.0);
    play.room = 1;
    play.step(300);
    assert_eq!(play.square(agent), Square::new(1, 30));
}

#[test]
fn who_is_looked_at_goes_first() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let (usual, first) = (play.agent(1, 1), play.agent(2, 1));
    play.go(usual, &[(30, 1)]);
    let from = play.square(first);
    play.routes.go_first(first, from, &[Square::new(30, 2)]);
    play.step(1);
    let kinds: Vec<_> = play.taken.iter().map(|(_, job)| job.kind()).collect();
    assert_eq!(kinds, [1, 0]);
    assert_eq!(play.taken[0].1.owner(), Some(first));
}

#[test]
fn a_partial_path_is_walked_and_then_continued() {
    let maze = NavGrid::from_fn(60, 30, |at| {
        at.x % 4 != 3 || (at.x % 8 == 3 && at.y == 29) || (at.x % 8 == 7 && at.y == 0)
    });
    let mut play = Play::with(Routes::new(maze).with_tables(0).with_budget(12));
    let agent = play.agent(0, 0);
    play.go(agent, &[(58, 15)]);
    play.step(4000);
    assert_eq!(play.square(agent), Square::new(58, 15));
    assert!(play.paths_taken() > 2, "{}", play.paths_taken());
}

#[test]
fn who_finds_nothing_at_the_highest_budget_gives_up() {
    // A pocket whose way out is long, and a budget that is nothing.
    let mut play = Play::with(
        Routes::new(NavGrid::from_fn(200, 200, |at| {
            at.x != 150 || at.y == 0 || at.y > 199
        }))
        .with_tables(0)
        .with_budget(1),
    );
    let agent = play.agent(149, 150);
    play.go(agent, &[(151, 150)]);
    play.step(100);
    assert_eq!(play.routes.going(agent), Some(Going::Failed));
    assert!(play.paths_taken() <= 6);
}

#[test]
fn outcomes_without_an_answer_are_survived() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(1, 1);
    play.go(agent, &[(30, 1)]);
    play.step(1);
    play.flying[0].outcome = Outcome::Late;
    play.step(3);
    assert_eq!(play.paths_taken(), 2, "what was late is asked again");
    play.flying[0].outcome = Outcome::Panicked;
    play.step(3);
    assert_eq!(play.routes.going(agent), Some(Going::Failed));
    play.go(agent, &[(30, 1)]);
    play.step(1);
    play.routes.stop(agent);
    play.flying[0].outcome = Outcome::Cancelled;
    play.step(5);
    assert_eq!(play.routes.going(agent), None);
    assert_eq!(play.routes.counts().in_flight, 0);
}

#[test]
fn an_answer_to_a_question_of_a_former_life_is_ignored() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(1, 1);
    play.go(agent, &[(30, 1)]);
    play.step(1);
    play.routes.stop(agent);
    play.room = 0;
    play.go(agent, &[(1, 30)]);
    play.step(5);
    assert_eq!(play.routes.path(agent), None);
}

#[test]
fn a_room_that_goes_on_without_its_jobs_asks_anew() {
    let mut play = Play::on(NavGrid::open(40, 40));
    let agent = play.agent(1, 1);
    play.go(agent, &[(30, 1)]);
    play.step(1);
    play.flying.clear();
    play.routes.ask_again();
    play.step(300);
    assert_eq!(play.square(agent), Square::new(30, 1));
}

#[test]
fn equal_questions_have_equal_numbers_and_others_do_not() {
    let same = |play: &Play, index: usize| play.taken[index].1.same();
    let mut play = Play::on(NavGrid::open(40, 40));
    let agents: Vec<_> = (0..4).map(|_| play.agent(1, 1)).collect();
    play.go(agents[0], &[(30, 1)]);
    play.go(agents[1], &[(30, 1)]);
    play.go(agents[2], &[(30, 2)]);
    play.go(agents[3], &[(30, 1), (30, 2)]);
    play.step(1);
    assert!(same(&play, 0).is_some());
    assert_eq!(same(&play, 0), same(&play, 1));
    assert_ne!(same(&play, 0), same(&play, 2));
    assert_eq!(same(&play, 3), None);
    let mut other = Play::with(
        Routes::new(NavGrid::open(40, 40))
            .with_layer(1)
            .with_tables(0),
    );
    let agent = other.agent(1, 1);
    other.go(agent, &[(30, 1)]);
    other.step(1);
    assert_ne!(same(&play, 0), same(&other, 0));
}

#[test]
fn what_is_saved_in_the_middle_goes_on_as_if_nothing_had_been() {
    let mut play = Play::on(NavGrid::open(60, 60));
    for y in 0..20 {
        let agent = play.agent(1, y);
        play.go(agent, &[(50, 2 * y)]);
    }
    play.step(30);
    let bytes = play.bytes();
    let mut copy = Play::with(decode(&bytes).expect("just encoded"));
    copy.agents = play.agents.clone();
    copy.flying = play.flying.clone();
    copy.tick = play.tick;
    for _ in 0..100 {
        assert_eq!(copy.bytes(), play.bytes());
        play.step(1);
        copy.step(1);
    }
}

#[test]
fn tables_cost_no_more_than_they_declare() {
    for share in [0, 1, 4, 10, 30, 50] {
        let walls = |at: Square| (u32::from(at.x) * 7919 + u32::from(at.y) * 104_729) % 101;
        let grid = NavGrid::from_fn(64, 64, |at| walls(at) >= share);
        let mut play = Play::with(Routes::new(grid));
        play.step(60);
        let (_, job) = &play.taken[0];
        assert_eq!(NavJob::KINDS[job.kind()].name, "tables");
        assert!(play.routes.grid().heuristic_is_usable(), "{share} % walls");
        assert!(play.routes.counts().expansions < u64::from(job.budget()));
    }
}

#[test]
fn tables_that_the_tick_thread_could_not_afford_come_when_they_are_done() {
    let routes = Routes::new(NavGrid::open(256, 256)).with_tables(8);
    let mut play = Play::with(routes);
    play.step(1);
    let rule = NavJob::KINDS[play.taken[0].1.kind()];
    assert_eq!((rule.name, rule.late), ("tables-late", Late::Journal));
    play.step(60);
    assert!(play.routes.grid().heuristic_is_usable());
}

#[test]
fn tables_are_asked_for_at_the_start_and_after_edits_that_have_come_to_rest() {
    let mut play = Play::with(Routes::new(NavGrid::open(40, 40)));
    let tables = |play: &Play| {
        let taken = play.taken.iter();
        taken
            .filter(|(_, job)| matches!(job, NavJob::Tables(_)))
            .map(|&(tick, _)| tick)
            .collect::<Vec<_>>()
    };
    play.step(60);
    assert_eq!(tables(&play), [1]);
    assert!(play.routes.grid().heuristic_is_usable());
    for x in 0..5 {
        play.routes.edit(|grid| {
            grid.set(Square::new(x, 20), false);
        });
        play.step(1);
    }
    play.step(60);
    assert_eq!(tables(&play).len(), 2);
    for tick in 0..300 {
        play.routes.edit(|grid| {
            grid.set(Square::new(20, 20), tick % 2 == 0);
        });
        play.step(1);
    }
    assert!(
        tables(&play).len() > 2,
        "a door that never rests holds up nothing"
    );
    assert!(tables(&play).len() < 8, "{:?}", tables(&play));
}
