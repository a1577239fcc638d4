//! Generated problems: with tables, without, and the oracle agree.

use downbeat::nav::{NavGrid, Square};

use crate::maps::{SIZES, any_square, check, free_square, map, oracle, rng, with_tables};

#[test]
fn ten_thousand_problems_have_the_oracles_cost_with_and_without_tables() {
    let (mut solved, mut unreachable) = (0, 0);
    for number in 0..240 {
        let grid = map(number);
        let known = with_tables(&grid);
        let mut rng = rng(number + 1000);
        for _ in 0..2 {
            let from = free_square(&grid, &mut rng);
            let cost = oracle(&grid, from);
            for n in 0..22 {
                let any = if n < 3 { any_square } else { free_square };
                let to = any(&grid, &mut rng);
                check(
                    &grid,
                    from,
                    &[to],
                    cost(to),
                    &format!("map {number} by scans"),
                );
                check(
                    &known,
                    from,
                    &[to],
                    cost(to),
                    &format!("map {number} by tables"),
                );
                *if cost(to).is_some() {
                    &mut solved
                } else {
                    &mut unreachable
                } += 1;
            }
        }
    }
    assert!(solved + unreachable >= 10_000, "{solved} + {unreachable}");
    assert!(
        solved > 4_000 && unreachable > 1_000,
        "{solved}, {unreachable}"
    );
}

#[test]
fn of_several_goals_the_nearest_is_reached() {
    for number in 0..160 {
        let grid = map(number);
        let known = with_tables(&grid);
        let mut rng = rng(number + 2000);
        let from = free_square(&grid, &mut rng);
        let cost = oracle(&grid, from);
        for count in [1, 2, 5, 64] {
            let goals: Vec<Square> = (0..count).map(|_| any_square(&grid, &mut rng)).collect();
            let nearest = goals.iter().filter_map(|&goal| cost(goal)).min();
            check(
                &grid,
                from,
                &goals,
                nearest,
                &format!("map {number} by scans"),
            );
            check(
                &known,
                from,
                &goals,
                nearest,
                &format!("map {number} by tables"),
            );
        }
    }
}

#[test]
fn every_square_of_a_small_map_reaches_every_other_one() {
    for number in [1, 17, 33, 49, 65] {
        let grid = map(number);
        let corner = |at: Square| at.x < 9 && at.y < 9;
        let small = NavGrid::from_fn(9, 9, |at| grid.is_free(at) && corner(at));
        let known = with_tables(&small);
        let squares = || (0..81).map(|n| Square::new(n % 9, n / 9));
        for from in squares() {
            let cost = oracle(&small, from);
            for to in squares() {
                check(&small, from, &[to], cost(to), "by scans");
                check(&known, from, &[to], cost(to), "by tables");
            }
        }
    }
}

#[test]
fn one_who_is_there_already_has_a_path_of_one_square() {
    for (width, height) in SIZES {
        let grid = NavGrid::open(width, height);
        let at = Square::new(width / 2, height / 2);
        check(&grid, at, &[at], Some(0), "by scans");
        check(&with_tables(&grid), at, &[at], Some(0), "by tables");
        check(
            &grid,
            at,
            &[Square::new(width - 1, 0), at],
            Some(0),
            "of two",
        );
    }
}

#[test]
fn nobody_stands_in_a_wall_or_outside() {
    let mut grid = NavGrid::open(8, 8);
    let (wall, free, outside) = (Square::new(3, 3), Square::new(1, 1), Square::new(8, 2));
    grid.set(wall, false);
    for grid in [with_tables(&grid), grid] {
        for (from, to) in [
            (wall, free),
            (free, wall),
            (wall, wall),
            (free, outside),
            (outside, free),
        ] {
            check(&grid, from, &[to], None, "into a wall");
        }
    }
}

#[test]
fn corners_are_not_cut() {
    // A diagonal gap: both squares beside it are walls, or one is.
    for walls in [vec![(0, 1), (1, 0)], vec![(1, 0)]] {
        let grid = NavGrid::from_fn(2, 2, |at| !walls.contains(&(at.x, at.y)));
        let (from, to) = (Square::new(0, 0), Square::new(1, 1));
        assert!(!grid.step_is_legal(from, to));
        check(&grid, from, &[to], oracle(&grid, from)(to), "past a corner");
    }
}

#[test]
fn long_ways_around_are_as_long_as_they_must_be() {
    // Every fourth column a wall, with a door at the bottom or at the top in turns.
    let mut grid = NavGrid::open(130, 66);
    for x in (3..130).step_by(4) {
        let y = if x % 8 == 3 { 0 } else { 1 };
        grid.fill(Square::new(x, y), Square::new(x, y + 64), false);
    }
    let from = Square::new(0, 0);
    let cost = oracle(&grid, from);
    for to in [(129, 0), (129, 65), (64, 33), (4, 0)].map(|(x, y)| Square::new(x, y)) {
        assert!(to.x < 60 || cost(to) > Some(1_000_000));
        check(&grid, from, &[to], cost(to), "by scans");
        check(&with_tables(&grid), from, &[to], cost(to), "by tables");
    }
}
