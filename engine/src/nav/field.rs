//! `Field`: how far it is from everywhere to the nearest of some goals.
//!
//! In: a grid and goals. Out: a number per square, and hence the next step from anywhere: one
//! search that serves any number of agents. Knows nothing of agents or time.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::grid::NavGrid;
use super::layer::Layer;
use super::square::{DIAGONAL, STRAIGHT, Square};
use super::state::Squares;
use crate::job::{Answer, Meter};

/// Squares that a field settles for one expansion: each looks at eight others, and nothing else.
pub const FIELD_SQUARES_PER_EXPANSION: u32 = 4;

/// Blocked; less than any cost, so that no way leads through it.
const BLOCKED: u32 = 0;

/// At a goal. What is stored is one more than the cost.
const GOAL: u32 = 1;

/// Not reached.
const FAR: u32 = u32::MAX;

/// The eight neighbours, straight ones first: the order in which equals are taken.
const AROUND: [(i32, i32, u32); 8] = [
    (0, -1, STRAIGHT),
    (1, 0, STRAIGHT),
    (0, 1, STRAIGHT),
    (-1, 0, STRAIGHT),
    (1, -1, DIAGONAL),
    (1, 1, DIAGONAL),
    (-1, 1, DIAGONAL),
    (-1, -1, DIAGONAL),
];

/// What the way to the nearest of some goals costs, from each square of a grid.
///
/// A clone shares the numbers. Written as the grid's bits and the goals, and searched anew when
/// read.
///
/// Shape: four bytes per square.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "State", try_from = "State")]
pub struct Field {
    version: u64,
    width: u16,
    height: u16,
    rows: Arc<Layer>,
    goals: Vec<Square>,
    /// How many squares it knows.
    settled: u32,
    /// Row by row, with a blocked border all around.
    costs: Arc<Vec<u32>>,
}

impl Field {
    /// Most that [`Field::build`] spends on a grid. Units: expansions.
    pub fn price(grid: &NavGrid) -> u32 {
        let squares = u32::from(grid.width()) * u32::from(grid.height());
        squares / FIELD_SQUARES_PER_EXPANSION + 1
    }

    /// Searches from the goals outward. `Partial` is exact as far as it got; `NoPath` means that
    /// no goal is free.
    ///
    /// Source: Dijkstra 1959. With two costs of steps, two queues are in order by themselves.
    pub fn build(grid: &NavGrid, goals: &[Square], meter: &mut Meter<'_>) -> Answer<Self> {
        let paid =
            |settled: u32| !settled.is_multiple_of(FIELD_SQUARES_PER_EXPANSION) || meter.spend(1);
        Self::search(grid, goals, paid)
    }

    /// Searches for as long as `more` says so, told how many squares are settled.
    fn search(grid: &NavGrid, goals: &[Square], more: impl FnMut(u32) -> bool) -> Answer<Self> {
        let mut wave = Wave::over(grid);
        for &goal in goals.iter().filter(|&&goal| grid.is_free(goal)) {
            wave.reach(Step::Straight, wave.index(goal), GOAL);
        }
        if wave.straight.is_empty() {
            return Answer::NoPath;
        }
        let whole = wave.run(more);
        let field = Self {
            version: grid.version(),
            width: grid.width(),
            height: grid.height(),
            rows: Arc::clone(grid.rows()),
            goals: goals.to_vec(),
            settled: wave.settled,
            costs: Arc::new(wave.costs),
        };
        if whole {
            Answer::Done(field)
        } else {
            Answer::Partial(field)
        }
    }

    /// What the way from a square costs; none if no goal can be reached from it.
    pub fn cost(&self, at: Square) -> Option<u32> {
        if at.x >= self.width || at.y >= self.height {
            return None;
        }
        let row = usize::from(self.width) + 2;
        let index = (usize::from(at.y) + 1) * row + usize::from(at.x) + 1;
        match self.costs.get(index) {
            None | Some(&BLOCKED | &FAR) => None,
            Some(cost) => Some(cost - GOAL),
        }
    }

    /// The next square on a shortest way, as far as the grid still allows that step; none at a
    /// goal, or where a wall has come into the way.
    pub fn next(&self, grid: &NavGrid, at: Square) -> Option<Square> {
        let here = self.cost(at)?;
        let mut best = None;
        for (x, y, step) in AROUND {
            let Some(to) = moved(at, x, y) else { continue };
            let Some(cost) = self.cost(to).filter(|&cost| cost < here) else {
                continue;
            };
            let total = cost.saturating_add(step);
            if best.is_none_or(|(least, _)| total < least) && grid.step_is_legal(at, to) {
                best = Some((total, to));
            }
        }
        best.map(|(_, to)| to)
    }

