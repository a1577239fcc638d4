//! Grids and tables as they are written: what they are made from, not what is made of it.

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::grid::{NavGrid, column, row};
use super::labels::Labels;
use super::layer::Layer;
use super::square::Square;
use super::tables::Tables;
use crate::job::Meter;
use crate::limits::NAV_SIDE_MAX;

/// The squares of a grid.
#[derive(Serialize, Deserialize)]
pub(super) struct Squares {
    width: u16,
    height: u16,
    /// Bits of the rows, border and all.
    rows: Vec<u64>,
}

impl Squares {
    pub(super) fn of(width: u16, height: u16, rows: &Layer) -> Self {
        let rows = rows.words().to_vec();
        Self {
            width,
            height,
            rows,
        }
    }

    /// A grid; none if its size is wild, or there are too many bits or too few.
    pub(super) fn grid(self) -> Option<NavGrid> {
        let sides = 1..=NAV_SIDE_MAX;
        if !sides.contains(&self.width) || !sides.contains(&self.height) {
            return None;
        }
        let rows = Layer::from_words(self.height, self.width, self.rows)?;
        let free = |at: Square| rows.is_free(row(at), column(at));
        Some(NavGrid::from_fn(self.width, self.height, free))
    }
}

/// Tables: built anew when read.
#[derive(Serialize, Deserialize)]
struct TablesState {
    squares: Squares,
    pivots: usize,
    version: u64,
}

impl TablesState {
    fn of(tables: &Tables) -> Self {
        Self {
            squares: Squares::of(tables.width(), tables.height(), tables.rows()),
            pivots: tables.pivots(),
            version: tables.version(),
        }
    }

    fn tables(self) -> Option<Tables> {
        let mut grid = self.squares.grid()?;
        grid.version = self.version;
        Tables::build(&grid, self.pivots, &mut Meter::new(u32::MAX))
    }
}

/// A grid: everything that an answer depends on.
#[derive(Serialize, Deserialize)]
struct GridState {
    squares: Squares,
    version: u64,
    chunk_versions: Vec<u64>,
    labels: Vec<(u32, u32)>,
    labelled_at: u64,
    tables: Option<TablesState>,
}

impl GridState {
    fn of(grid: &NavGrid) -> Self {
        Self {
            squares: Squares::of(grid.width, grid.height, grid.rows()),
            version: grid.version,
            chunk_versions: grid.chunk_versions.to_vec(),
            labels: grid.labels.runs(),
            labelled_at: grid.labelled_at,
            tables: grid.tables.as_deref().map(TablesState::of),
        }
    }

    fn grid(self) -> Option<NavGrid> {
        let mut grid = self.squares.grid()?;
        if self.chunk_versions.len() != grid.chunks() {
            return None;
        }
        grid.version = self.version;
        grid.chunk_versions = Arc::new(self.chunk_versions);
        grid.labels = Labels::from_runs(&self.labels, grid.width, grid.height)?;
        grid.labelled_at = self.labelled_at;
        if let Some(tables) = self.tables {
            grid.restore_tables(tables.tables()?)?;
        }
        Some(grid)
    }
}

impl Serialize for Tables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TablesState::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tables = TablesState::deserialize(deserializer)?.tables();
        tables.ok_or_else(|| D::Error::custom("these are no tables of a grid of that size"))
    }
}

impl Serialize for NavGrid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        GridState::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NavGrid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let grid = GridState::deserialize(deserializer)?.grid();
        grid.ok_or_else(|| D::Error::custom("this is no grid of that size"))
    }
}
