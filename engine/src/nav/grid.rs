//! `NavGrid`: where one may walk; a clone is cheap, and edits touch only one's own copy.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::layer::Layer;

use super::square::Square;
use super::tables::Tables;
use crate::limits::NAV_SIDE_MAX;

/// Side of a chunk, the unit of versions. Units: squares.
const CHUNK: usize = 64;

/// A grid of squares that are free or walls.
///
/// Two bits per square (rows and columns), four bytes for its component, and whatever its
/// [`Tables`] take. A clone shares all of that until one of the two is edited, which copies the
/// bits alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "State", try_from = "State")]
pub struct NavGrid {
    width: u16,
    height: u16,
    rows: Arc<Layer>,
    columns: Arc<Layer>,
    version: u64,
    chunk_versions: Arc<Vec<u64>>,
    labels: Labels,
    /// The version that the labels were made for.
    labelled_at: u64,
    tables: Option<Arc<Tables>>,
    /// Squares that are free now and were walls for the tables.
    freed: u32,
    /// Squares that are walls now and were free for the tables.
    walled: u32,
}

impl NavGrid {
    /// A grid without walls.
    ///
    /// # Panics
    /// If a side is zero or more than 4,096 squares.
    pub fn open(width: u16, height: u16) -> Self {
        Self::from_fn(width, height, |_| true)
    }

    /// A grid whose squares are free as told.
    ///
    /// # Panics
    /// If a side is zero or more than 4,096 squares.
    pub fn from_fn(width: u16, height: u16, free: impl Fn(Square) -> bool) -> Self {
        let sides = 1..=NAV_SIDE_MAX;
        assert!(
            sides.contains(&width) && sides.contains(&height),
            "a grid of {width} × {height} squares; a side has 1 to {NAV_SIDE_MAX}"
        );
        let mut rows = Layer::blocked(height, width);
        let mut columns = Layer::blocked(width, height);
        for y in 0..height {
            for x in (0..width).filter(|&x| free(Square::new(x, y))) {
                rows.set(usize::from(y) + 1, usize::from(x) + 1, true);
                columns.set(usize::from(x) + 1, usize::from(y) + 1, true);
            }
        }
        let chunks = usize::from(width).div_ceil(CHUNK) * usize::from(height).div_ceil(CHUNK);
        Self {
            width,
            height,
            labels: Labels::of(&rows, width, height),
            rows: Arc::new(rows),
            columns: Arc::new(columns),
            version: 0,
            chunk_versions: Arc::new(vec![0; chunks]),
            labelled_at: 0,
            tables: None,
            freed: 0,
            walled: 0,
        }
    }

    /// How many squares a row has.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// How many rows there are.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Whether one may stand there; outside nobody may.
    pub fn is_free(&self, at: Square) -> bool {
        at.x < self.width && at.y < self.height && self.rows.is_free(row(at), column(at))
    }

    /// Makes a square free or a wall, and says whether that is new. Squares outside stay walls.
    pub fn set(&mut self, at: Square, free: bool) -> bool {
        if at.x >= self.width || at.y >= self.height || self.is_free(at) == free {
            return false;
        }
        Arc::make_mut(&mut self.rows).set(row(at), column(at), free);
        Arc::make_mut(&mut self.columns).set(column(at), row(at), free);
        self.version += 1;
        let chunk = self.chunk_of(at);
        Arc::make_mut(&mut self.chunk_versions)[chunk] = self.version;
        if free {
            self.join_neighbours(at);
        }
        self.count_change(at, free);
        true
    }

    /// Makes a rectangle free or a wall, both corners included, and says how many squares changed.
    pub fn fill(&mut self, from: Square, to: Square, free: bool) -> u32 {
        let mut changed = 0;
        for y in from.y.min(to.y)..=from.y.max(to.y).min(self.height - 1) {
            for x in from.x.min(to.x)..=from.x.max(to.x).min(self.width - 1) {
                changed += u32::from(self.set(Square::new(x, y), free));
            }
        }
        changed
    }

