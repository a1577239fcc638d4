//! Whoever finds paths: we, and three other crates, each used as its documentation advises.

use std::f64::consts::SQRT_2;
use std::sync::Arc;
use std::time::Instant;

use downbeat::nav::maps::Problem;
use downbeat::nav::{DIAGONAL, NavGrid, Path, STRAIGHT, Square, find_path};
use downbeat::{Answer, Meter};
use grid_pathfinding::{PathingGrid, waypoints_to_path};
use grid_util::grid::ValueGrid as _;
use grid_util::point::Point;
use hierarchical_pathfinding::neighbors::Neighborhood;
use hierarchical_pathfinding::{PathCache, PathCacheConfig};

use super::course::Course;

/// Finds paths on one map.
pub(super) trait Finder {
    /// A path as it comes, which is what is timed.
    type Found;

    fn find(&self, from: Square, to: Square) -> Option<Self::Found>;

    /// The same, square by square.
    fn squares(found: Self::Found) -> Vec<Square>;
}

/// How well paths are.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// As short as can be, each step legal.
    pub(super) right: usize,
    /// Legal, but longer.
    pub(super) longer: usize,
    /// With a step that cuts a corner or goes through a wall.
    pub(super) illegal: usize,
    /// Not there.
    pub(super) missing: usize,
    /// Sum over the longer ones: by which share of the shortest length.
    pub(super) excess: f64,
}

/// Finds all paths, and looks at them closely.
pub(super) fn judge<F: Finder>(finder: &F, problems: &[Problem], grid: &NavGrid) -> Verdict {
    let mut verdict = Verdict::default();
    for problem in problems {
        let Some(found) = finder.find(problem.from, problem.to) else {
            verdict.missing += 1;
            continue;
        };
        let squares = F::squares(found);
        let ends = (squares.first(), squares.last());
        if ends != (Some(&problem.from), Some(&problem.to)) {
            verdict.missing += 1;
            continue;
        }
        let steps = squares.windows(2).map(|pair| (pair[0], pair[1]));
        let diagonal = |&(a, b): &(Square, Square)| a.x != b.x && a.y != b.y;
        let diagonals = steps.clone().filter(diagonal).count();
        let length = (squares.len() - 1 - diagonals) as f64 + diagonals as f64 * SQRT_2;
        if !steps.clone().all(|(a, b)| grid.step_is_legal(a, b)) {
            verdict.illegal += 1;
        } else if (length - problem.length).abs() <= 0.01 + 1e-5 * problem.length {
            verdict.right += 1;
        } else {
            verdict.longer += 1;
            verdict.excess += length / problem.length.max(1.0) - 1.0;
        }
    }
    verdict
}

/// Ours.
pub(super) struct Downbeat {
    grid: NavGrid,
}

impl Downbeat {
    pub(super) fn new(course: &Course, with_tables: bool) -> Self {
        let grid = if with_tables {
            &course.quick_grid
        } else {
            &course.grid
        };
        Self { grid: grid.clone() }
    }
}

impl Finder for Downbeat {
    type Found = Path;

    fn find(&self, from: Square, to: Square) -> Option<Path> {
        match find_path(&self.grid, from, &[to], &mut Meter::new(u32::MAX)) {
            Answer::Done(path) => Some(path),
            Answer::Partial(_) | Answer::NoPath => None,
        }
    }

    fn squares(path: Path) -> Vec<Square> {
        path.steps().collect()
    }
}

/// A* of the crate `pathfinding`, with integer costs and the octile distance.
pub(super) struct AStar {
    grid: NavGrid,
}

/// Column and row in one number: the cheapest node to hash.
fn node(at: Square) -> u32 {
    u32::from(at.y) << 16 | u32::from(at.x)
}

fn square(node: u32) -> Square {
    let [x0, x1, y0, y1] = node.to_le_bytes();
    Square::new(u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1]))
}

impl AStar {
    pub(super) fn new(course: &Course) -> Self {
        let grid = course.grid.clone();
        Self { grid }
    }

    /// Up to eight, without cutting corners, and nothing allocated.
    fn neighbours(&self, at: Square) -> impl Iterator<Item = (u32, u32)> + use<> {
        let (left, right) = (at.x.wrapping_sub(1), at.x + 1);
        let (up, down) = (at.y.wrapping_sub(1), at.y + 1);
        let free = |x, y| self.grid.is_free(Square::new(x, y));
        let straight = |is, x, y| (is, node(Square::new(x, y)), STRAIGHT);
        let diagonal = |is: bool, x, y| (is && free(x, y), node(Square::new(x, y)), DIAGONAL);
        let north = free(at.x, up);
        let south = free(at.x, down);
        let west = free(left, at.y);
        let east = free(right, at.y);
        let all = [
            straight(north, at.x, up),
            straight(south, at.x, down),
            straight(west, left, at.y),
            straight(east, right, at.y),
            diagonal(north && west, left, up),
            diagonal(north && east, right, up),
            diagonal(south && west, left, down),
            diagonal(south && east, right, down),
        ];
        let free = all.into_iter().filter(|&(is, ..)| is);
        free.map(|(_, node, cost)| (node, cost))
    }
}

