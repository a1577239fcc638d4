//! What a search does when its meter ends.

use downbeat::nav::{NavGrid, Square, Tables, find_path};
use downbeat::{Answer, Meter};

use crate::maps::{assert_legal, find, free_square, map, rng, tables, with_tables};

fn within(
    grid: &NavGrid,
    from: Square,
    to: Square,
    budget: u32,
) -> (Answer<downbeat::nav::Path>, u32) {
    let mut meter = Meter::new(budget);
    let answer = find_path(grid, from, &[to], &mut meter);
    (answer, meter.spent())
}

#[test]
fn partial_paths_are_legal_and_the_same_each_time() {
    let mut partial = 0;
    for number in 0..160 {
        let scanned = map(number);
        let mut rng = rng(number + 7000);
        let (from, to) = (
            free_square(&scanned, &mut rng),
            free_square(&scanned, &mut rng),
        );
        for grid in [with_tables(&scanned), scanned] {
            for budget in [0, 1, 3, 10, 30] {
                let (answer, spent) = within(&grid, from, to, budget);
                let (again, spent_again) = within(&grid.clone(), from, to, budget);
                assert_eq!((&answer, spent), (&again, spent_again), "map {number}");
                if let Answer::Partial(path) = answer {
                    assert_eq!(path.start(), from);
                    assert_legal(&grid, &path, &format!("map {number} within {budget}"));
                    assert!(spent > budget, "it stops for want of budget alone");
                    partial += 1;
                }
            }
        }
    }
    assert!(partial > 200, "{partial} partial paths");
}

#[test]
fn a_budget_as_large_as_what_was_spent_gives_the_whole_path() {
    for number in 0..80 {
        let grid = map(number);
        let mut rng = rng(number + 8000);
        let (from, to) = (free_square(&grid, &mut rng), free_square(&grid, &mut rng));
        let (whole, spent) = within(&grid, from, to, u32::MAX);
        assert_eq!(within(&grid, from, to, spent).0, whole, "map {number}");
        if spent > 0 {
            let (less, _) = within(&grid, from, to, spent - 1);
            assert!(matches!(less, Answer::Partial(_)), "map {number}: {less:?}");
        }
    }
}

#[test]
fn a_larger_budget_leads_nearer() {
    let mut grid = NavGrid::open(60, 60);
    for x in (4..56).step_by(4) {
        let y = if x % 8 == 0 { 0 } else { 4 };
        grid.fill(Square::new(x, y), Square::new(x, y + 55), false);
    }
    let (from, to) = (Square::new(0, 0), Square::new(59, 59));
    let left = |budget| match within(&grid, from, to, budget).0 {
        Answer::Done(path) | Answer::Partial(path) => 59 - path.end().x,
        Answer::NoPath => panic!("there is a way"),
    };
    let lefts: Vec<u16> = [0, 20, 60, 150, 10_000].map(left).to_vec();
    assert!(
        lefts.is_sorted_by(|a, b| a >= b) && lefts[1] < lefts[0],
        "{lefts:?}"
    );
    assert_eq!(lefts[4], 0);
}

#[test]
fn what_cannot_be_reached_costs_nothing() {
    let mut grid = NavGrid::open(100, 100);
    grid.fill(Square::new(50, 0), Square::new(50, 99), false);
    grid.relabel();
    let (answer, spent) = within(&grid, Square::new(1, 1), Square::new(99, 99), 1);
    assert_eq!((answer, spent), (Answer::NoPath, 0));
}

#[test]
fn tables_are_not_built_beyond_the_meter() {
    let grid = map(2);
    let mut meter = Meter::new(u32::MAX);
    assert!(Tables::build(&grid, 8, &mut meter).is_some());
    let spent = meter.spent();
    assert!(spent > 100);
    for budget in [0, 10, spent / 2, spent - 1] {
        assert!(Tables::build(&grid, 8, &mut Meter::new(budget)).is_none());
    }
    assert!(Tables::build(&grid, 8, &mut Meter::new(spent)).is_some());
}

#[test]
fn tables_without_pivots_still_know_the_corners() {
    let mut grid = map(50);
    let mut rng = rng(50);
    let (from, to) = (free_square(&grid, &mut rng), free_square(&grid, &mut rng));
    let cost = find(&grid, from, &[to]).map(|path| path.cost());
    let none = Tables::build(&grid, 0, &mut Meter::new(u32::MAX)).expect("no limit");
    assert!(grid.set_tables(none.into()));
    assert_eq!(find(&grid, from, &[to]).map(|path| path.cost()), cost);
    assert!(grid.set_tables(tables(&grid)));
}
