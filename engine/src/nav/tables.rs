//! `Tables`: what is known of a grid beforehand, so that searches need not find it out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::grid::NavGrid;
use super::labels::Labels;
use super::layer::Layer;
use crate::job::Meter;

/// What is known of one version of a grid.
///
/// Written as the grid's bits alone, and built anew when read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "State", try_from = "State")]
pub struct Tables {
    width: u16,
    height: u16,
    pivots: u32,
    version: u64,
    rows: Arc<Layer>,
    labels: Labels,
}

impl Tables {
    /// Builds them for a grid; none when the meter ends.
    pub fn build(grid: &NavGrid, pivots: usize, meter: &mut Meter<'_>) -> Option<Self> {
        meter.spend(1).then(|| Self {
            width: grid.width(),
            height: grid.height(),
            pivots: u32::try_from(pivots).unwrap_or(u32::MAX),
            version: grid.version(),
            rows: Arc::clone(grid.rows()),
            labels: Labels::of(grid.rows(), grid.width(), grid.height()),
        })
    }

    /// The version of the grid that they were built for.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn width(&self) -> u16 {
        self.width
    }

    pub(crate) fn height(&self) -> u16 {
        self.height
    }

    pub(crate) fn rows(&self) -> &Layer {
        &self.rows
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// Tables as they are written.
#[derive(Serialize, Deserialize)]
struct State {
    width: u16,
    height: u16,
    pivots: u32,
    version: u64,
    rows: Vec<u64>,
}

impl From<Tables> for State {
    fn from(tables: Tables) -> Self {
        Self {
            width: tables.width,
            height: tables.height,
            pivots: tables.pivots,
            version: tables.version,
            rows: tables.rows.words().to_vec(),
        }
    }
}

impl TryFrom<State> for Tables {
    type Error = &'static str;

    fn try_from(state: State) -> Result<Self, Self::Error> {
        let grid = super::grid::from_words(state.width, state.height, state.rows)
            .ok_or("a grid's bits are not those of its size")?;
        let mut meter = Meter::new(u32::MAX);
        let pivots = state.pivots as usize;
        let mut tables =
            Self::build(&grid, pivots, &mut meter).ok_or("tables took more than 2³² expansions")?;
        tables.version = state.version;
        Ok(tables)
    }
}
