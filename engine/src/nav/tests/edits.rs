//! Walls that appear and vanish while agents walk and jobs are in flight.

use super::play::{Play, drawn};
use crate::nav::{Going, NavGrid, NavJob, Square};

/// Two rooms with two doors, one above and one far below.
fn two_doors() -> NavGrid {
    NavGrid::from_fn(40, 40, |at| at.x != 20 || at.y == 2 || at.y == 37)
}

fn close(play: &mut Play, x: u16, y: u16) {
    play.routes.edit(|grid| {
        assert!(grid.set(Square::new(x, y), false), "was open");
    });
}

#[test]
fn a_path_through_a_new_wall_is_asked_for_at_once_and_walked_until_then() {
    let mut play = Play::on(two_doors());
    let agent = play.agent(1, 2);
    play.go(agent, &[(38, 2)]);
    play.step(20);
    let before = play.agents[&agent];
    close(&mut play, 20, 2);
    let path = play.routes.path(agent).expect("what is left of it");
    assert_eq!(path, [Square::new(19, 2)], "as far as it is legal");
    play.step(1);
    assert_eq!(play.paths_taken(), 2, "at once");
    assert!(play.agents[&agent].x > before.x, "it goes on meanwhile");
    play.step(2);
    let path = play.routes.path(agent).expect("the new one");
    assert!(path.contains(&Square::new(38, 2)));
    play.step(800);
    assert_eq!(play.square(agent), Square::new(38, 2));
    assert_eq!(play.paths_taken(), 2);
}

#[test]
fn broken_paths_go_before_others() {
    let mut play = Play::on(two_doors());
    let broken = play.agent(1, 2);
    play.go(broken, &[(38, 2)]);
    play.step(10);
    for y in 0..5 {
        let other = play.agent(1, y);
        play.go(other, &[(10, y)]);
    }
    close(&mut play, 20, 2);
    play.room = 1;
    play.step(1);
    let (_, NavJob::Path(ask)) = &play.taken[1] else {
        panic!("a path");
    };
    assert_eq!(ask.agent, broken);
}

#[test]
fn a_wall_elsewhere_or_behind_changes_nothing() {
    let mut play = Play::on(two_doors());
    let agent = play.agent(1, 2);
    play.go(agent, &[(38, 2)]);
    play.step(40);
    let passed = play.square(agent);
    assert!(passed.x > 5 && passed.x < 19, "{passed:?}");
    close(&mut play, 10, 3);
    close(&mut play, 20, 37);
    close(&mut play, 2, 2);
    play.step(5);
    assert_eq!(play.paths_taken(), 1);
    play.step(300);
    assert_eq!(play.square(agent), Square::new(38, 2));
}

#[test]
fn an_answer_for_an_older_grid_is_used_if_it_still_holds() {
    let mut play = Play::on(two_doors());
    let agent = play.agent(1, 2);
    play.go(agent, &[(38, 2)]);
    play.step(1);
    close(&mut play, 5, 30);
    play.step(2);
    assert!(play.routes.path(agent).is_some());
    assert_eq!(play.paths_taken(), 1);
}

#[test]
fn an_answer_for_an_older_grid_that_no_longer_holds_is_asked_for_again() {
    let mut play = Play::on(two_doors());
    let agent = play.agent(1, 2);
    play.go(agent, &[(38, 2)]);
    play.step(1);
    close(&mut play, 20, 2);
    play.step(2);
    assert_eq!(play.routes.path(agent), None);
    assert_eq!(play.paths_taken(), 2);
    play.step(800);
    assert_eq!(play.square(agent), Square::new(38, 2));
}

#[test]
fn a_wall_that_is_gone_leaves_paths_as_they_are() {
    let mut play = Play::on(two_doors());
    let agent = play.agent(1, 20);
    play.go(agent, &[(38, 20)]);
    play.step(10);
    play.routes.edit(|grid| {
        grid.set(Square::new(20, 20), true);
    });
    play.step(800);
    assert_eq!(play.paths_taken(), 1);
    assert_eq!(play.square(agent), Square::new(38, 20));
}

#[test]
fn who_has_no_way_asks_again_when_a_gate_opens() {
    let mut play = Play::on(drawn(&["...#...", "...#...", "...#..."]));
    let agent = play.agent(0, 1);
    play.go(agent, &[(6, 1)]);
    play.step(5);
    assert_eq!(play.routes.going(agent), Some(Going::NoWay));
    play.routes.edit(|grid| {
        grid.set(Square::new(3, 0), true);
    });
    play.step(100);
    assert_eq!(play.square(agent), Square::new(6, 1));
}

#[test]
fn nobody_is_led_into_a_wall_while_walls_come_and_go() {
    let mut play = Play::on(NavGrid::open(48, 48));
    let mut rng = 1_u32;
    let mut draw = |below: u32| {
        rng = rng.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u16::try_from((rng >> 16) % below).expect("small")
    };
    let agents: Vec<_> = (0..40).map(|y| play.agent(0, y)).collect();
    for _ in 0..400 {
        let agent = agents[usize::from(draw(40))];
        let (x, y) = (draw(48), draw(48));
        play.go(agent, &[(x, y)]);
        let (x, y, free) = (draw(44), draw(44), draw(2) == 0);
        let taken = |at: Square| {
            play.agents
                .values()
                .any(|&agent| Square::of(agent) == Some(at))
        };
        let squares: Vec<_> = (0..4).map(|step| Square::new(x + step, y)).collect();
        let squares: Vec<_> = squares.into_iter().filter(|&at| !taken(at)).collect();
        play.routes.edit(|grid| {
            for at in squares {
                grid.set(at, free);
            }
        });
        play.step(1); // Panics if somebody is led into a wall.
    }
    play.routes.edit(|grid| {
        grid.fill(Square::new(0, 0), Square::new(47, 47), true);
    });
    for &agent in &agents {
        play.go(agent, &[(40, 40)]);
    }
    play.step(600);
    for &agent in &agents {
        assert_eq!(play.square(agent), Square::new(40, 40));
    }
}
