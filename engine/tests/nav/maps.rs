//! Maps of all kinds, and the oracle.

use std::sync::Arc;

use downbeat::nav::{DIAGONAL, NavGrid, Path, STRAIGHT, Square, Tables, find_path};
use downbeat::rand::RngExt as _;
use downbeat::{Answer, Meter, Rng, seeded};
use pathfinding::prelude::dijkstra_all;

/// Sizes at which something can go wrong: words end, lines are short.
pub(crate) const SIZES: [(u16, u16); 16] = [
    (63, 20),
    (64, 17),
    (65, 31),
    (128, 12),
    (20, 63),
    (17, 64),
    (31, 65),
    (12, 128),
    (1, 1),
    (1, 70),
    (70, 1),
    (2, 2),
    (130, 9),
    (3, 67),
    (62, 62),
    (40, 40),
];

/// A generator for one map; a failing test names the number.
pub(crate) fn rng(number: u64) -> Rng {
    seeded(number, "nav", 0, "map")
}

/// Pillars, caves, corridors, rooms, nothing at all; from time to time with walls at both ends.
pub(crate) fn map(number: u64) -> NavGrid {
    let mut rng = rng(number);
    let size = usize::try_from(number).expect("a small number") % SIZES.len();
    let (width, height) = SIZES[size];
    let mut grid = match number / 16 % 5 {
        0 => noise(
            width,
            height,
            0.05 + 0.1 * f64::from(rng.random_range(0..4_u8)),
            &mut rng,
        ),
        1 => caves(width, height, &mut rng),
        2 => corridors(width, height, &mut rng),
        3 => rooms(width, height, &mut rng),
        _ => noise(width, height, 0.02, &mut rng),
    };
    if rng.random_bool(0.3) {
        grid.fill(Square::new(0, 0), Square::new(0, height - 1), false);
        let right = width - 1;
        grid.fill(Square::new(right, 0), Square::new(right, height - 1), false);
    }
    grid.relabel();
    grid
}

fn noise(width: u16, height: u16, walls: f64, rng: &mut Rng) -> NavGrid {
    let mut grid = NavGrid::open(width, height);
    for y in 0..height {
        for x in 0..width {
            grid.set(Square::new(x, y), !rng.random_bool(walls));
        }
    }
    grid
}

/// Noise in which each square took the side of its neighbours twice.
fn caves(width: u16, height: u16, rng: &mut Rng) -> NavGrid {
    let mut grid = noise(width, height, 0.42, rng);
    for _ in 0..2 {
        let before = grid.clone();
        grid = NavGrid::from_fn(width, height, |at| {
            let around = (0..9_u16).filter(|n| {
                let (x, y) = (
                    (at.x + n % 3).wrapping_sub(1),
                    (at.y + n / 3).wrapping_sub(1),
                );
                before.is_free(Square::new(x, y))
            });
            around.count() >= 5
        });
    }
    grid
}

/// Walls everywhere but along random walks.
fn corridors(width: u16, height: u16, rng: &mut Rng) -> NavGrid {
    let mut grid = NavGrid::from_fn(width, height, |_| false);
    let mut at = Square::new(width / 2, height / 2);
    for _ in 0..u32::from(width) * u32::from(height) / 8 {
        let (dx, dy) = [(1, 0), (-1, 0), (0, 1), (0, -1)][rng.random_range(0..4_usize)];
        for _ in 0..rng.random_range(1..6_u8) {
            grid.set(at, true);
            at.x = at.x.saturating_add_signed(dx).min(width - 1);
            at.y = at.y.saturating_add_signed(dy).min(height - 1);
        }
    }
    grid
}

