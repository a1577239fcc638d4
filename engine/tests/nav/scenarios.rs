//! Public maps with listed lengths.
//!
//! Source: N. Sturtevant, "Benchmarks for Grid-Based Pathfinding", 2012 (movingai.com).

use std::fs;
use std::path::PathBuf;

use downbeat::nav::{NavGrid, Square};

use crate::maps::{assert_legal, find, with_tables};

struct Problem {
    from: Square,
    to: Square,
    length: f64,
}

fn file(name: &str) -> Option<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/movingai");
    fs::read_to_string(PathBuf::from(directory).join(name)).ok()
}

/// Free squares are '.', 'G' and 'S'.
fn map(text: &str) -> NavGrid {
    let rows: Vec<&[u8]> = text.lines().skip(4).map(str::as_bytes).collect();
    let side = |length: usize| u16::try_from(length).expect("maps are small");
    NavGrid::from_fn(side(rows[0].len()), side(rows.len()), |at| {
        matches!(
            rows[usize::from(at.y)][usize::from(at.x)],
            b'.' | b'G' | b'S'
        )
    })
}

fn problem(line: &str) -> Problem {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words[at].parse().expect("a number");
    Problem {
        from: Square::new(number(4), number(5)),
        to: Square::new(number(6), number(7)),
        length: words[8].parse().expect("a length"),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "who reads the tests' output must see what was not tested"
)]
fn check_all(name: &str, every: usize) {
    let (Some(squares), Some(problems)) = (file(name), file(&format!("{name}.scen"))) else {
        eprintln!("skipped: {name} is not here");
        return;
    };
    // Without optimisation a hundred times slower.
    let every = if cfg!(debug_assertions) { every } else { 1 };
    let grid = map(&squares);
    let known = with_tables(&grid);
    let problems = problems.lines().skip(1).filter(|line| !line.is_empty());
    for problem in problems.step_by(every).map(problem) {
        for (grid, how) in [(&grid, "by scans"), (&known, "by tables")] {
            let what = format!("{name} {how}: {:?} to {:?}", problem.from, problem.to);
            let path = find(grid, problem.from, &[problem.to]).expect(&what);
            let off = (path.length() - problem.length).abs();
            assert!(
                off <= 0.01 + 1e-5 * problem.length,
                "{what}: {} for {}",
                path.length(),
                problem.length
            );
            assert_legal(grid, &path, &what);
        }
    }
}

#[test]
fn a_map_of_rooms_is_solved_with_the_listed_lengths() {
    check_all("bg512-AR0011SR.map", 20);
}

#[test]
fn a_map_of_long_ways_is_solved_with_the_listed_lengths() {
    check_all("dao-orz900d.map", 250);
}

#[test]
fn a_map_of_noise_is_solved_with_the_listed_lengths() {
    check_all("random-random512-35-0.map", 150);
}