    /// Grows with each change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Which chunk of 64 × 64 squares a square belongs to; chunks are counted in rows.
    pub fn chunk_of(&self, at: Square) -> usize {
        let across = usize::from(self.width).div_ceil(CHUNK);
        usize::from(at.y) / CHUNK * across + usize::from(at.x) / CHUNK
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> usize {
        self.chunk_versions.len()
    }

    /// The version at which a chunk last changed; 0 if it never did, or does not exist.
    pub fn chunk_version(&self, chunk: usize) -> u64 {
        self.chunk_versions.get(chunk).copied().unwrap_or(0)
    }

    /// Whether there may be a way: if not, there certainly is none.
    ///
    /// "Yes" is certain as well, unless walls were added since the grid was made, was given tables,
    /// or was asked to [`relabel`](Self::relabel).
    pub fn may_reach(&self, from: Square, to: Square) -> bool {
        let from = self.label(from);
        from.is_some() && from == self.label(to)
    }

    /// Makes [`may_reach`](Self::may_reach) certain again. Takes about a millisecond for a quarter
    /// of a million squares.
    pub fn relabel(&mut self) {
        self.labels = Labels::of(&self.rows, self.width, self.height);
        self.labelled_at = self.version;
    }

    /// The square nearest to `to` that one may reach from `from`, at most `within` squares off
    /// along either axis; of several the topmost, then the leftmost.
    pub fn nearest_reachable(&self, from: Square, to: Square, within: u16) -> Option<Square> {
        let label = self.label(from)?;
        let mut best: Option<(u32, u16, u16)> = None;
        for ring in 0..=within {
            let ring_square = u32::from(ring) * u32::from(ring);
            if best.is_some_and(|(distance, ..)| distance < ring_square) {
                break;
            }
            for at in self.ring(to, ring) {
                if self.label(at) == Some(label) {
                    let (x, y) = at.apart(to);
                    let distance = u32::from(x).pow(2) + u32::from(y).pow(2);
                    let found = (distance, at.y, at.x);
                    best = Some(best.map_or(found, |best| best.min(found)));
                }
            }
        }
        best.map(|(_, y, x)| Square::new(x, y))
    }

    /// Whether one may step from one square to the other: to one of eight neighbours, and
    /// diagonally only past two free squares.
    pub fn step_is_legal(&self, from: Square, to: Square) -> bool {
        matches!(from.apart(to), (0 | 1, 0 | 1))
            && from != to
            && self.is_free(from)
            && self.is_free(to)
            && self.is_free(Square::new(from.x, to.y))
            && self.is_free(Square::new(to.x, from.y))
    }

    /// Whether one may walk a straight or diagonal line; other lines are not clear.
    pub fn line_is_clear(&self, from: Square, to: Square) -> bool {
        if !self.is_free(from) || !self.is_free(to) {
            return false;
        }
        match from.apart(to) {
            (_, 0) => self.rows.is_clear(row(from), column(from), column(to)),
            (0, _) => self.columns.is_clear(column(from), row(from), row(to)),
            (x, y) if x == y => {
                let mut at = from;
                while at != to {
                    let next = at.towards(to);
                    if !self.step_is_legal(at, next) {
                        return false;
                    }
                    at = next;
                }
                true
            }
            _ => false,
        }
    }

    /// Takes tables that were built for this grid, as it is or was; says whether it did.
    ///
    /// Not if they are of another size, or if walls are gone that stood then: their estimates would
    /// be too high.
    pub fn set_tables(&mut self, tables: Arc<Tables>) -> bool {
        if tables.width() != self.width || tables.height() != self.height {
            return false;
        }
        let (freed, walled) = changes(tables.rows(), &self.rows);
        if freed > 0 {
            return false;
        }
        (self.freed, self.walled) = (freed, walled);
        if tables.version() >= self.labelled_at {
            self.labelled_at = tables.version();
            self.labels = tables.labels().clone();
        }
        self.tables = Some(tables);
        true
    }

    /// Whether it has tables that still help: no wall is gone that stood when they were built.
    pub fn heuristic_is_usable(&self) -> bool {
        self.tables.is_some() && self.freed == 0
    }

    /// Rows of bits.
    pub(crate) fn rows(&self) -> &Arc<Layer> {
        &self.rows
    }

    /// Columns of bits.
    pub(crate) fn columns(&self) -> &Arc<Layer> {
        &self.columns
    }

    /// Tables whose estimates are not too high.
    pub(crate) fn usable_tables(&self) -> Option<&Tables> {
        self.tables.as_deref().filter(|_| self.freed == 0)
    }

    /// Tables that were built for exactly these squares.
    pub(crate) fn exact_tables(&self) -> Option<&Tables> {
        self.usable_tables().filter(|_| self.walled == 0)
    }

    fn label(&self, at: Square) -> Option<u32> {
        self.is_free(at)
            .then(|| self.labels.at(usize::from(at.x), usize::from(at.y)))?
    }

    fn join_neighbours(&mut self, at: Square) {
        let free = self
            .neighbours(at)
            .into_iter()
            .filter(|&to| self.is_free(to));
        let free: Vec<_> = free
            .map(|to| (usize::from(to.x), usize::from(to.y)))
            .collect();
        let (x, y) = (usize::from(at.x), usize::from(at.y));
        self.labels.free(x, y, free.into_iter());
    }

    /// The four nearest squares; some may lie outside.
    fn neighbours(&self, at: Square) -> [Square; 4] {
        [
            Square::new(at.x, at.y.wrapping_sub(1)),
            Square::new(at.x.wrapping_sub(1), at.y),
            Square::new(at.x + 1, at.y),
            Square::new(at.x, at.y + 1),
        ]
    }

    fn count_change(&mut self, at: Square, free: bool) {
        let Some(tables) = &self.tables else { return };
        match (tables.rows().is_free(row(at), column(at)), free) {
            (false, true) => self.freed += 1,
            (false, false) => self.freed -= 1,
            (true, false) => self.walled += 1,
            (true, true) => self.walled -= 1,
        }
    }

    /// The squares of the grid whose larger distance along an axis from the middle is `ring`.
    fn ring(&self, middle: Square, ring: u16) -> impl Iterator<Item = Square> {
        let (x, y, ring) = (i32::from(middle.x), i32::from(middle.y), i32::from(ring));
        let rows = (y - ring).max(0)..=(y + ring).min(i32::from(self.height) - 1);
        rows.flat_map(move |row| {
            let whole = (row - y).abs() == ring;
            let step = if whole { 1 } else { (2 * ring).max(1) };
            (0..=2 * ring)
                .step_by(step.unsigned_abs() as usize)
                .map(move |at| (x - ring + at, row))
        })
        .filter_map(|(x, y)| Some(Square::new(u16::try_from(x).ok()?, u16::try_from(y).ok()?)))
        .filter(|at| at.x < self.width)
    }
}

/// How many squares became free, and how many became walls.
fn changes(then: &Layer, now: &Layer) -> (u32, u32) {
    let pairs = || then.words().iter().zip(now.words());
    (
        pairs().map(|(then, now)| (now & !then).count_ones()).sum(),
        pairs().map(|(then, now)| (then & !now).count_ones()).sum(),
    )
}

/// A grid from the bits of its rows; none if its size is wild, or there are too many or too few.
pub(super) fn from_words(width: u16, height: u16, words: Vec<u64>) -> Option<NavGrid> {
    let sides = 1..=NAV_SIDE_MAX;
    if !sides.contains(&width) || !sides.contains(&height) {
        return None;
    }
    let rows = Layer::from_words(height, width, words)?;
    let free = |at| rows.is_free(row(at), column(at));
    Some(NavGrid::from_fn(width, height, free))
}

/// A square's row in the rows' bits, and its place in the columns'.
pub(crate) fn row(at: Square) -> usize {
    usize::from(at.y) + 1
}

/// A square's place in the rows' bits, and its column in the columns'.
pub(crate) fn column(at: Square) -> usize {
    usize::from(at.x) + 1
}

impl fmt::Debug for NavGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NavGrid")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("version", &self.version)
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

/// A grid as it is written: everything that a search or a question depends on.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    width: u16,
    height: u16,
    /// Bits of the rows, border and all.
    rows: Vec<u64>,
    version: u64,
    chunk_versions: Vec<u64>,
    labels: Vec<(u32, u32)>,
    labelled_at: u64,
    tables: Option<Tables>,
}