/// Walls in lines, each with a few doors.
fn rooms(width: u16, height: u16, rng: &mut Rng) -> NavGrid {
    let mut grid = NavGrid::open(width, height);
    for x in (5..width).step_by(7) {
        grid.fill(Square::new(x, 0), Square::new(x, height - 1), false);
    }
    for y in (6..height).step_by(9) {
        grid.fill(Square::new(0, y), Square::new(width - 1, y), false);
    }
    for _ in 0..u32::from(width) * u32::from(height) / 25 {
        grid.set(any_square(&grid, rng), true);
    }
    grid
}

pub(crate) fn any_square(grid: &NavGrid, rng: &mut Rng) -> Square {
    Square::new(
        rng.random_range(0..grid.width()),
        rng.random_range(0..grid.height()),
    )
}

/// A free square, if a few tries find one.
pub(crate) fn free_square(grid: &NavGrid, rng: &mut Rng) -> Square {
    let tries = (0..50)
        .map(|_| any_square(grid, rng))
        .find(|&at| grid.is_free(at));
    tries.unwrap_or_default()
}

/// What the way from a square to each other one costs; those that are missing cannot be reached.
pub(crate) fn oracle(grid: &NavGrid, from: Square) -> impl Fn(Square) -> Option<u32> + use<> {
    let steps = |at: &Square| {
        let at = *at;
        let near = (0..9_u16).map(move |n| {
            Square::new(
                (at.x + n % 3).wrapping_sub(1),
                (at.y + n / 3).wrapping_sub(1),
            )
        });
        near.filter(move |&to| grid.step_is_legal(at, to))
            .map(move |to| {
                (
                    to,
                    if to.x != at.x && to.y != at.y {
                        DIAGONAL
                    } else {
                        STRAIGHT
                    },
                )
            })
    };
    let costs = dijkstra_all(&from, |at| steps(at).collect::<Vec<_>>());
    let is_free = grid.is_free(from);
    move |to| match costs.get(&to) {
        Some((_, cost)) => Some(*cost),
        None => (is_free && to == from).then_some(0),
    }
}

/// Finds a path with all the time it takes.
pub(crate) fn find(grid: &NavGrid, from: Square, goals: &[Square]) -> Option<Path> {
    match find_path(grid, from, goals, &mut Meter::new(u32::MAX)) {
        Answer::Done(path) => Some(path),
        Answer::Partial(_) => panic!("nobody ends without a limit"),
        Answer::NoPath => None,
    }
}

/// Checks one answer: its cost, its ends, each of its steps.
pub(crate) fn check(grid: &NavGrid, from: Square, goals: &[Square], cost: Option<u32>, what: &str) {
    let path = find(grid, from, goals);
    assert_eq!(
        path.as_ref().map(Path::cost),
        cost,
        "{what}: {from:?} to {goals:?}"
    );
    if let Some(path) = path {
        assert_eq!(path.start(), from, "{what}");
        assert!(goals.contains(&path.end()), "{what}: {from:?} to {goals:?}");
        assert_legal(grid, &path, what);
    }
}

/// Each step one by one, not as the path itself looks.
pub(crate) fn assert_legal(grid: &NavGrid, path: &Path, what: &str) {
    let steps: Vec<Square> = path.steps().collect();
    for pair in steps.windows(2) {
        assert!(
            grid.step_is_legal(pair[0], pair[1]),
            "{what}: {pair:?} of {path:?}"
        );
    }
    assert!(path.is_legal(grid), "{what}: {path:?}");
    assert_eq!(
        (steps[0], steps[steps.len() - 1]),
        (path.start(), path.end())
    );
}

/// Tables of a grid as it is.
pub(crate) fn tables(grid: &NavGrid) -> Arc<Tables> {
    let tables = Tables::build(grid, 8, &mut Meter::new(u32::MAX));
    Arc::new(tables.expect("nothing limits it"))
}

/// The same grid with tables.
pub(crate) fn with_tables(grid: &NavGrid) -> NavGrid {
    let mut grid = grid.clone();
    assert!(
        grid.set_tables(tables(&grid)),
        "they are for this very grid"
    );
    grid
}
