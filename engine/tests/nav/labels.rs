//! Which squares belong together.

use downbeat::nav::{NavGrid, Square};
use downbeat::rand::RngExt as _;

use crate::maps::{any_square, map, oracle, rng, tables};

#[test]
fn labels_are_exact_when_made() {
    for number in 0..80 {
        let grid = map(number);
        let mut rng = rng(number + 9000);
        let from = any_square(&grid, &mut rng);
        let cost = oracle(&grid, from);
        for y in 0..grid.height() {
            for x in 0..grid.width() {
                let to = Square::new(x, y);
                assert_eq!(
                    grid.may_reach(from, to),
                    cost(to).is_some(),
                    "map {number} {from:?} {to:?}"
                );
            }
        }
    }
}

#[test]
fn labels_stay_safe_while_walls_come_and_go() {
    let (mut maybe, mut sure) = (0, 0);
    for number in 0..80 {
        let mut grid = map(number);
        let mut rng = rng(number + 10_000);
        for round in 0..4 {
            for _ in 0..12 {
                let at = any_square(&grid, &mut rng);
                grid.set(at, rng.random_bool(0.5));
            }
            let from = any_square(&grid, &mut rng);
            let cost = oracle(&grid, from);
            for _ in 0..50 {
                let to = any_square(&grid, &mut rng);
                let may = grid.may_reach(from, to);
                assert!(
                    may || cost(to).is_none(),
                    "map {number} round {round} {from:?} {to:?}"
                );
                maybe += u32::from(may && cost(to).is_none());
                sure += u32::from(!may && grid.is_free(from) && grid.is_free(to));
            }
            if round == 2 {
                grid.relabel();
                let to = any_square(&grid, &mut rng);
                assert_eq!(grid.may_reach(from, to), cost(to).is_some(), "made again");
            }
        }
    }
    assert!(maybe > 0 && sure > 0, "{maybe}, {sure}");
}

#[test]
fn a_removed_wall_joins_at_once_and_an_added_one_may_part() {
    let mut grid = NavGrid::open(9, 9);
    let (from, to, door) = (Square::new(0, 4), Square::new(8, 4), Square::new(4, 4));
    grid.fill(Square::new(4, 0), Square::new(4, 8), false);
    assert!(grid.may_reach(from, to), "maybe");
    grid.relabel();
    assert!(!grid.may_reach(from, to));
    grid.set(door, true);
    assert!(grid.may_reach(from, to) && grid.may_reach(door, to));
    grid.set(door, false);
    assert!(grid.may_reach(from, to), "maybe");
    let built = tables(&grid);
    assert!(grid.set_tables(built));
    assert!(
        !grid.may_reach(from, to),
        "tables bring labels of their own"
    );
}

#[test]
fn the_nearest_reachable_square_is_the_one_that_a_look_at_all_finds() {
    for number in 0..80 {
        let grid = map(number);
        let mut rng = rng(number + 11_000);
        for within in [0, 1, 4, 300] {
            let (from, to) = (any_square(&grid, &mut rng), any_square(&grid, &mut rng));
            let all = (0..grid.height()).flat_map(|y| (0..grid.width()).map(move |x| (y, x)));
            let near = all.filter(|&(y, x)| {
                x.abs_diff(to.x).max(y.abs_diff(to.y)) <= within
                    && grid.may_reach(from, Square::new(x, y))
            });
            let distance = |x: u16, y: u16| {
                u32::from(x.abs_diff(to.x)).pow(2) + u32::from(y.abs_diff(to.y)).pow(2)
            };
            let nearest = near.min_by_key(|&(y, x)| (distance(x, y), y, x));
            let nearest = nearest.map(|(y, x)| Square::new(x, y));
            assert_eq!(
                grid.nearest_reachable(from, to, within),
                nearest,
                "map {number} {from:?} {to:?}"
            );
        }
    }
}

#[test]
fn a_goal_outside_has_a_nearest_square_inside() {
    let grid = NavGrid::open(10, 10);
    let from = Square::new(1, 1);
    assert_eq!(
        grid.nearest_reachable(from, Square::new(12, 3), 5),
        Some(Square::new(9, 3))
    );
    assert_eq!(
        grid.nearest_reachable(from, Square::new(60_000, 3), 5),
        None
    );
}
