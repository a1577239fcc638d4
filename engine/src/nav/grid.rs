//! `NavGrid`: where one may walk; a clone is cheap, and edits touch only one's own copy.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

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
#[derive(Clone)]
pub struct NavGrid {
    pub(super) width: u16,
    pub(super) height: u16,
    rows: Arc<Layer>,
    columns: Arc<Layer>,
    pub(super) version: u64,
    pub(super) chunk_versions: Arc<Vec<u64>>,
    pub(super) labels: Labels,
    /// The version that the labels were made for.
    pub(super) labelled_at: u64,
    pub(super) tables: Option<Arc<Tables>>,
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
    /// "Yes" is certain as well, unless walls were added since the grid was made, since the tables
    /// that it was given last were built, or since it was asked to [`relabel`](Self::relabel).
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
        for ring in self.rings(to).filter(|&ring| ring <= within) {
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
        let Some((freed, walled)) = self.changes_since(&tables).filter(|&(freed, _)| freed == 0)
        else {
            return false;
        };
        if tables.version() >= self.labelled_at {
            self.labelled_at = tables.version();
            self.labels = tables.labels().clone();
        }
        self.tables = Some(tables);
        (self.freed, self.walled) = (freed, walled);
        true
    }

    /// Takes up tables that it had before.
    pub(super) fn restore_tables(&mut self, tables: Tables) -> Option<()> {
        (self.freed, self.walled) = self.changes_since(&tables)?;
        self.tables = Some(Arc::new(tables));
        Some(())
    }

    /// How many squares became free and how many became walls since tables were built; none if
    /// they are of another size.
    fn changes_since(&self, tables: &Tables) -> Option<(u32, u32)> {
        let (then, now) = (tables.rows().words(), self.rows.words());
        let pairs = || then.iter().zip(now);
        (tables.width() == self.width && tables.height() == self.height).then(|| {
            (
                pairs().map(|(then, now)| (now & !then).count_ones()).sum(),
                pairs().map(|(then, now)| (then & !now).count_ones()).sum(),
            )
        })
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

    /// The distances, larger axis, at which the grid has squares around a middle.
    fn rings(&self, middle: Square) -> RangeInclusive<u16> {
        let (right, bottom) = (self.width - 1, self.height - 1);
        let outside = |at: u16, last: u16| at.saturating_sub(last);
        let nearest = outside(middle.x, right).max(outside(middle.y, bottom));
        let farthest = |at: u16, last: u16| at.max(last.saturating_sub(at));
        nearest..=farthest(middle.x, right).max(farthest(middle.y, bottom))
    }

    /// The squares of the grid at such a distance from the middle, in rows.
    fn ring(&self, middle: Square, ring: u16) -> impl Iterator<Item = Square> {
        let (left, right) = (middle.x.checked_sub(ring), middle.x.saturating_add(ring));
        let (top, bottom) = (middle.y.saturating_sub(ring), middle.y.saturating_add(ring));
        let last = self.width - 1;
        (top..=bottom.min(self.height - 1)).flat_map(move |y| {
            let is_whole = y.abs_diff(middle.y) == ring;
            let row = (left.unwrap_or(0)..=right.min(last)).filter(move |_| is_whole);
            let ends = left
                .into_iter()
                .chain([right])
                .filter(move |&x| !is_whole && x <= last);
            row.chain(ends).map(move |x| Square::new(x, y))
        })
    }
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