impl From<NavGrid> for State {
    fn from(grid: NavGrid) -> Self {
        Self {
            width: grid.width,
            height: grid.height,
            rows: grid.rows.words().to_vec(),
            version: grid.version,
            chunk_versions: grid.chunk_versions.to_vec(),
            labels: grid.labels.runs(),
            labelled_at: grid.labelled_at,
            tables: grid.tables.map(Arc::unwrap_or_clone),
        }
    }
}

impl TryFrom<State> for NavGrid {
    type Error = &'static str;

    fn try_from(state: State) -> Result<Self, Self::Error> {
        let mut grid = from_words(state.width, state.height, state.rows)
            .ok_or("a grid's bits are not those of its size")?;
        if state.chunk_versions.len() != grid.chunks() {
            return Err("a grid's chunks are not those of its size");
        }
        grid.version = state.version;
        grid.chunk_versions = Arc::new(state.chunk_versions);
        grid.labels = Labels::from_runs(&state.labels, state.width, state.height)
            .ok_or("a grid's labels are not those of its size")?;
        grid.labelled_at = state.labelled_at;
        grid.tables = state.tables.map(Arc::new);
        if let Some(tables) = &grid.tables {
            if tables.width() != state.width || tables.height() != state.height {
                return Err("a grid's tables are not those of its size");
            }
            (grid.freed, grid.walled) = changes(tables.rows(), &grid.rows);
        }
        Ok(grid)
    }
}
