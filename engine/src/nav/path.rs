//! `Path`: a way from square to square, kept as its corners.

use serde::{Deserialize, Serialize};

use super::grid::NavGrid;
use super::square::{DIAGONAL, STRAIGHT, Square};

/// A way from square to square.
///
/// Shape: at least one corner; from each one to the next a straight or a diagonal line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Square>", try_from = "Vec<Square>")]
pub struct Path {
    corners: Vec<Square>,
    straight: u32,
    diagonal: u32,
}

impl Path {
    /// The way along these corners; none if there are none, or two that no straight or diagonal
    /// line joins.
    pub fn new(corners: Vec<Square>) -> Option<Self> {
        let (mut straight, mut diagonal) = (0, 0);
        corners.first()?;
        for pair in corners.windows(2) {
            match pair[0].apart(pair[1]) {
                (0, steps) | (steps, 0) => straight += u32::from(steps),
                (x, y) if x == y => diagonal += u32::from(x),
                _ => return None,
            }
        }
        Some(Self {
            corners,
            straight,
            diagonal,
        })
    }

    /// The way along these squares; those where it does not turn are left out.
    pub(crate) fn along(squares: &[Square]) -> Self {
        let direction = |from: Square, to: Square| (to.x.cmp(&from.x), to.y.cmp(&from.y));
        let mut corners: Vec<Square> = Vec::with_capacity(squares.len().min(16));
        for &at in squares {
            if corners.last() == Some(&at) {
                continue;
            }
            if let [.., before, last] = corners[..]
                && direction(before, last) == direction(last, at)
            {
                corners.pop();
            }
            corners.push(at);
        }
        Self::new(corners).expect("a search goes in straight and diagonal lines")
    }

    /// First the start, then where it turns, last the end.
    pub fn corners(&self) -> &[Square] {
        &self.corners
    }

    /// Where it begins.
    pub fn start(&self) -> Square {
        self.corners[0]
    }

    /// Where it ends.
    pub fn end(&self) -> Square {
        self.corners[self.corners.len() - 1]
    }

    /// Each square from the start to the end, both included.
    pub fn steps(&self) -> impl Iterator<Item = Square> {
        let mut at = self.start();
        let mut ahead = self.corners[1..].iter().copied().peekable();
        let walk = std::iter::from_fn(move || {
            while ahead.next_if_eq(&at).is_some() {}
            at = at.towards(*ahead.peek()?);
            Some(at)
        });
        std::iter::once(self.start()).chain(walk)
    }

    /// How long it is. Units: metres, or squares.
    pub fn length(&self) -> f64 {
        f64::from(self.straight) + f64::from(self.diagonal) * std::f64::consts::SQRT_2
    }

    /// What it costs, as the search counts: [`STRAIGHT`] and [`DIAGONAL`] for each step.
    pub fn cost(&self) -> u32 {
        self.straight
            .saturating_mul(STRAIGHT)
            .saturating_add(self.diagonal.saturating_mul(DIAGONAL))
    }

    /// Whether each step may be taken.
    pub fn is_legal(&self, grid: &NavGrid) -> bool {
        grid.is_free(self.start())
            && self
                .corners
                .windows(2)
                .all(|pair| grid.line_is_clear(pair[0], pair[1]))
    }

    /// The chunks of a grid that it depends on, in growing order, each once.
    pub fn chunks(&self, grid: &NavGrid) -> impl Iterator<Item = usize> {
        let mut chunks = Vec::new();
        let mut last = self.start();
        for at in self.steps() {
            // A diagonal step depends on the squares beside it as well.
            for square in [at, Square::new(last.x, at.y), Square::new(at.x, last.y)] {
                let chunk = grid.chunk_of(square);
                if chunks.last() != Some(&chunk) {
                    chunks.push(chunk);
                }
            }
            last = at;
        }
        chunks.sort_unstable();
        chunks.dedup();
        chunks.into_iter()
    }
}

impl From<Path> for Vec<Square> {
    fn from(path: Path) -> Self {
        path.corners
    }
}

impl TryFrom<Vec<Square>> for Path {
    type Error = &'static str;

    fn try_from(corners: Vec<Square>) -> Result<Self, Self::Error> {
        Self::new(corners).ok_or("corners that no straight or diagonal lines join")
    }
}