impl Finder for AStar {
    type Found = (Vec<u32>, u32);

    fn find(&self, from: Square, to: Square) -> Option<(Vec<u32>, u32)> {
        let goal = node(to);
        let octile = |at: Square| {
            let (x, y) = (at.x.abs_diff(to.x), at.y.abs_diff(to.y));
            let (long, short) = (u32::from(x.max(y)), u32::from(x.min(y)));
            STRAIGHT * (long - short) + DIAGONAL * short
        };
        pathfinding::prelude::astar(
            &node(from),
            |&at| self.neighbours(square(at)),
            |&at| octile(square(at)),
            |&at| at == goal,
        )
    }

    fn squares((nodes, _): (Vec<u32>, u32)) -> Vec<Square> {
        nodes.into_iter().map(square).collect()
    }
}

/// Jump points of the crate `grid_pathfinding`, which always cuts corners.
pub(super) struct JumpPoints {
    grid: PathingGrid,
    /// Units: milliseconds.
    pub(super) build_ms: f64,
}

impl JumpPoints {
    /// The modes that look for shortest paths in eight directions: with improved pruning, and
    /// without.
    pub(super) fn modes(course: &Course) -> [Self; 2] {
        [true, false].map(|improved_pruning| Self::new(course, improved_pruning))
    }

    fn new(course: &Course, improved_pruning: bool) -> Self {
        let start = Instant::now();
        let of = &course.grid;
        let (width, height) = (of.width(), of.height());
        let mut grid = PathingGrid::new(width.into(), height.into(), true);
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let blocked = !of.is_free(Square::new(x, y));
            grid.grid.set(x.into(), y.into(), blocked);
        }
        grid.improved_pruning = improved_pruning;
        grid.initialize();
        grid.generate_components();
        let build_ms = start.elapsed().as_secs_f64() * 1000.0;
        Self { grid, build_ms }
    }
}

impl Finder for JumpPoints {
    type Found = Vec<Point>;

    fn find(&self, from: Square, to: Square) -> Option<Vec<Point>> {
        let point = |at: Square| Point::new(at.x.into(), at.y.into());
        self.grid
            .get_waypoints_single_goal(point(from), point(to), false)
    }

    fn squares(waypoints: Vec<Point>) -> Vec<Square> {
        let place = |at: i32| u16::try_from(at).unwrap_or(u16::MAX);
        let points = waypoints_to_path(waypoints).into_iter();
        points
            .map(|at| Square::new(place(at.x), place(at.y)))
            .collect()
    }
}

/// The hierarchy of the crate `hierarchical_pathfinding`, which knows no costs of steps, only of
/// squares, and promises no shortest paths.
pub(super) struct Hierarchy {
    cache: PathCache<Corners>,
    grid: Arc<NavGrid>,
    /// Units: milliseconds.
    pub(super) build_ms: f64,
}

/// Eight directions without cutting corners.
#[derive(Clone, Debug)]
pub(super) struct Corners(Arc<NavGrid>);

type Place = (usize, usize);

fn at((x, y): Place) -> Square {
    let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    Square::new(place(x), place(y))
}

impl Neighborhood for Corners {
    fn get_all_neighbors(&self, point: Place, target: &mut Vec<Place>) {
        let here = at(point);
        let xs = here.x.saturating_sub(1)..=here.x + 1;
        for (x, y) in xs.flat_map(|x| (here.y.saturating_sub(1)..=here.y + 1).map(move |y| (x, y)))
        {
            if self.0.step_is_legal(here, Square::new(x, y)) {
                target.push((x.into(), y.into()));
            }
        }
    }

    fn heuristic(&self, point: Place, goal: Place) -> usize {
        point.0.abs_diff(goal.0).max(point.1.abs_diff(goal.1))
    }
}

impl Hierarchy {
    pub(super) fn new(course: &Course) -> Self {
        let start = Instant::now();
        let grid = Arc::new(course.grid.clone());
        let sides = (grid.width().into(), grid.height().into());
        let corners = Corners(Arc::clone(&grid));
        let config = PathCacheConfig::HIGH_PERFORMANCE;
        let cache = PathCache::new(sides, |place| cost(&grid, place), corners, config);
        let build_ms = start.elapsed().as_secs_f64() * 1000.0;
        Self {
            cache,
            grid,
            build_ms,
        }
    }
}

fn cost(grid: &NavGrid, place: Place) -> isize {
    if grid.is_free(at(place)) { 1 } else { -1 }
}

impl Finder for Hierarchy {
    type Found = Vec<Place>;

    fn find(&self, from: Square, to: Square) -> Option<Vec<Place>> {
        let place = |at: Square| (usize::from(at.x), usize::from(at.y));
        let path = self
            .cache
            .find_path(place(from), place(to), |at| cost(&self.grid, at))?;
        // Its paths begin after the start.
        Some(std::iter::once(place(from)).chain(path).collect())
    }

    fn squares(places: Vec<Place>) -> Vec<Square> {
        let mut squares: Vec<_> = places.into_iter().map(at).collect();
        // It says that who is there already has a step to make.
        squares.dedup();
        squares
    }
}
