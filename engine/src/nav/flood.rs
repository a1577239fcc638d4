//! `Flood`: what the ways from one square to all others cost.

use super::grid::{NavGrid, column, row};
use super::square::{COST_MAX, DIAGONAL, STRAIGHT, Square};
use crate::job::Meter;

/// Squares whose neighbours are looked at for one expansion.
const SQUARES_PER_EXPANSION: usize = 2;

/// The eight steps: right, down, and what it costs.
const STEPS: [(i32, i32, u32); 8] = [
    (0, -1, STRAIGHT),
    (-1, 0, STRAIGHT),
    (1, 0, STRAIGHT),
    (0, 1, STRAIGHT),
    (-1, -1, DIAGONAL),
    (1, -1, DIAGONAL),
    (-1, 1, DIAGONAL),
    (1, 1, DIAGONAL),
];

/// Costs from one square, by Dijkstra's algorithm with buckets: what is taken from one cannot be
/// bettered from the same one, as no step costs less than a bucket is wide.
pub(crate) struct Flood {
    width: u32,
    /// By place, which of [`STEPS`] may be taken.
    steps: Vec<u8>,
    /// How places change with each step.
    offsets: [i32; 8],
    distances: Vec<u32>,
    /// The places that the last run reached.
    seen: Vec<u32>,
    /// Places at hand, and those one and two buckets on.
    buckets: [Vec<u32>; 3],
}

impl Flood {
    pub(crate) fn new(grid: &NavGrid) -> Self {
        let width = i32::from(grid.width());
        let mut flood = Self {
            width: u32::from(grid.width()),
            steps: vec![0; usize::from(grid.width()) * usize::from(grid.height())],
            offsets: STEPS.map(|(x, y, _)| y * width + x),
            distances: Vec::new(),
            seen: Vec::new(),
            buckets: Default::default(),
        };
        flood.distances = vec![u32::MAX; flood.steps.len()];
        for at in grid.rows().squares(grid.height()) {
            let place = flood.place(at) as usize;
            flood.steps[place] = legal_steps(grid, at);
        }
        flood
    }

    /// Places are squares counted in rows.
    pub(crate) fn place(&self, at: Square) -> u32 {
        u32::from(at.y) * self.width + u32::from(at.x)
    }

    pub(crate) fn square(&self, place: u32) -> Square {
        let small = |number: u32| u16::try_from(number).expect("a side has at most 4,096");
        Square::new(small(place % self.width), small(place / self.width))
    }

    /// What the way to a place costs; `u32::MAX` if there is none.
    pub(crate) fn distance(&self, place: u32) -> u32 {
        self.distances[place as usize]
    }

    /// The places that the last run reached.
    pub(crate) fn seen(&self) -> &[u32] {
        &self.seen
    }

    /// The one of them that is farthest; of several the last in rows.
    pub(crate) fn farthest(&self) -> u32 {
        let farthest = self.seen.iter().map(|&at| (self.distance(at), at)).max();
        farthest.map_or(0, |farthest| farthest.1)
    }

    /// Forgets the last run and starts from a place; none when the meter ends.
    pub(crate) fn run(&mut self, from: u32, meter: &mut Meter<'_>) -> Option<()> {
        for place in self.seen.drain(..) {
            self.distances[place as usize] = u32::MAX;
        }
        self.buckets.iter_mut().for_each(Vec::clear);
        self.seen.push(from);
        self.distances[from as usize] = 0;
        self.buckets[0].push(from);
        let mut floor = 0;
        while self.buckets.iter().any(|bucket| !bucket.is_empty()) && floor <= COST_MAX {
            let mut bucket = std::mem::take(&mut self.buckets[0]);
            let work = 1 + bucket.len() / SQUARES_PER_EXPANSION;
            if !meter.spend(u32::try_from(work).unwrap_or(u32::MAX)) {
                return None;
            }
            for place in bucket.drain(..) {
                // Otherwise it was in an earlier bucket as well.
                if self.distance(place) >= floor {
                    self.spread(place, floor);
                }
            }
            self.buckets[0] = bucket;
            self.buckets.rotate_left(1);
            floor += STRAIGHT;
        }
        Some(())
    }

    fn spread(&mut self, place: u32, floor: u32) {
        let distance = self.distance(place);
        let mut steps = self.steps[place as usize];
        while steps != 0 {
            let step = steps.trailing_zeros() as usize;
            steps &= steps - 1;
            let to = place.wrapping_add_signed(self.offsets[step]);
            let cost = distance + STEPS[step].2;
            let known = &mut self.distances[to as usize];
            if cost < *known {
                if *known == u32::MAX {
                    self.seen.push(to);
                }
                *known = cost;
                self.buckets[if cost < floor + 2 * STRAIGHT { 1 } else { 2 }].push(to);
            }
        }
    }
}

fn legal_steps(grid: &NavGrid, at: Square) -> u8 {
    let (y, x) = (row(at), column(at));
    let free = |dy: i32, dx: i32| {
        let rows = grid.rows();
        rows.is_free(
            y.wrapping_add_signed(dy as isize),
            x.wrapping_add_signed(dx as isize),
        )
    };
    STEPS
        .iter()
        .enumerate()
        .fold(0, |steps, (step, &(dx, dy, _))| {
            let is_legal = free(dy, dx) && free(dy, 0) && free(0, dx);
            steps | u8::from(is_legal) << step
        })
}
