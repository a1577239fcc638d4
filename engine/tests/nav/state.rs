//! What is written and read again.

use downbeat::codec::{decode, encode};
use downbeat::nav::{NavGrid, Path, Square};
use downbeat::rand::RngExt as _;
use downbeat::{Answer, Meter};

use crate::maps::{any_square, map, rng, with_tables};

#[test]
fn a_grid_that_was_written_answers_as_before() {
    for number in 0..80 {
        let mut grid = map(number);
        let mut rng = rng(number + 12_000);
        if number % 3 != 0 {
            grid = with_tables(&grid);
        }
        for _ in 0..number % 4 * 3 {
            let at = any_square(&grid, &mut rng);
            grid.set(at, rng.random_bool(0.4));
        }
        let read: NavGrid = decode(&encode(&grid)).expect("written by us");
        assert_eq!(encode(&read), encode(&grid));
        assert_eq!(read.version(), grid.version());
        assert_eq!(read.heuristic_is_usable(), grid.heuristic_is_usable());
        for _ in 0..20 {
            let (from, to) = (any_square(&grid, &mut rng), any_square(&grid, &mut rng));
            assert_eq!(read.may_reach(from, to), grid.may_reach(from, to));
            assert_eq!(
                answer(&read, from, to),
                answer(&grid, from, to),
                "map {number}"
            );
        }
    }
}

fn answer(grid: &NavGrid, from: Square, to: Square) -> (Answer<Path>, u32) {
    let mut meter = Meter::new(40);
    let answer = downbeat::nav::find_path(grid, from, &[to], &mut meter);
    (answer, meter.spent())
}

#[test]
fn a_grid_with_bits_missing_is_refused() {
    let mut bytes = encode(&NavGrid::open(100, 3));
    // The width comes first.
    bytes[0] = 250;
    assert!(decode::<NavGrid>(&bytes).is_err());
    bytes[0] = 0;
    assert!(decode::<NavGrid>(&bytes).is_err());
}

#[test]
fn a_path_that_was_written_is_the_same_and_a_bent_one_is_refused() {
    let corners = [(1, 1), (4, 4), (4, 9)].map(|(x, y)| Square::new(x, y));
    let path = Path::new(corners.to_vec()).expect("diagonal, then straight");
    assert_eq!(decode::<Path>(&encode(&path)).as_ref(), Ok(&path));
    let bent = encode(&vec![Square::new(1, 1), Square::new(3, 2)]);
    assert!(decode::<Path>(&bent).is_err());
    assert!(decode::<Path>(&encode(&Vec::<Square>::new())).is_err());
}

#[test]
fn a_path_knows_its_steps_its_length_and_its_chunks() {
    let corners = [(62, 10), (64, 8), (66, 8), (66, 8)].map(|(x, y)| Square::new(x, y));
    let path = Path::new(corners.to_vec()).expect("diagonal, then straight");
    let steps: Vec<(u16, u16)> = path.steps().map(|at| (at.x, at.y)).collect();
    assert_eq!(steps, [(62, 10), (63, 9), (64, 8), (65, 8), (66, 8)]);
    assert!((path.length() - (2.0 + 2.0 * std::f64::consts::SQRT_2)).abs() < 1e-12);
    let grid = NavGrid::open(128, 128);
    assert_eq!(path.chunks(&grid).collect::<Vec<_>>(), [0, 1]);
    // Both squares beside a diagonal step count.
    let diagonal = Path::new(vec![Square::new(63, 63), Square::new(64, 64)]).expect("one step");
    assert_eq!(diagonal.chunks(&grid).collect::<Vec<_>>(), [0, 1, 2, 3]);
}