    /// The version of the grid that it was made for.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// A field as it is written.
#[derive(Serialize, Deserialize)]
struct State {
    version: u64,
    squares: Squares,
    goals: Vec<Square>,
    settled: u32,
}

impl From<Field> for State {
    fn from(field: Field) -> Self {
        Self {
            version: field.version,
            squares: Squares::of(field.width, field.height, &field.rows),
            goals: field.goals,
            settled: field.settled,
        }
    }
}

impl TryFrom<State> for Field {
    type Error = &'static str;

    fn try_from(state: State) -> Result<Self, Self::Error> {
        let grid = state.squares.grid();
        let grid = grid.ok_or("a field's bits are not those of its size")?;
        match Self::search(&grid, &state.goals, |settled| settled <= state.settled) {
            Answer::Done(field) | Answer::Partial(field) => Ok(Self {
                version: state.version,
                ..field
            }),
            Answer::NoPath => Err("a field without a goal"),
        }
    }
}

fn moved(at: Square, x: i32, y: i32) -> Option<Square> {
    let x = u16::try_from(i32::from(at.x) + x).ok()?;
    let y = u16::try_from(i32::from(at.y) + y).ok()?;
    Some(Square::new(x, y))
}

#[derive(Clone, Copy)]
enum Step {
    Straight,
    Diagonal,
}

/// What is settled, and what is next.
struct Wave {
    costs: Vec<u32>,
    row: usize,
    settled: u32,
    /// Places with the costs at which they were reached, by a straight step and by a diagonal
    /// one. Each queue grows in the order of costs, since places are settled in that order.
    straight: VecDeque<(u32, usize)>,
    diagonal: VecDeque<(u32, usize)>,
}

impl Wave {
    fn over(grid: &NavGrid) -> Self {
        let row = usize::from(grid.width()) + 2;
        let mut costs = vec![BLOCKED; row * (usize::from(grid.height()) + 2)];
        for (y, line) in (0..grid.height()).zip(costs.chunks_mut(row).skip(1)) {
            for (x, cost) in (0..grid.width()).zip(&mut line[1..]) {
                if grid.is_free(Square::new(x, y)) {
                    *cost = FAR;
                }
            }
        }
        Self {
            costs,
            row,
            settled: 0,
            straight: VecDeque::new(),
            diagonal: VecDeque::new(),
        }
    }

    fn index(&self, at: Square) -> usize {
        (usize::from(at.y) + 1) * self.row + usize::from(at.x) + 1
    }

    fn reach(&mut self, step: Step, at: usize, cost: u32) {
        if cost < self.costs[at] {
            self.costs[at] = cost;
            match step {
                Step::Straight => self.straight.push_back((cost, at)),
                Step::Diagonal => self.diagonal.push_back((cost, at)),
            }
        }
    }

    fn pop(&mut self) -> Option<(u32, usize)> {
        match (self.straight.front(), self.diagonal.front()) {
            (Some((straight, _)), Some((diagonal, _))) if diagonal < straight => {
                self.diagonal.pop_front()
            }
            (None, _) => self.diagonal.pop_front(),
            _ => self.straight.pop_front(),
        }
    }

    /// Whether all was settled.
    fn run(&mut self, mut more: impl FnMut(u32) -> bool) -> bool {
        while let Some((cost, at)) = self.pop() {
            if self.costs[at] < cost {
                continue; // Reached by a shorter way since.
            }
            if !more(self.settled + 1) {
                return false;
            }
            self.settled += 1;
            self.settle(at, cost);
        }
        true
    }

    fn settle(&mut self, at: usize, cost: u32) {
        let (up, down, left, right) = (at - self.row, at + self.row, at - 1, at + 1);
        let straight = cost.saturating_add(STRAIGHT);
        for to in [up, down, left, right] {
            self.reach(Step::Straight, to, straight);
        }
        let diagonal = cost.saturating_add(DIAGONAL);
        for (across, along) in [(up, left), (up, right), (down, left), (down, right)] {
            if self.costs[across] != BLOCKED && self.costs[along] != BLOCKED {
                self.reach(Step::Diagonal, across + along - at, diagonal);
            }
        }
    }
}
