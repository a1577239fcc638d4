//! Walls that appear and vanish.

use downbeat::nav::{NavGrid, Square};
use downbeat::rand::RngExt as _;

use crate::maps::{any_square, check, free_square, map, oracle, rng, tables, with_tables};

fn check_some(grid: &NavGrid, number: u64, what: &str) {
    let mut rng = rng(number + 3000);
    let from = free_square(grid, &mut rng);
    let cost = oracle(grid, from);
    for _ in 0..10 {
        let to = free_square(grid, &mut rng);
        check(grid, from, &[to], cost(to), &format!("map {number} {what}"));
    }
}

#[test]
fn added_walls_leave_tables_usable_and_paths_shortest() {
    for number in 0..160 {
        let mut grid = with_tables(&map(number));
        let mut rng = rng(number + 4000);
        for round in 0..3 {
            for _ in 0..10 {
                let at = any_square(&grid, &mut rng);
                grid.set(at, false);
            }
            assert!(grid.heuristic_is_usable(), "walls make ways longer only");
            check_some(&grid, number * 10 + round, "with walls added");
        }
    }
}

#[test]
fn removed_walls_put_tables_out_of_use_until_they_are_built_again() {
    let mut unusable = 0;
    for number in 0..160 {
        let mut grid = with_tables(&map(number));
        let mut rng = rng(number + 5000);
        let mut is_removed = false;
        for _ in 0..10 {
            let at = any_square(&grid, &mut rng);
            is_removed |= grid.set(at, true);
        }
        assert_eq!(grid.heuristic_is_usable(), !is_removed);
        unusable += u32::from(is_removed);
        check_some(&grid, number, "with walls removed");
        let built = tables(&grid);
        assert!(grid.set_tables(built) && grid.heuristic_is_usable());
        check_some(&grid, number, "with tables built again");
    }
    assert!(unusable > 80, "{unusable} of 160 maps lost a wall");
}

#[test]
fn any_edits_leave_paths_shortest() {
    for number in 0..160 {
        let mut grid = with_tables(&map(number));
        let mut rng = rng(number + 6000);
        for round in 0..3 {
            let (from, to) = (any_square(&grid, &mut rng), any_square(&grid, &mut rng));
            let far = Square::new(to.x.min(from.x + 4), to.y.min(from.y + 4));
            grid.fill(from, far, rng.random_bool(0.5));
            check_some(&grid, number * 10 + round, "after an edit");
        }
    }
}

#[test]
fn a_wall_put_back_makes_tables_usable_again() {
    let mut grid = NavGrid::open(20, 20);
    let wall = Square::new(10, 0);
    grid.fill(wall, Square::new(10, 18), false);
    let mut grid = with_tables(&grid);
    assert!(grid.set(wall, true));
    assert!(!grid.heuristic_is_usable());
    assert!(grid.set(wall, false));
    assert!(grid.heuristic_is_usable());
    check_some(&grid, 1, "as before");
}

#[test]
fn tables_for_other_squares_are_not_taken() {
    let mut grid = NavGrid::open(20, 20);
    grid.set(Square::new(5, 5), false);
    let old = tables(&grid);
    grid.set(Square::new(5, 5), true);
    assert!(!grid.set_tables(old), "a wall stood then that is gone");
    assert!(
        !grid.set_tables(tables(&NavGrid::open(20, 21))),
        "another size"
    );
    assert!(!grid.heuristic_is_usable());
}

#[test]
fn a_clone_made_before_an_edit_does_not_change() {
    let mut grid = with_tables(&map(3));
    let before = grid.clone();
    let squares =
        || (0..before.height()).flat_map(|y| (0..before.width()).map(move |x| Square::new(x, y)));
    let free: Vec<bool> = squares().map(|at| before.is_free(at)).collect();
    let (version, all) = (
        before.version(),
        Square::new(before.width(), before.height()),
    );
    assert!(free.contains(&true) && free.contains(&false));
    grid.fill(Square::default(), all, true);
    assert!(squares().map(|at| before.is_free(at)).eq(free));
    assert_eq!(before.version(), version);
    assert_eq!(
        before.chunk_version(0),
        version.min(before.chunk_version(0))
    );
    assert!(before.heuristic_is_usable() && !grid.heuristic_is_usable());
    check_some(&before, 3, "of the clone");
    check_some(&grid, 3, "of the edited one");
}

#[test]
fn an_edit_counts_in_its_chunk_alone() {
    let mut grid = NavGrid::open(130, 70);
    assert_eq!(grid.chunks(), 6);
    let at = Square::new(64, 69);
    assert!(grid.set(at, false) && !grid.set(at, false));
    assert_eq!(grid.version(), 1);
    assert_eq!(grid.chunk_of(at), 4);
    let versions: Vec<u64> = (0..7).map(|chunk| grid.chunk_version(chunk)).collect();
    assert_eq!(versions, [0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(
        grid.fill(Square::new(200, 70), Square::new(0, 69), false),
        129
    );
    assert_eq!(grid.version(), 130);
    assert!(
        !grid.set(Square::new(130, 0), false),
        "outside nothing changes"
    );
}
