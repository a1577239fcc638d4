//! Ways over a grid of squares: where one may walk, and the shortest path to there.
//!
//! In: a [`NavGrid`], which the game edits as walls appear and vanish, a start and some goals. Out:
//! a [`Path`], the same one on every machine. Rules of movement are those of the MovingAI
//! benchmarks and the Grid-based Path Planning Competition: eight directions, and a diagonal step
//! needs both squares that it passes between. Knows nothing of rooms or threads: a grid is data, a
//! search is a function, and [`Job`](crate::Job)s carry them off the tick.
//!
//! For agents there are [`Routes`], which ask, wait, follow and ask again, and [`Crowd`], in which
//! bodies keep out of each other's way.

mod square;
mod layer;
mod labels;
mod grid;
mod path;
mod scan;
mod ranks;
mod flood;
mod pivots;
mod far;
mod corners;
mod tables;
mod nodes;
mod open;
mod ground;
mod search;
pub mod maps;
mod state;
mod shared;
mod field;
mod sight;
mod goals;
mod job;
mod walk;
mod agent;
mod routes;
mod asks;
mod answers;
mod nearest;
mod walls;
mod avoid;
#[cfg(test)]
mod tests;

pub use agent::Going;
pub use avoid::{Avoidance, Body, Crowd};
pub use field::{FIELD_SQUARES_PER_EXPANSION, Field};
pub use goals::Goals;
pub use grid::NavGrid;
pub use job::{FieldAsk, NavJob, NavOutput, PathAsk, TablesAsk};
pub use path::Path;
pub use routes::{RouteCounts, Routes};
pub use search::find_path;
pub use sight::is_clear;
pub use square::{DIAGONAL, STRAIGHT, Square};
pub use tables::{PIVOTS, Tables};
